//! A server in a process of its own, which can be killed.
//!
//! The process is the test program itself: it runs one ignored test, which serves.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use simpleflow_server::Config;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};

const DIR: &str = "SIMPLEFLOW_TEST_DIR";
const LISTEN: &str = "SIMPLEFLOW_TEST_LISTEN";

/// Serves until the process is killed, if this process is to. To be called by an ignored test
/// with the name `child`.
pub async fn serve() {
    let (Ok(dir), Ok(listen)) = (std::env::var(DIR), std::env::var(LISTEN)) else {
        return;
    };
    let config = Config {
        listen: listen.parse().unwrap(),
        ..super::disk(Path::new(&dir))
    };
    match simpleflow_server::Server::new(config).start().await {
        Ok(server) => {
            println!("\nlistening on {}", server.addr());
            server.serve(|| {}).await.unwrap();
        }
        Err(error) => println!("\nrefused: {error}"),
    }
}

/// A server in another process.
pub struct Server {
    child: Child,
    pub addr: SocketAddr,
}

impl Server {
    /// Starts a server; files may have so many blocks of 1 kB.
    pub async fn start(
        dir: &Path,
        listen: SocketAddr,
        blocks: Option<u32>,
    ) -> Result<Self, String> {
        let program = std::env::current_exe().unwrap();
        let arguments = ["--exact", "child", "--ignored", "--nocapture"];
        let mut command = match blocks {
            None => Command::new(&program),
            Some(blocks) => {
                // A file that is as large as it may be fails to grow with an error, as on a full
                // disk, when the signal that comes with it is ignored.
                let mut shell = Command::new("bash");
                let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
                shell.arg("-c").arg(script).arg(&program);
                shell
            }
        };
        let mut child = command
            .args(arguments)
            .env(DIR, dir)
            .env(LISTEN, listen.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        loop {
            let line = lines
                .next_line()
                .await
                .unwrap()
                .expect("a line of the server");
            if let Some(addr) = line.strip_prefix("listening on ") {
                // Whatever else it writes is read, or it would stand still.
                let mut rest = lines.into_inner();
                tokio::spawn(async move { rest.read_to_end(&mut Vec::new()).await });
                let addr = addr.parse().unwrap();
                return Ok(Self { child, addr });
            }
            if let Some(problem) = line.strip_prefix("refused: ") {
                return Err(problem.to_owned());
            }
        }
    }

    /// Sends it SIGTERM, and waits until it ends. Says whether all went well.
    pub async fn terminate(mut self) -> bool {
        let id = self.child.id().unwrap().to_string();
        let kill = Command::new("kill").args(["-TERM", &id]).status();
        assert!(kill.await.unwrap().success());
        self.child.wait().await.unwrap().success()
    }

    /// Kills it with SIGKILL.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}
