//! A server that is measured.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;

use crate::client::Client;
use crate::figures::Figure;
use crate::wire::Connection;

/// Where a server listens and what is known about it.
#[derive(Clone, Debug)]
pub struct Server {
    /// What the figures call it.
    pub name: String,
    /// `host:port`.
    pub authority: String,
    /// Its process, if its memory and processor time are to be read.
    pub pid: Option<u32>,
    /// A path that empties it when posted to, before each figure.
    reset: Option<String>,
    /// Whether it gets less to do, because it would take very long.
    pub small: bool,
}

impl FromStr for Server {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split(',');
        let (name, url) = parts
            .next()
            .and_then(|first| first.split_once('='))
            .with_context(|| format!("`{text}` does not begin with NAME=URL"))?;
        let authority = url
            .strip_prefix("http://")
            .with_context(|| format!("`{url}` does not begin with http://"))?
            .trim_end_matches('/');
        let mut server = Self {
            name: name.to_owned(),
            authority: authority.to_owned(),
            pid: None,
            reset: None,
            small: false,
        };
        for part in parts {
            match part.split_once('=') {
                Some(("pid", pid)) => {
                    server.pid = Some(pid.parse().with_context(|| format!("pid `{pid}`"))?);
                }
                Some(("reset", path)) => server.reset = Some(path.to_owned()),
                None if part == "small" => server.small = true,
                _ => bail!("`{part}` is none of pid=PID, reset=PATH and small"),
            }
        }
        Ok(server)
    }
}

impl Server {
    /// Whether a figure is measured of it.
    pub fn measures(&self, figure: Figure) -> bool {
        figure.repeats() || !self.small
    }

    /// Waits until it accepts connections.
    ///
    /// # Errors
    /// When it does not within the time.
    pub async fn wait(&self, limit: Duration) -> Result<()> {
        let attempts = async {
            while tokio::net::TcpStream::connect(&self.authority)
                .await
                .is_err()
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(limit, attempts)
            .await
            .with_context(|| format!("{} does not listen at {}", self.name, self.authority))
    }

    /// Makes it ready for a figure: empties it if it can be, and registers what is needed if it is
    /// not `registered` already.
    ///
    /// # Errors
    /// When it refuses.
    pub async fn prepare(&self, domain: &str, registered: bool) -> Result<()> {
        if let Some(path) = &self.reset {
            let mut connection = Connection::new(&self.authority)?;
            connection.post(path, "", Bytes::new()).await?;
        } else if registered {
            return Ok(());
        }
        Ok(self.client(domain)?.register().await?)
    }

    /// A client of it.
    ///
    /// # Errors
    /// When its address cannot be one.
    pub fn client(&self, domain: &str) -> Result<Client> {
        Ok(Client::new(&self.authority, domain)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_read_from_the_command_line() {
        let server: Server = "a=http://localhost:80/,pid=7,small,reset=/x"
            .parse()
            .unwrap();
        assert_eq!(server.name, "a");
        assert_eq!(server.authority, "localhost:80");
        assert_eq!((server.pid, server.small), (Some(7), true));
        assert_eq!(server.reset.as_deref(), Some("/x"));
        for (text, problem) in [
            (
                "http://localhost",
                "`http://localhost` does not begin with NAME=URL",
            ),
            ("a=https://b", "`https://b` does not begin with http://"),
            ("a=http://b,pid=x", "pid `x`"),
            (
                "a=http://b,big",
                "`big` is none of pid=PID, reset=PATH and small",
            ),
        ] {
            let error = text.parse::<Server>().unwrap_err().to_string();
            assert_eq!(error, problem);
        }
    }
}
