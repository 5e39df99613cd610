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

    /// Reads the head of an answer whose length the server does not know yet.
    pub async fn head(&mut self) -> Answer {
        let head = tokio::time::timeout(GIVE_UP, self.read_head());
        let head = head.await.expect("the server does not answer").unwrap();
        let head = head.expect("the server has ended the connection");
        assert_eq!(head.header("transfer-encoding"), Some("chunked"));
        head
    }

    /// Reads the body of such an answer.
    pub async fn chunks(&mut self) -> String {
        let body = tokio::time::timeout(GIVE_UP, self.read_chunks()).await;
        body.expect("the server does not go on").unwrap()
    }

    async fn read(&mut self) -> io::Result<Option<Answer>> {
        let Some(mut answer) = self.read_head().await? else {
            return Ok(None);
        };
        answer.body = match answer.header("content-length") {
            Some(length) => self.read_exact(length.parse().unwrap()).await?,
            None => self.read_chunks().await?,
        };
        Ok(Some(answer))
    }

    async fn read_chunks(&mut self) -> io::Result<String> {
        let mut body = String::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).await?;
            let length = usize::from_str_radix(line.trim_end(), 16).unwrap();
            body += &self.read_exact(length).await?;
            self.read_exact(2).await?;
            if length == 0 {
                return Ok(body);
            }
        }
    }

    async fn read_exact(&mut self, length: usize) -> io::Result<String> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    async fn read_head(&mut self) -> io::Result<Option<Answer>> {
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
        Ok(Some(Answer::of_head(&head)))
    }
}
