//! Many activities at once in one execution: one decider and some workers, all with polls that
//! wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Result;
use simpleflow_model::{Decision, EventAttributes, EventId};
use tokio::task::JoinSet;

use super::Measurement;
use crate::client::{Client, Events, close, schedule, wake_up};
use crate::report::Value;
use crate::wire::Failure;

const NARROW: usize = 100;
const WIDE: usize = 1_000;
const WORKERS: usize = 8;

/// A response takes 100 decisions; the last one asks for the next decision task.
const PER_RESPONSE: usize = 99;

pub async fn measure(m: &Measurement<'_>) -> Result<Vec<Value>> {
    let widths: &[usize] = if m.server.small {
        &[NARROW]
    } else {
        &[NARROW, WIDE]
    };
    let mut values = Vec::new();
    for &width in widths {
        values.push(fan_out(m, width).await?);
    }
    Ok(values)
}

async fn fan_out(m: &Measurement<'_>, width: usize) -> Result<Value> {
    let list = format!("{}-{width}", m.prefix);
    let mut client = m.server.client(m.domain)?;
    let untaken = Arc::new(AtomicUsize::new(width));
    // Dropped at the end, and with it the polls of the workers that find no more tasks.
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let worker = m.server.client(m.domain)?;
        workers.spawn(work(worker, list.clone(), Arc::clone(&untaken)));
    }
    let start = Instant::now();
    client.start(&list, &list).await?;
    let decider = decide(&mut client, &list, width);
    tokio::pin!(decider);
    loop {
        tokio::select! {
            decided = &mut decider => {
                decided?;
                break;
            }
            Some(worker) = workers.join_next() => worker??,
        }
    }
    let name = format!("fan-out of {width}");
    Ok(Value::ms(name, Some(start.elapsed().as_secs_f64() * 1e3)))
}

async fn work(mut client: Client, list: String, untaken: Arc<AtomicUsize>) -> Result<(), Failure> {
    while untaken.load(Ordering::Relaxed) > 0 {
        let token = client.activity(&list).await?;
        untaken.fetch_sub(1, Ordering::Relaxed);
        client.complete(token).await?;
    }
    Ok(())
}

async fn decide(client: &mut Client, list: &str, width: usize) -> Result<(), Failure> {
    let mut scheduled = 0;
    let mut completed = 0;
    let mut seen = EventId(0);
    loop {
        let task = client.decision(list, Events::New).await?;
        completed += task
            .events_after(seen)
            .filter(|event| matches!(event.attributes, EventAttributes::ActivityTaskCompleted(_)))
            .count();
        seen = task.started();
        if completed == width {
            return client.decide(task.token(), vec![close()]).await;
        }
        let mut decisions: Vec<Decision> = (scheduled..width)
            .take(PER_RESPONSE)
            .map(|number| schedule(&format!("activity-load-{number}"), list))
            .collect();
        scheduled += decisions.len();
        if scheduled < width {
            decisions.push(wake_up(&format!("more-{scheduled}")));
        }
        client.decide(task.token(), decisions).await?;
    }
}
