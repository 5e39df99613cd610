//! A decision round trip: a signal, the poll that gets its decision task, and the answer.

use std::time::Instant;

use anyhow::Result;
use tokio::task::JoinSet;

use super::{Measurement, clients};
use crate::client::{Events, close};
use crate::report::Value;
use crate::times::Times;
use crate::wire::Failure;

/// An execution is closed after so many, so that its history stays short where the server sends
/// all of it.
const PER_EXECUTION: usize = 50;

pub async fn measure(m: &Measurement<'_>) -> Result<Vec<Value>> {
    let mut values = Vec::new();
    for count in [1, m.plan.clients] {
        let times = round_trips(m, count).await?;
        for percent in [50, 99] {
            values.push(Value::ms(
                format!("decision round trip, {}: p{percent}", clients(count)),
                times.percentile(percent),
            ));
        }
    }
    Ok(values)
}

async fn round_trips(m: &Measurement<'_>, count: usize) -> Result<Times> {
    let end = Instant::now() + m.plan.window;
    let mut running = JoinSet::new();
    for number in 0..count {
        let mut client = m.server.client(m.domain)?;
        let list = format!("{}-{count}-{number}", m.prefix);
        running.spawn(async move {
            let mut times = Times::default();
            for execution in 0_usize.. {
                if Instant::now() > end {
                    break;
                }
                let id = format!("{list}-{execution}");
                client.start(&id, &list).await?;
                let task = client.decision(&list, Events::New).await?;
                client.decide(task.token(), Vec::new()).await?;
                for _ in 0..PER_EXECUTION {
                    let start = Instant::now();
                    if start > end {
                        break;
                    }
                    client.signal(&id).await?;
                    let task = client.decision(&list, Events::New).await?;
                    client.decide(task.token(), Vec::new()).await?;
                    times.push(start.elapsed());
                }
                client.signal(&id).await?;
                let task = client.decision(&list, Events::New).await?;
                client.decide(task.token(), vec![close()]).await?;
            }
            Ok::<_, Failure>(times)
        });
    }
    let mut times = Times::default();
    while let Some(client) = running.join_next().await {
        times.extend(client??);
    }
    Ok(times)
}
