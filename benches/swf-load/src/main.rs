//! Measures what SWF servers do under load, over the wire, several of them in one run.
//!
//! The servers are measured in turn, A B A B: on a machine whose speed drifts it drifts for all of
//! them. The best of the rounds counts.

mod bounds;
mod client;
mod disk;
mod figures;
mod process;
mod report;
mod server;
mod times;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use clap::{Parser, ValueEnum as _};

use figures::{Figure, Measurement, Plan};
use report::Report;
use server::Server;
use times::Times;

/// Measures SWF servers side by side.
#[derive(Debug, Parser)]
struct Options {
    /// A server: NAME=http://HOST:PORT, and after commas what else is known about it. `pid=PID`
    /// lets its memory and processor time be read; `reset=PATH` empties it before each figure;
    /// `small` gives it less to do.
    #[arg(long = "server", required = true, value_name = "SERVER")]
    servers: Vec<Server>,

    /// The name of the server that the others are compared with.
    #[arg(long)]
    baseline: Option<String>,

    /// The figures to measure, of those that leave a server as it was unless named.
    #[arg(value_enum)]
    figures: Vec<Figure>,

    /// How often each figure is measured.
    #[arg(long, default_value_t = 3)]
    rounds: usize,

    /// How long throughput is measured, in seconds.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,

    /// The clients of the figures with many.
    #[arg(long, default_value_t = 32)]
    clients: usize,

    /// The numbers of executions for the figure `open`.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000])]
    open: Vec<usize>,

    /// The number of executions for the figure `closed`.
    #[arg(long, default_value_t = 100_000)]
    closed: usize,

    /// A directory on the disk to compare with: writes with fdatasync are measured there.
    #[arg(long)]
    disk: Option<PathBuf>,

    /// Write JSON lines to standard output, and the table to standard error.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    // One thread, so that the servers have the others.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(options)));
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and prints all. It fails when a bound is missed.
async fn run(mut options: Options) -> Result<ExitCode> {
    options.open.sort_unstable();
    ensure!(options.rounds > 0, "no rounds");
    if options.figures.is_empty() {
        let all = Figure::value_variants().iter().copied();
        options.figures = all.filter(|figure| figure.repeats()).collect();
    }
    if let Some(name) = &options.baseline {
        let known = options.servers.iter().any(|server| server.name == *name);
        ensure!(known, "no server is called `{name}`");
    }
    let plan = Plan {
        window: Duration::from_secs_f64(options.seconds),
        clients: options.clients,
        open: options.open,
        closed: options.closed,
    };
    let domain = domain();
    for server in &options.servers {
        server.wait(Duration::from_secs(60)).await?;
        server.prepare(&domain, false).await?;
    }
    let names = options.servers.iter().map(|server| server.name.clone());
    let mut report = Report::new(names.collect(), options.baseline.as_deref());
    let (mut append, mut overwrite) = (None, None);
    let mut measured = 0;
    for &figure in &options.figures {
        let rounds = if figure.repeats() { options.rounds } else { 1 };
        for round in 1..=rounds {
            if let Some(directory) = &options.disk {
                let writes = disk::writes(directory)?;
                append = better(append, &writes.appends);
                overwrite = better(overwrite, &writes.overwrites);
            }
            for (index, server) in options.servers.iter().enumerate() {
                if !server.measures(figure) {
                    continue;
                }
                eprintln!("{figure:?}, round {round} of {rounds}: {}", server.name);
                measured += 1;
                let measurement = Measurement {
                    server,
                    domain: &domain,
                    prefix: format!("m{measured}"),
                    plan: &plan,
                };
                let values = async {
                    server.prepare(&domain, true).await?;
                    measurement.of(figure).await
                };
                match values.await {
                    Ok(values) => report.add(index, values),
                    // The others are worth measuring all the same.
                    Err(error) => eprintln!("  {} failed: {error:#}", server.name),
                }
            }
        }
    }

    let mut text = report.table();
    for (write, times) in [("append", append), ("overwrite", overwrite)] {
        let Some((p50, p99)) = times else { continue };
        text += &format!(
            "\n{write} of 4 kB with fdatasync: p50 {p50:.2} ms, p99 {p99:.2} ms\n{}",
            lines(&bounds::steps(&report, write, p50))
        );
    }
    let verdicts = bounds::verdicts(&report, &options.servers, &options.figures, &plan);
    if !verdicts.lines.is_empty() {
        text += &format!("\n{}", lines(&verdicts.lines));
    }
    if options.json {
        print!("{}", report.json_lines());
        eprint!("\n{text}");
    } else {
        print!("{text}");
    }
    Ok(match verdicts.missed {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// The better of what writes took, by their median: 50th and 99th percentile, in milliseconds.
fn better(best: Option<(f64, f64)>, times: &Times) -> Option<(f64, f64)> {
    let times = times.percentile(50).zip(times.percentile(99));
    let both = [best, times].into_iter().flatten();
    both.min_by(|a, b| a.0.total_cmp(&b.0))
}

fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A domain that no earlier run has used.
fn domain() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    format!("load-{}", now.unwrap_or_default().as_micros())
}
