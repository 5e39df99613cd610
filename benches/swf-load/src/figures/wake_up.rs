//! How soon a waiting poll has its task.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::mpsc;

use super::Measurement;
use crate::client::{Events, close};
use crate::report::Value;
use crate::times::Times;
use crate::wire::Failure;

/// How long a poll has been waiting when its task comes.
const WAIT: Duration = Duration::from_millis(15);

/// Where there are few turns, their waits are spread over this time: a server that ends its polls
/// early is met at any moment of a poll.
const SPREAD: Duration = Duration::from_secs(1);

const TURNS: usize = 200;
const FEW_TURNS: u32 = 15;

pub async fn measure(m: &Measurement<'_>) -> Result<Vec<Value>> {
    let waits: Vec<Duration> = if m.server.small {
        let wait = |turn| WAIT + SPREAD * turn / FEW_TURNS;
        (0..FEW_TURNS).map(wait).collect()
    } else {
        vec![WAIT; TURNS]
    };
    let turns = waits.len();
    let mut poller = m.server.client(m.domain)?;
    let mut starter = m.server.client(m.domain)?;
    let list = m.prefix.clone();
    let (polling, mut polls) = mpsc::channel(1);
    let polled = tokio::spawn(async move {
        let mut answers = Vec::new();
        for _ in 0..turns {
            // Only the starter can be gone, and then it says why.
            let _ = polling.send(()).await;
            let task = poller.decision(&list, Events::All).await?;
            answers.push(Instant::now());
            poller.decide(task.token(), vec![close()]).await?;
        }
        Ok::<_, Failure>(answers)
    });
    let mut starts = Vec::new();
    for wait in waits {
        if polls.recv().await.is_none() {
            break;
        }
        tokio::time::sleep(wait).await;
        let id = format!("{}-{}", m.prefix, starts.len());
        starter.start(&id, &m.prefix).await?;
        starts.push(Instant::now());
    }
    let mut times = Times::default();
    for (start, answer) in starts.into_iter().zip(polled.await??) {
        // The poll may be answered before the start is.
        let early = start.saturating_duration_since(answer).as_secs_f64();
        let late = answer.saturating_duration_since(start).as_secs_f64();
        times.push_ms((late - early) * 1e3);
    }
    Ok([50, 99]
        .map(|percent| {
            let name = format!("wake-up of a waiting poll: p{percent}");
            Value::ms(name, times.percentile(percent))
        })
        .into())
}
