//! `jumbo.cache`: the cache of long values on disk.

use clap::Args;
use simpleflow_jumbo::{DiskCache, Settings};

use crate::error::CliError;
use crate::table::{Format, Table};

/// Show the cache of values that were longer than SWF's fields, or clear it.
///
/// It is on with SIMPLEFLOW_ENABLE_DISK_CACHE=true, in SIMPLEFLOW_DISK_CACHE_DIR, with at most
/// SIMPLEFLOW_DISK_CACHE_SIZE bytes. Programs that use it may run meanwhile.
#[derive(Args)]
#[command(after_help = "\
Examples:
  simpleflow --header jumbo.cache
  simpleflow jumbo.cache --clear")]
pub(crate) struct JumboCache {
    /// Remove all entries. What is shown is what there was.
    #[arg(long)]
    clear: bool,
}

const COLUMNS: &[&str] = &["Directory", "Enabled", "Entries", "Bytes", "Most Bytes"];

impl JumboCache {
    pub(crate) fn run(self, format: Format) -> Result<(), CliError> {
        let enabled = Settings::from_env()?.disk_cache;
        let settings = match &enabled {
            Some(settings) => settings.clone(),
            None => Settings::disk_cache_from_env()?,
        };
        let cache = DiskCache::new(settings.dir, settings.bytes);
        let usage = match self.clear {
            true => cache.clear(),
            false => cache.usage(),
        };
        let usage = usage.map_err(|source| CliError::Cache {
            path: cache.dir().to_owned(),
            source,
        })?;
        let mut table = Table::new(COLUMNS);
        table.push([
            cache.dir().display().to_string().as_str().into(),
            enabled.is_some().to_string().as_str().into(),
            usage.entries.to_string().as_str().into(),
            usage.bytes.to_string().as_str().into(),
            cache.most().to_string().as_str().into(),
        ]);
        table.print(format)
    }
}
