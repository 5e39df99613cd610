//! Activities one after another in one execution, by one client that is decider and worker.

use std::time::Instant;

use anyhow::Result;

use super::Measurement;
use crate::client::{Events, close, schedule};
use crate::report::Value;
use crate::times::Times;

const SHORT: usize = 100;
const LONG: usize = 1_000;

pub async fn measure(m: &Measurement<'_>) -> Result<Vec<Value>> {
    let lengths: &[usize] = if m.server.small {
        &[SHORT]
    } else {
        &[SHORT, LONG]
    };
    let mut values = Vec::new();
    for &length in lengths {
        values.extend(chain(m, length).await?);
    }
    Ok(values)
}

async fn chain(m: &Measurement<'_>, length: usize) -> Result<Vec<Value>> {
    let mut client = m.server.client(m.domain)?;
    let list = format!("{}-{length}", m.prefix);
    let mut steps = Vec::new();
    let start = Instant::now();
    client.start(&list, &list).await?;
    for number in 0..length {
        let step = Instant::now();
        let task = client.decision(&list, Events::New).await?;
        let decision = schedule(&format!("activity-load-{number}"), &list);
        client.decide(task.token(), vec![decision]).await?;
        let token = client.activity(&list).await?;
        client.complete(token).await?;
        steps.push(step.elapsed());
    }
    let task = client.decision(&list, Events::New).await?;
    client.decide(task.token(), vec![close()]).await?;
    let whole = start.elapsed();

    let name = format!("chain of {length}");
    let mut values = vec![Value::ms(name.clone(), Some(whole.as_secs_f64() * 1e3))];
    let tenth = length / 10;
    for (place, some) in [
        ("first", &steps[..tenth]),
        ("last", &steps[length - tenth..]),
    ] {
        let mut times = Times::default();
        some.iter().for_each(|step| times.push(*step));
        values.push(Value::ms(
            format!("{name}: a step of the {place} tenth, p50"),
            times.percentile(50),
        ));
    }
    Ok(values)
}
