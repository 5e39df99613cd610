//! What many executions cost, open or closed: memory, and speed for the others.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

use super::{Measurement, clients, lifecycle};
use crate::client::{Events, close};
use crate::process;
use crate::report::Value;
use crate::wire::Failure;

/// Throughput is measured so often, and the best is taken.
const WINDOWS: usize = 3;

/// How long a server has for what it does after its answers.
const SETTLE: Duration = Duration::from_secs(2);

/// With more and more open executions that wait for nothing.
pub async fn open(m: &Measurement<'_>) -> Result<Vec<Value>> {
    let mut values = throughput(m, "empty", "no open executions").await?;
    let mut there = 0;
    // What the open executions have added. What the throughput leaves behind is not theirs.
    let mut added = 0.0;
    for &count in &m.plan.open {
        let before = m.server.pid.map(process::resident).transpose()?;
        populate(m, there..count, false).await?;
        there = count;
        tokio::time::sleep(SETTLE).await;
        if let Some((pid, before)) = m.server.pid.zip(before) {
            let resident = process::resident(pid)?;
            added += resident - before;
            values.push(Value::megabytes(
                format!("memory, {count} open"),
                resident / 1e6,
            ));
            values.push(Value::bytes(
                format!("memory of an open execution, {count} open"),
                added / count as f64,
            ));
        }
        values.extend(throughput(m, &format!("{count}"), &format!("{count} open")).await?);
    }
    Ok(values)
}

/// With many closed executions.
pub async fn closed(m: &Measurement<'_>) -> Result<Vec<Value>> {
    let count = m.plan.closed;
    let mut values = throughput(m, "empty", "no closed executions").await?;
    let start = Instant::now();
    populate(m, 0..count, true).await?;
    let seconds = start.elapsed().as_secs_f64();
    values.push(Value::rate(
        format!("executions of one decision, {} at once", m.plan.clients),
        count as f64 / seconds,
    ));
    tokio::time::sleep(SETTLE).await;
    if let Some(pid) = m.server.pid {
        values.push(Value::megabytes(
            format!("memory, {count} closed"),
            process::resident(pid)? / 1e6,
        ));
    }
    values.extend(throughput(m, "after", &format!("{count} closed")).await?);
    Ok(values)
}

async fn throughput(m: &Measurement<'_>, prefix: &str, label: &str) -> Result<Vec<Value>> {
    let mut values = Vec::new();
    for count in [1, m.plan.clients] {
        let mut best: f64 = 0.0;
        for turn in 0..WINDOWS {
            let prefix = format!("{}-{prefix}-{count}-{turn}", m.prefix);
            let window = lifecycle::window(m, &prefix, count, 1).await?;
            best = best.max(window.rate);
        }
        values.push(Value::rate(
            format!("lifecycles, {}, {label}", clients(count)),
            best,
        ));
    }
    Ok(values)
}

/// Starts executions, each with one decision: to wait, or to close.
async fn populate(
    m: &Measurement<'_>,
    numbers: std::ops::Range<usize>,
    closing: bool,
) -> Result<()> {
    // In a domain of their own: a domain has 100,000 open executions at most, and what is measured
    // meanwhile has some too.
    let domain = format!("{}-population", m.domain);
    if numbers.start == 0 {
        m.server.prepare(&domain, false).await?;
    }
    let mut running = JoinSet::new();
    for client_number in 0..m.plan.clients {
        let mut client = m.server.client(&domain)?;
        let list = format!("{}-{client_number}", m.prefix);
        let mine = numbers.clone().skip(client_number).step_by(m.plan.clients);
        running.spawn(async move {
            for number in mine {
                client.start(&format!("{list}-{number}"), &list).await?;
                let task = client.decision(&list, Events::All).await?;
                let decisions = if closing { vec![close()] } else { Vec::new() };
                client.decide(task.token(), decisions).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(client) = running.join_next().await {
        client??;
    }
    Ok(())
}
