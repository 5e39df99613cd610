//! durare: a library that keeps the results of steps in SQLite, in the process that runs them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use durare::{DurableContext, DurableEngine, SqliteProvider, WorkflowOptions};
use futures::future::try_join_all;
use measure::{Plan, System, measure, table};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

/// Measures durare
#[derive(Debug, Parser)]
struct Options {
    /// A directory without anything in it, for the databases
    #[arg(long)]
    data_dir: PathBuf,

    #[command(flatten)]
    plan: Plan,
}

#[durare::step]
async fn increment(ctx: &DurableContext, x: i64) -> durare::Result<i64> {
    Ok(x + 1)
}

#[durare::workflow]
async fn chain(ctx: DurableContext, steps: i64) -> durare::Result<i64> {
    let mut x = 0;
    for _ in 0..steps {
        x = increment(&ctx, x).await?;
    }
    Ok(x)
}

#[durare::workflow]
async fn fan_out(ctx: DurableContext, width: i64) -> durare::Result<i64> {
    let parts = try_join_all((0..width).map(|x| increment(&ctx, x))).await?;
    Ok(parts.into_iter().sum())
}

struct Durare {
    name: &'static str,
    engine: DurableEngine,
}

impl Durare {
    async fn start(name: &'static str, provider: SqliteProvider) -> Result<Self> {
        let engine = DurableEngine::new(Arc::new(provider)).await?;
        engine.launch().await?;
        Ok(Self { name, engine })
    }
}

impl System for Durare {
    fn name(&self) -> &str {
        self.name
    }

    async fn chain(&self, steps: i64) -> Result<i64> {
        let options = WorkflowOptions::default();
        Ok(self.engine.start_with(Chain, steps, options).await?.await?)
    }

    async fn fan_out(&self, width: i64) -> Result<i64> {
        let options = WorkflowOptions::default();
        Ok(self
            .engine
            .start_with(FanOut, width, options)
            .await?
            .await?)
    }
}

/// As it comes: a commit is in the log of the database, but the disk need not have it.
async fn as_it_comes(file: &Path) -> Result<SqliteProvider> {
    Ok(SqliteProvider::connect(&format!("sqlite://{}", file.display())).await?)
}

/// With a sync for each commit, and otherwise the settings of [`SqliteProvider::connect`].
async fn with_sync(file: &Path) -> Result<SqliteProvider> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new().max_connections(5);
    Ok(SqliteProvider::from_pool(pool.connect_with(options).await?))
}

#[tokio::main]
async fn main() -> Result<()> {
    let Options { data_dir, plan } = Options::parse();
    let systems = [
        ("durare", as_it_comes(&data_dir.join("durare.db")).await?),
        ("durare-sync", with_sync(&data_dir.join("sync.db")).await?),
    ];
    let mut figures = Vec::new();
    for (name, provider) in systems {
        let system = Durare::start(name, provider).await?;
        figures.extend(measure(&system, &plan).await?);
        system.engine.shutdown(Duration::from_secs(5)).await?;
    }
    eprint!("{}", table(&figures));
    Ok(())
}
