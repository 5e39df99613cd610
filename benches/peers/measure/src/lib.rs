//! Work that is measured on several systems, and how it is measured.
//!
//! A system is a type that can run the two shapes of [`System`], and a program that hands it to
//! [`measure`]; one program can have several. Programs write JSON lines, so that those of different
//! programs can be laid side by side.

mod figures;

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use clap::builder::PossibleValuesParser;
use futures::future::try_join_all;

pub use figures::{Figure, table};

/// A system that runs durable executions of activities, each of which adds 1 to its argument.
///
/// What is measured is what a client of the system sees: from its request to the result.
#[expect(async_fn_in_trait, reason = "all of it is polled where it is awaited")]
pub trait System {
    /// What the figures call it.
    fn name(&self) -> &str;

    /// One execution with `steps` activities, the first on 0, each other on the result of the one
    /// before; the last result.
    async fn chain(&self, steps: i64) -> Result<i64>;

    /// One execution with an activity on each of `0..width`, as concurrent as the system allows;
    /// the sum of the results.
    async fn fan_out(&self, width: i64) -> Result<i64>;
}

/// What is run.
#[derive(Clone, Copy, Debug)]
enum Work {
    Chain(i64),
    FanOut(i64),
    /// Executions that are started at once, each a chain.
    Chains {
        executions: i64,
        steps: i64,
    },
}

/// All that can be measured, under the names that the figures have.
const WORKLOADS: [(&str, Work); 4] = [
    ("chain-100", Work::Chain(100)),
    ("fan-out-1000", Work::FanOut(1_000)),
    (
        "200-chains-5",
        Work::Chains {
            executions: 200,
            steps: 5,
        },
    ),
    // Whose time should be 40 times that of a chain of 100.
    ("chain-4000", Work::Chain(4_000)),
];

impl Work {
    /// Runs it once, and checks the result.
    async fn run(self, system: &impl System) -> Result<()> {
        let (result, expected) = match self {
            Self::Chain(steps) => (system.chain(steps).await?, steps),
            Self::FanOut(width) => (system.fan_out(width).await?, width * (width + 1) / 2),
            Self::Chains { executions, steps } => {
                let results = try_join_all((0..executions).map(|_| system.chain(steps))).await?;
                (results.into_iter().sum(), executions * steps)
            }
        };
        ensure!(result == expected, "the result is {result}, not {expected}");
        Ok(())
    }
}

/// What to measure, and how often.
#[derive(Args, Debug)]
pub struct Plan {
    /// The workloads to measure [default: all]
    #[arg(value_parser = PossibleValuesParser::new(WORKLOADS.map(|(name, _)| name)))]
    workloads: Vec<String>,

    /// How often each is measured, after one run that is not
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// Measures a system: each workload once to warm it, and then as often as the plan has it.
///
/// Figures go to standard output as JSON lines, each when it is there.
///
/// # Errors
/// When the system fails, or the result is wrong.
pub async fn measure(system: &impl System, plan: &Plan) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (name, work) in WORKLOADS {
        if !plan.workloads.is_empty() && !plan.workloads.iter().any(|wanted| wanted == name) {
            continue;
        }
        let failed = || format!("{name} on {}", system.name());
        work.run(system).await.with_context(failed)?;
        let mut seconds = Vec::new();
        for _ in 0..plan.rounds {
            let start = Instant::now();
            work.run(system).await.with_context(failed)?;
            seconds.push(start.elapsed().as_secs_f64());
        }
        let figure = Figure {
            system: system.name().to_owned(),
            workload: name.to_owned(),
            seconds,
        };
        println!("{}", serde_json::to_string(&figure)?);
        figures.push(figure);
    }
    Ok(figures)
}
