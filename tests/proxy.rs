//! A proxy before the server, on which a test lets things go wrong.
//!
//! It reads a whole request and a whole answer, so it can be exact about what was lost: whether the
//! server acted, and whether the client learned of it. The answer to a task and the poll that goes with
//! it are two exchanges, each with faults of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// What an answer to a task says when a poll went with it, the body of which is that poll's.
const THEN_POLL: &str = "x-simpleflow-then-poll";

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The service takes no more requests; it did not act. Nothing to a poll that goes with an answer.
    Throttled,
    /// The service failed; it did not act. Nothing to a poll that goes with an answer.
    Failed,
    /// The service acted, and the connection is reset in the middle of the answer.
    Reset,
    /// The service acted, and the connection is closed without an answer.
    Lost,
    /// The service acted, and its answer comes when this time is over, if anyone still waits.
    Silence(Duration),
}

/// A request that went through, and what became of it.
#[derive(Debug)]
pub struct Exchange {
    pub operation: String,
    pub fault: Option<Fault>,
    pub request: Value,
    /// What the server answered, if it was asked: the status and the body.
    pub answer: Option<(u16, Value)>,
    /// Whether all of that went to the client.
    pub delivered: bool,
}

/// Decides what goes wrong with the next request, of that operation.
type Plan = dyn FnMut(&str) -> Option<Fault> + Send;

pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Ends with this.
    _runtime: Runtime,
}

struct Shared {
    server: String,
    plan: Mutex<Box<Plan>>,
    exchanges: Mutex<Vec<Exchange>>,
    /// How many answers are kept back.
    silent: AtomicUsize,
}

impl Proxy {
    /// Starts one before the server at that address.
    pub fn start(server: &str, plan: impl FnMut(&str) -> Option<Fault> + Send + 'static) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let shared = Arc::new(Shared {
            server: server.to_owned(),
            plan: Mutex::new(Box::new(plan)),
            exchanges: Mutex::default(),
            silent: AtomicUsize::new(0),
        });
        runtime.spawn(accept(listener, Arc::clone(&shared)));
        Self {
            address,
            shared,
            _runtime: runtime,
        }
    }

    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// From now on nothing goes wrong.
    pub fn calm_down(&self) {
        *lock(&self.shared.plan) = Box::new(|_| None);
    }

    /// Whether an answer is kept back for a while.
    pub fn is_silent(&self) -> bool {
        self.shared.silent.load(Ordering::SeqCst) > 0
    }

    /// All that went through so far.
    pub fn exchanges(&self) -> MutexGuard<'_, Vec<Exchange>> {
        lock(&self.shared.exchanges)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        // A connection that breaks is the client's to bear.
        tokio::spawn(async move { shared.serve(client).await });
    }
}

impl Shared {
    /// Carries the requests of a connection, one after another.
    async fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        while let Some(request) = Message::read(&mut client).await? {
            let target = request.header("x-amz-target").unwrap_or_default();
            let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
            let fault = (lock(&self.plan))(&operation);
            if matches!(fault, Some(Fault::Throttled | Fault::Failed)) {
                self.deliver(&mut client, operation, fault, &request, None)
                    .await?;
                continue;
            }
            let mut server = TcpStream::connect(&self.server).await?;
            // Whoever hangs up meanwhile must be seen to do so by the server too: it hands no task to
            // a client that has gone.
            let answer = tokio::select! {
                answer = ask(&mut server, &request) => answer?,
                () = hung_up(&client) => return Ok(()),
            };
            let (answer, polled) = match answer.header(THEN_POLL) {
                Some(_) => answer.split(),
                None => (answer, None),
            };
            let answer = Some(answer);
            if !self
                .deliver(&mut client, operation.clone(), fault, &request, answer)
                .await?
            {
                return Ok(());
            }
            let Some(mut polled) = polled else {
                continue;
            };
            tokio::select! {
                read = polled.read_rest(&mut server) => read?,
                () = hung_up(&client) => return Ok(()),
            }
            let operation = match &*operation {
                "RespondDecisionTaskCompleted" => "PollForDecisionTask",
                _ => "PollForActivityTask",
            };
            let fault = (lock(&self.plan))(operation)
                .filter(|fault| !matches!(fault, Fault::Throttled | Fault::Failed));
            if !self
                .deliver(&mut client, operation.into(), fault, &request, Some(polled))
                .await?
            {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends an answer as the fault has it, and notes it. Whether the connection goes on.
    async fn deliver(
        &self,
        client: &mut TcpStream,
        operation: String,
        fault: Option<Fault>,
        request: &Message,
        answer: Option<Message>,
    ) -> io::Result<bool> {
        let mut exchange = Exchange {
            operation,
            fault,
            request: request.json(),
            answer: answer.as_ref().map(|a| (a.status(), a.json())),
            delivered: false,
        };
        let silent = usize::from(matches!(fault, Some(Fault::Silence(_))));
        self.silent.fetch_add(silent, Ordering::SeqCst);
        let sent = send(client, fault, answer).await;
        exchange.delivered = exchange.answer.is_some() && matches!(sent, Ok(true));
        lock(&self.exchanges).push(exchange);
        self.silent.fetch_sub(silent, Ordering::SeqCst);
        Ok(sent? || matches!(fault, Some(Fault::Throttled | Fault::Failed)))
    }
}

async fn ask(server: &mut TcpStream, request: &Message) -> io::Result<Message> {
    server.write_all(&request.bytes).await?;
    let answer = Message::read(server).await?;
    answer.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// Answers as the fault has it. Whether the whole answer of the server went out.
async fn send(
    client: &mut TcpStream,
    fault: Option<Fault>,
    answer: Option<Message>,
) -> io::Result<bool> {
    let answer = answer.map(Message::into_sent).unwrap_or_default();
    match fault {
        None => client.write_all(&answer).await?,
        Some(Fault::Throttled) => {
            let refusal = refusal("400 Bad Request", "ThrottlingException");
            client.write_all(refusal.as_bytes()).await?;
            return Ok(false);
        }
        Some(Fault::Failed) => {
            let refusal = refusal("500 Internal Server Error", "InternalFailure");
            client.write_all(refusal.as_bytes()).await?;
            return Ok(false);
        }
        Some(Fault::Reset) => {
            client.write_all(&answer[..answer.len() / 2]).await?;
            // With this the close of the connection is a reset.
            client.set_zero_linger()?;
            return Ok(false);
        }
        Some(Fault::Lost) => return Ok(false),
        Some(Fault::Silence(time)) => {
            tokio::select! {
                () = tokio::time::sleep(time) => client.write_all(&answer).await?,
                () = hung_up(client) => return Ok(false),
            }
        }
    }
    Ok(true)
}

/// A refusal in the service's words; the server says of itself what it is in these too.
fn refusal(status: &str, code: &str) -> String {
    let body = format!(r#"{{"__type":"com.amazon.coral.service#{code}","message":"of the test"}}"#);
    format!(
        "HTTP/1.1 {status}\r\nserver: simpleflow\r\ncontent-type: application/x-amz-json-1.0\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Waits for the end of a connection whose client has nothing more to say until it is answered.
async fn hung_up(client: &TcpStream) {
    // An error is an end as well.
    let _ = client.peek(&mut [0]).await;
}

/// A request or an answer.
struct Message {
    bytes: Vec<u8>,
    /// Where the body begins.
    body: usize,
    /// How much of it was sent on.
    sent: usize,
}

impl Message {
    /// Reads one whole; none at the end of the connection.
    async fn read(stream: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        loop {
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
            let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
                continue;
            };
            let mut message = Self {
                bytes,
                body: head + 4,
                sent: 0,
            };
            let length = message.header("content-length");
            let length = length.and_then(|length| length.parse().ok());
            let whole = message.body + length.unwrap_or(0_usize);
            while message.bytes.len() < whole {
                if stream.read_buf(&mut message.bytes).await? == 0 {
                    return Ok(None);
                }
            }
            return Ok(Some(message));
        }
    }

    /// The answer to a task, which is the head, and that to the poll that went with it.
    fn split(self) -> (Self, Option<Self>) {
        let answer = Self {
            bytes: self.bytes[..self.body].to_owned(),
            ..self
        };
        let sent = self.body;
        (answer, Some(Self { sent, ..self }))
    }

    /// Reads what is to come of the body.
    async fn read_rest(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        while self.is_chunked() && !self.bytes.ends_with(b"\r\n0\r\n\r\n") {
            if stream.read_buf(&mut self.bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    fn is_chunked(&self) -> bool {
        self.header("transfer-encoding").is_some()
    }

    /// What is yet to be sent on.
    fn into_sent(mut self) -> Vec<u8> {
        self.bytes.split_off(self.sent)
    }

    fn head(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes[..self.body])
    }

    fn header(&self, name: &str) -> Option<String> {
        self.head().lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            let is_it = found.eq_ignore_ascii_case(name);
            is_it.then(|| value.trim().to_owned())
        })
    }

    /// The status of an answer.
    fn status(&self) -> u16 {
        let head = self.head();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("an answer begins with its status: {head}"))
    }

    /// The body; some have none. Of one in chunks, the first: there are no more.
    fn json(&self) -> Value {
        let mut body = &self.bytes[self.body..];
        if self.is_chunked() {
            let length = body.iter().position(|byte| *byte == b'\n');
            body = &body[length.map_or(0, |end| end + 1)..];
        }
        let first = serde_json::Deserializer::from_slice(body)
            .into_iter()
            .next();
        first.and_then(Result::ok).unwrap_or_default()
    }
}
