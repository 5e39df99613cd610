//! The thread that writes: one batch after another, and the answers after each.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use crate::core::{Failure, Message, Reply, Response};
use crate::metrics::Metrics;
use crate::store::{Changes, Open, Place, Writer};

/// What is written together, and the answers that wait for it.
pub(crate) struct Commit {
    pub changes: Changes,
    pub replies: Vec<(Reply, Response)>,
}

/// How long to wait before the store is opened once more.
const PAUSE: Duration = Duration::from_secs(1);

/// Writes what it is given until there is nobody left to give it anything.
pub(crate) fn run(
    commits: &Receiver<Commit>,
    core: &Sender<Message>,
    mut writer: Box<dyn Writer>,
    open: Open,
    place: &Place,
    metrics: &Arc<Metrics>,
) {
    while let Ok(commit) = commits.recv() {
        let began = Instant::now();
        let outcome = writer.commit(&commit.changes);
        metrics.committed(began.elapsed(), commit.changes.events.len());
        match outcome {
            Ok(()) => {
                let replies = commit.replies.into_iter();
                let undelivered = replies
                    .filter_map(|(reply, response)| reply.send(response))
                    .collect();
                if core.send(Message::Committed(undelivered)).is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::error!(%error, "a batch cannot be written: its requests fail");
                for (reply, _) in commit.replies {
                    reply.send(Err(Failure::Internal));
                }
                if core.send(Message::Failed).is_err() {
                    return;
                }
                drop(writer);
                // Whether the file system took the batch is not known: only the store can tell.
                let reader;
                (writer, reader) = loop {
                    match open(place) {
                        Ok(opened) => break opened,
                        Err(error) => tracing::error!(%error, "the store cannot be opened again"),
                    }
                    // There is nothing to write meanwhile: only the end can come.
                    if matches!(
                        commits.recv_timeout(PAUSE),
                        Err(RecvTimeoutError::Disconnected)
                    ) {
                        return;
                    }
                };
                if core.send(Message::Opened(reader)).is_err() {
                    return;
                }
            }
        }
    }
}
