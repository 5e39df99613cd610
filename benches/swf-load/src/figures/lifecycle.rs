//! Full lifecycles: start, decision, activity, decision, close.

use std::time::Instant;

use anyhow::{Result, bail};
use tokio::task::JoinSet;

use super::{Measurement, clients};
use crate::client::{Client, Events, close, schedule};
use crate::process;
use crate::report::Value;
use crate::times::Times;
use crate::wire::Failure;

/// A client that was refused this often gives up.
const MOST_REFUSALS: usize = 20;

pub async fn measure(m: &Measurement<'_>) -> Result<Vec<Value>> {
    let mut values = Vec::new();
    for activities in [1, 5] {
        for count in [1, m.plan.clients] {
            let label = match activities {
                1 => clients(count),
                _ => format!("{activities} activities, {}", clients(count)),
            };
            let prefix = format!("{}-{activities}-{count}", m.prefix);
            let window = window(m, &prefix, count, activities).await?;
            values.push(Value::rate(format!("lifecycles, {label}"), window.rate));
            values.push(Value::ms(
                format!("one lifecycle, {label}: p50"),
                window.times.percentile(50),
            ));
            values.push(Value::ms(
                format!("one lifecycle, {label}: p99"),
                window.times.percentile(99),
            ));
            if let Some(processor) = window.processor_ms {
                values.push(Value::ms(
                    format!("processor time of a lifecycle, {label}"),
                    Some(processor),
                ));
            }
        }
    }
    Ok(values)
}

/// What was seen in a window of time.
pub struct Window {
    /// Executions closed per second.
    pub rate: f64,
    /// How long each was open.
    pub times: Times,
    /// The server's processor time for each, in milliseconds.
    pub processor_ms: Option<f64>,
}

/// Runs lifecycles with a number of clients, each one after another, for as long as the plan says.
///
/// Each client has task lists of its own, so that a lifecycle is the work of one client.
pub async fn window(
    m: &Measurement<'_>,
    prefix: &str,
    count: usize,
    activities: usize,
) -> Result<Window> {
    let mut ready = Vec::new();
    for number in 0..count {
        let mut client = m.server.client(m.domain)?;
        let prefix = format!("{prefix}-{number}");
        // Not measured: the connection is opened, and the lists come into being. One after
        // another, because moto fails when a list does while another call is served.
        lifecycle(&mut client, &format!("{prefix}-first"), &prefix, activities).await?;
        ready.push((client, prefix));
    }
    let before = m.server.pid.map(process::processor).transpose()?;
    let start = Instant::now();
    let end = start + m.plan.window;
    let mut running = JoinSet::new();
    for (mut client, prefix) in ready {
        running.spawn(async move {
            let mut times = Times::default();
            let mut refusals = Vec::new();
            let mut list = prefix.clone();
            for turn in 0_usize.. {
                let begun = Instant::now();
                if begun > end {
                    break;
                }
                let id = format!("{prefix}-{turn}");
                match lifecycle(&mut client, &id, &list, activities).await {
                    Ok(()) => times.push(begun.elapsed()),
                    // Its tasks may still be in the lists, so the next ones go elsewhere.
                    Err(error) if refusals.len() < MOST_REFUSALS => {
                        refusals.push(error);
                        list = format!("{prefix}-again-{}", refusals.len());
                    }
                    Err(error) => return Err(error),
                }
            }
            // A client finishes what it has begun, so its rate is over a time of its own.
            let rate = times.len() as f64 / start.elapsed().as_secs_f64();
            Ok((rate, times, refusals))
        });
    }
    let mut rate = 0.0;
    let mut times = Times::default();
    let mut refusals = Vec::new();
    while let Some(client) = running.join_next().await {
        let (its_rate, some, refused) = client??;
        rate += its_rate;
        times.extend(some);
        refusals.extend(refused);
    }
    if let Some(first) = refusals.first() {
        eprintln!(
            "  {}: {} lifecycles failed, and {} did not: {first}",
            m.server.name,
            refusals.len(),
            times.len()
        );
    }
    if times.len() == 0 {
        bail!("no lifecycle was done");
    }
    let done = times.len() as f64;
    let after = m.server.pid.map(process::processor).transpose()?;
    let processor_ms = before
        .zip(after)
        .map(|(before, after)| (after - before).as_secs_f64() * 1e3 / done);
    Ok(Window {
        rate,
        times,
        processor_ms,
    })
}

/// One execution from its start to its close, with activities one after another.
async fn lifecycle(
    client: &mut Client,
    id: &str,
    list: &str,
    activities: usize,
) -> Result<(), Failure> {
    client.start(id, list).await?;
    for number in 0..activities {
        let task = client.decision(list, Events::All).await?;
        let decision = schedule(&format!("activity-load-{number}"), list);
        client.decide(task.token(), vec![decision]).await?;
        let token = client.activity(list).await?;
        client.complete(token).await?;
    }
    let task = client.decision(list, Events::All).await?;
    client.decide(task.token(), vec![close()]).await
}
