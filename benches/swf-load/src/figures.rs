//! The figures: what is done to a server, and what is measured of it.

mod chain;
mod decision;
mod fan_out;
mod idle;
mod lifecycle;
mod population;
mod wake_up;

use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;

use crate::report::Value;
use crate::server::Server;

/// A figure, or a few that are measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Figure {
    /// Executions per second from the start to the close, with 1 client and with many, with one
    /// activity and with five.
    Lifecycle,
    /// The time of a decision round trip: signal, poll, respond.
    Decision,
    /// The time from the answer to a start to the answer to the poll that waits for its task.
    WakeUp,
    /// Activities one after another in one execution.
    Chain,
    /// Activities all at once in one execution.
    FanOut,
    /// The processor time of polls that wait.
    IdlePolls,
    /// Memory and executions per second with many open executions.
    Open,
    /// Executions per second with many closed executions.
    Closed,
}

impl Figure {
    /// Whether it leaves the server as it was, so that it can be measured again.
    pub fn repeats(self) -> bool {
        !matches!(self, Self::Open | Self::Closed)
    }
}

/// How much is done for each figure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How long throughput is measured.
    pub window: Duration,
    /// The clients of the figures with many.
    pub clients: usize,
    /// How many open executions, in ascending order.
    pub open: Vec<usize>,
    /// How many closed executions.
    pub closed: usize,
}

/// One measurement of one server.
#[derive(Debug)]
pub struct Measurement<'a> {
    /// The server.
    pub server: &'a Server,
    /// The domain, with its types registered.
    pub domain: &'a str,
    /// What the names of this measurement begin with, so that they are not those of another.
    pub prefix: String,
    /// How much is done.
    pub plan: &'a Plan,
}

impl Measurement<'_> {
    /// Measures a figure.
    ///
    /// # Errors
    /// When the server refuses what it should do.
    pub async fn of(&self, figure: Figure) -> Result<Vec<Value>> {
        match figure {
            Figure::Lifecycle => lifecycle::measure(self).await,
            Figure::Decision => decision::measure(self).await,
            Figure::WakeUp => wake_up::measure(self).await,
            Figure::Chain => chain::measure(self).await,
            Figure::FanOut => fan_out::measure(self).await,
            Figure::IdlePolls => idle::measure(self).await,
            Figure::Open => population::open(self).await,
            Figure::Closed => population::closed(self).await,
        }
    }
}

/// `1 client`, `32 clients`.
fn clients(count: usize) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} client{plural}")
}
