//! `binaries.download`: downloads what activities need.

use clap::Args;
use futures::future::join_all;
use simpleflow_aws::Places;
use simpleflow_executor::Binary;
use tokio::runtime::Runtime;

use crate::error::CliError;
use crate::{output, resources};

/// Download binaries, as workers do for activities that need them.
///
/// Those that are there already are not downloaded again. The file of each is printed. The directory
/// is SIMPLEFLOW_BINARIES_DIRECTORY, or simpleflow/binaries in the user's cache.
#[derive(Args)]
#[command(after_help = "\
Examples:
  simpleflow binaries.download ffmpeg=s3://tools/v1/ffmpeg sox=s3://tools/v3/sox")]
pub(crate) struct BinariesDownload {
    /// The binaries: the name that each is called by, and s3://BUCKET/KEY or
    /// http://HOST:PORT/objects/KEY of the server in the box.
    #[arg(required = true, value_name = "NAME=LOCATION", value_parser = parse)]
    binaries: Vec<Binary>,
}

impl BinariesDownload {
    pub(crate) fn run(self) -> Result<(), CliError> {
        let runtime = Runtime::new().map_err(CliError::Runtime)?;
        let directory = resources::binaries(Places::new());
        let fetching = self.binaries.iter().map(|binary| directory.fetch(binary));
        let fetched = runtime.block_on(join_all(fetching));
        let mut failed = Ok(());
        for file in fetched {
            match file {
                Ok(file) => output::print(format!("{}\n", file.display()).as_bytes())?,
                Err(error) => {
                    // The last ends the command, the others are told here.
                    if let Err(earlier) = std::mem::replace(&mut failed, Err(error.into())) {
                        CliError::print(&earlier);
                    }
                }
            }
        }
        failed
    }
}

fn parse(text: &str) -> Result<Binary, String> {
    let (name, location) = text.split_once('=').ok_or("expected NAME=LOCATION")?;
    Binary::new(name, location).map_err(|error| error.to_string())
}
