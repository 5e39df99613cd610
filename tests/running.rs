//! Processes that tests wait for, each time with a limit: a test that hangs tells nothing.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What a process writes, line by line.
pub struct Lines(Receiver<String>);

impl Lines {
    /// Reads them from now on, so that the process is not held on.
    pub fn of(pipe: impl Read + Send + 'static) -> Self {
        let (line, lines) = channel();
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            loop {
                let mut text = Vec::new();
                match pipe.read_until(b'\n', &mut text) {
                    Ok(1..) => {}
                    _ => return,
                }
                let text = String::from_utf8_lossy(&text).into_owned();
                if line.send(text).is_err() {
                    return;
                }
            }
        });
        Self(lines)
    }

    /// Waits for a line with this in it: all lines up to it.
    pub fn until(&self, what: &str) -> String {
        let (lines, found) = self.take(|line| line.contains(what));
        assert!(found.is_ok(), "it does not say {what:?}, but\n{lines}");
        lines
    }

    /// Waits for the end: all lines that are left.
    pub fn rest(&self) -> String {
        let (lines, end) = self.take(|_| false);
        let open = end == Err(RecvTimeoutError::Timeout);
        assert!(!open, "it does not end what it says:\n{lines}");
        lines
    }

    /// All lines that are there and were not read yet.
    pub fn so_far(&self) -> String {
        self.0.try_iter().collect()
    }

    fn take(&self, last: impl Fn(&str) -> bool) -> (String, Result<(), RecvTimeoutError>) {
        let start = Instant::now();
        let mut lines = String::new();
        loop {
            let left = PATIENCE.saturating_sub(start.elapsed());
            match self.0.recv_timeout(left) {
                Ok(line) => {
                    lines += &line;
                    if last(&line) {
                        return (lines, Ok(()));
                    }
                }
                Err(end) => return (lines, Err(end)),
            }
        }
    }
}

/// A process that runs until its test ends, at the latest.
pub struct Running {
    process: Child,
    stdout: Lines,
    stderr: Lines,
}

impl Running {
    /// Starts it.
    pub fn start(command: &mut Command) -> Self {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let stdout = process.stdout.take().expect("its stdout is a pipe");
        let stderr = process.stderr.take().expect("its stderr is a pipe");
        Self {
            process,
            stdout: Lines::of(stdout),
            stderr: Lines::of(stderr),
        }
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    pub fn signal(&self, signal: &str) {
        kill(signal, self.id());
    }

    /// Its stdin, where the command has a pipe for it.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.process.stdin.take()
    }

    /// Waits until it prints a line with this in it: all that it printed up to there.
    pub fn prints(&self, what: &str) -> String {
        self.stdout.until(what)
    }

    /// Waits until it says something with this in it, on stderr: all that it said up to there.
    pub fn says(&self, what: &str) -> String {
        self.stderr.until(what)
    }

    /// What it said on stderr that was not read yet.
    pub fn said(&self) -> String {
        self.stderr.so_far()
    }

    /// Waits for its end: its exit code, or -1 after a signal.
    pub fn ends(&mut self) -> i32 {
        self.ends_within(PATIENCE)
    }

    fn ends_within(&mut self, patience: Duration) -> i32 {
        let start = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("it can be waited for") {
                return status.code().unwrap_or(-1);
            }
            if start.elapsed() >= patience {
                // So that what it said ends, too.
                let _ = self.process.kill();
                panic!(
                    "it does not end; it said\n{}{}",
                    self.stdout.rest(),
                    self.stderr.rest()
                );
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for its end: its exit code, and what was not read yet of stdout and stderr.
    pub fn done(self) -> Done {
        self.done_within(PATIENCE)
    }

    /// The same for what may take longer.
    pub fn done_within(mut self, patience: Duration) -> Done {
        Done {
            code: self.ends_within(patience),
            stdout: self.stdout.rest(),
            stderr: self.stderr.rest(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a command printed and how it ended.
pub struct Done {
    /// The exit code.
    pub code: i32,
    /// What it printed on stdout.
    pub stdout: String,
    /// What it printed on stderr.
    pub stderr: String,
}

/// Sends a signal to a process.
pub fn kill(signal: &str, process: u32) {
    let sent = Command::new("kill")
        .args([signal, &process.to_string()])
        .status();
    assert!(sent.expect("there is `kill`").success());
}
