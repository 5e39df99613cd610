//! What polls cost that wait and get nothing.

use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;

use super::Measurement;
use crate::client::Events;
use crate::process;
use crate::report::Value;

const POLLS: usize = 100;

/// How long until all of them wait.
const SETTLE: Duration = Duration::from_secs(1);

pub async fn measure(m: &Measurement<'_>) -> Result<Vec<Value>> {
    let Some(pid) = m.server.pid else {
        return Ok(Vec::new());
    };
    let mut polls = JoinSet::new();
    for number in 0..POLLS {
        let mut client = m.server.client(m.domain)?;
        let list = format!("{}-{number}", m.prefix);
        polls.spawn(async move {
            loop {
                if let Err(error) = client.poll_decision(&list, Events::All).await {
                    return error;
                }
            }
        });
    }
    tokio::time::sleep(SETTLE).await;
    let before = process::processor(pid)?;
    tokio::time::sleep(m.plan.window).await;
    let used = process::processor(pid)? - before;
    if let Some(error) = polls.try_join_next() {
        return Err(error?.into());
    }
    let share = used.as_secs_f64() / m.plan.window.as_secs_f64();
    Ok(vec![Value::percent(
        format!("{POLLS} idle polls, of a processor"),
        share * 100.0,
    )])
}
