//! A connection on which a test writes what it likes, and reads one answer after another.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::Answer;

/// When a test is given up: a poll without a task may take a minute.
const GIVE_UP: Duration = Duration::from_secs(90);

pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub async fn open(addr: SocketAddr) -> Self {
        Self::over(TcpStream::connect(addr).await.unwrap())
    }

    pub fn over(stream: TcpStream) -> Self {
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// Writes bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await
    }

    /// Says that nothing more will be sent.
    pub async fn send_no_more(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Whether there is something to read, or the end, at this moment.
    pub async fn has_something(&mut self) -> bool {
        tokio::time::timeout(Duration::ZERO, self.stream.fill_buf())
            .await
            .is_ok()
    }

    /// Reads an answer; nothing if the server has ended the connection.
    pub async fn answer(&mut self) -> Option<Answer> {
        let answer = tokio::time::timeout(GIVE_UP, self.read());
        answer.await.expect("the server does not answer").unwrap()
    }

    async fn read(&mut self) -> io::Result<Option<Answer>> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            match self.stream.read_line(&mut head).await {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                // What was sent to it and not read makes an end a reset.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let mut answer = Answer::of_head(&head);
        let length = answer.header("content-length").unwrap().parse().unwrap();
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        answer.body = String::from_utf8(body).unwrap();
        Ok(Some(answer))
    }
}
