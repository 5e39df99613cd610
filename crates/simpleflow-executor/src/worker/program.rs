//! Activities that are programs.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use simpleflow_core::{ActivityInfo, ActivityResult, Failure, PROGRAM_ERROR, Program};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::group::{End, Group, exit_code};
use super::process::death;
use crate::resources::Needed;

/// How many bytes of what a program prints are looked at for each character that a result may have:
/// one has at most 4, and a result is about as long as what was printed.
const PRINTED: usize = 8;

/// How many bytes of it are looked at at most: 4 for each of 4 Mi characters. They are in memory as a
/// whole, several times over, while values may be a lot longer.
const MOST_PRINTED: usize = 4 * (4 << 20);

/// How much of the end of what it prints on stderr goes into the details of its failure.
const STDERR: usize = 1 << 13;

/// How long to wait for the end of its output when it has ended itself: a process that left its
/// group may hold it open.
const OUTPUT: Duration = Duration::from_secs(1);

/// Runs a program, whose result may have `most` characters. When it quits the result means nothing.
pub(super) async fn run(
    program: Program,
    info: &ActivityInfo,
    needed: &Needed,
    most: usize,
    memory_limit: Option<u64>,
    quit: &CancellationToken,
) -> ActivityResult {
    let name = program.command_line.first().cloned().unwrap_or_default();
    let failure = |message: &str, traceback: &[String]| {
        Failure::with_type(PROGRAM_ERROR, &format!("{name} {message}"), traceback)
    };
    let spawned = Group::spawn(&mut command(&program, info, needed)).await;
    let mut group =
        spawned.map_err(|error| failure(&format!("cannot be started: {error}"), &[]))?;
    let id = group.id();
    let child = group.child();
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let most = most.saturating_mul(PRINTED).min(MOST_PRINTED);
    let input = program.stdin;
    let mut printed = Vec::new();
    let mut complaints = Vec::new();
    let mut exchange = Box::pin(async {
        let write = async {
            if let Some(mut stdin) = stdin {
                // It need not read it.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
        };
        tokio::join!(
            write,
            read(stdout, &mut printed, Keep::First(most)),
            read(stderr, &mut complaints, Keep::Last(STDERR)),
        );
    });
    let end = {
        let mut end = Box::pin(group.end(memory_limit, quit));
        tokio::select! {
            end = &mut end => {
                let _ = timeout(OUTPUT, &mut exchange).await;
                end
            }
            () = &mut exchange => end.await,
        }
    };
    drop(exchange);
    let complaints = String::from_utf8_lossy(&complaints);
    let complaints: Vec<_> = complaints.lines().map(str::to_owned).collect();
    match end {
        Ok(End::Exited(status)) if status.success() => {
            if printed.len() > most {
                let message =
                    format!("printed more than {most} bytes, which is more than a program may");
                return Err(failure(&message, &complaints));
            }
            match String::from_utf8(printed) {
                Ok(printed) => (program.read)(&printed),
                Err(_) => Err(failure("printed something that is not UTF-8", &complaints)),
            }
        }
        Ok(End::Exited(status)) => {
            let code = exit_code(status);
            Err(failure(
                &format!("ended with exit code {code}"),
                &complaints,
            ))
        }
        end => Err(Failure::new(death(id, end, memory_limit), None)),
    }
}

fn command(program: &Program, info: &ActivityInfo, needed: &Needed) -> Command {
    let mut parts = program.command_line.iter();
    let name = parts.next().map_or("", String::as_str);
    let mut command = match needed.file(name) {
        Some(file) => Command::new(file),
        None => Command::new(name),
    };
    command
        .args(parts)
        .env("SIMPLEFLOW_ACTIVITY_NAME", info.name.as_str())
        .env("SIMPLEFLOW_ACTIVITY_VERSION", info.version.as_str())
        .env("SIMPLEFLOW_ACTIVITY_ID", info.activity_id.as_str())
        .env("SIMPLEFLOW_WORKFLOW_ID", info.workflow_id.as_str())
        .env("SIMPLEFLOW_RUN_ID", info.run_id.as_str())
        .env("SIMPLEFLOW_TASK_LIST", info.activity_task_list.as_str())
        .env("SIMPLEFLOW_DOMAIN", info.domain_name.as_str())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    needed.put_in_path(&mut command);
    command
}

/// Which part of an output is kept, up to how many bytes; of the first part one more, to tell that
/// there was more.
#[derive(Clone, Copy)]
enum Keep {
    First(usize),
    Last(usize),
}

/// Reads an output to its end. The last part is stderr's, which is passed on. What is not kept is read too, so that the program can go on.
async fn read(output: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>, keep: Keep) {
    let Some(mut output) = output else {
        return;
    };
    let mut buffer = vec![0; 1 << 13];
    while let Ok(length @ 1..) = output.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..length]);
        match keep {
            Keep::First(most) => kept.truncate(most.saturating_add(1)),
            Keep::Last(most) => {
                drop(kept.drain(..kept.len().saturating_sub(most)));
                // It is talk, and may be of use before the end.
                let _ = std::io::stderr().write_all(&buffer[..length]);
            }
        }
    }
}
