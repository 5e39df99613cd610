//! `server.start`: SWF in the box.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;

use clap::Args;
use simpleflow_server::{Config, Credentials, Server, Storage};
use tokio::runtime::Builder;

use crate::connect::DataDir;
use crate::error::CliError;
use crate::output;

/// Serve Amazon SWF from this machine: durable, with no account and nothing to install.
///
/// Any SWF client works against it. It stops gracefully on SIGTERM and SIGINT; what was answered
/// is on disk whatever happens.
#[derive(Args)]
#[command(after_help = "\
Examples:
  simpleflow server.start
  simpleflow server.start --listen 127.0.0.1:0 --in-memory
  AWS_ENDPOINT_URL_SWF=http://127.0.0.1:8042 aws swf list-domains --registration-status REGISTERED

Beside the SWF protocol it answers GET /healthz and GET /metrics (Prometheus). With --credentials,
/metrics is for programs on this machine and for requests that are signed.")]
pub(crate) struct ServerStart {
    /// Where to listen. Port 0 is one that is free. Anything but this machine's own address
    /// needs --credentials.
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        env = "SIMPLEFLOW_LISTEN",
        default_value = "127.0.0.1:8042"
    )]
    listen: SocketAddr,

    #[command(flatten)]
    data_dir: DataDir,

    /// Keep everything in memory: it ends with the server. For tests.
    #[arg(long, conflicts_with = "relaxed")]
    in_memory: bool,

    /// Answer before the disk has it. The last moments are lost when the machine fails, but not
    /// when the server is killed.
    #[arg(long)]
    relaxed: bool,

    /// The file with the keys that may call: on each line an access key id and a secret access
    /// key. Requests must then be signed (SigV4).
    #[arg(long, value_name = "FILE", env = "SIMPLEFLOW_CREDENTIALS_FILE")]
    credentials: Option<PathBuf>,
}

impl ServerStart {
    pub(crate) fn run(self) -> Result<(), CliError> {
        // Half of the processors: the others are for who writes, and for deciders and workers beside
        // the server. A request that is passed from thread to thread costs more than to answer it.
        let processors = available_parallelism().map_or(1, NonZeroUsize::get);
        let runtime = Builder::new_multi_thread()
            .worker_threads(processors.div_ceil(2))
            .enable_all()
            .build()
            .map_err(CliError::Runtime)?;
        runtime.block_on(self.serve())
    }

    async fn serve(self) -> Result<(), CliError> {
        let credentials = self
            .credentials
            .as_ref()
            .map(read_credentials)
            .transpose()?;
        let storage = match self.in_memory {
            true => Storage::Memory,
            false => Storage::Disk {
                dir: self.data_dir.data_dir.clone(),
                relaxed: self.relaxed,
            },
        };
        let kept = match (&storage, self.relaxed) {
            (Storage::Memory, _) => "in memory".to_owned(),
            (Storage::Disk { dir, .. }, false) => format!("in {}", dir.display()),
            (Storage::Disk { dir, .. }, true) => format!("in {}, relaxed", dir.display()),
        };
        let signed = credentials.is_some();
        let server = Server::new(Config {
            listen: self.listen,
            storage,
            credentials,
        })
        .start()
        .await?;
        let addr = server.addr();
        let ready = || {
            output::say(&format!(
                "simpleflow {} serves SWF; data {kept}. Clients use:",
                env!("CARGO_PKG_VERSION")
            ));
            // Who is not there to read it knows it already.
            let line = format!("export AWS_ENDPOINT_URL_SWF=http://{addr}\n");
            if let Err(error) = output::print(line.as_bytes()) {
                output::say(&error.to_string());
            }
            if !signed {
                output::say(
                    "They also need a region and credentials, of which any will do, such as\n  \
                     export AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any",
                );
            }
        };
        Ok(server.serve(ready).await?)
    }
}

fn read_credentials(path: &PathBuf) -> Result<Credentials, CliError> {
    let text = std::fs::read_to_string(path).map_err(|source| CliError::ReadCredentials {
        path: path.clone(),
        source,
    })?;
    Credentials::parse(&text).map_err(|source| CliError::Credentials {
        path: path.clone(),
        source,
    })
}
