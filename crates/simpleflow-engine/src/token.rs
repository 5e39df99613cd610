//! Tokens: text that the service hands out and gets back.
//!
//! A token carries what it means, so it needs no table and survives a restart. A checksum tells a
//! damaged token from an old one: the first is refused as invalid, the second as unknown.

use std::fmt::Write as _;

use simpleflow_model::{EventId, Fault, PageToken, RunId, TaskToken, Timestamp};
use smol_str::SmolStr;

use crate::fault;

/// Whether a task is for a decider or an activity worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskKind {
    /// A task for a decider.
    Decision,
    /// A task for an activity worker.
    Activity,
}

impl TaskKind {
    fn letter(self) -> char {
        match self {
            Self::Decision => 'd',
            Self::Activity => 'a',
        }
    }
}

/// What a task token means: one start of one task of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskRef {
    pub run_id: RunId,
    pub scheduled: EventId,
    pub started: EventId,
    /// When it was started: a start that was lost may come again with the same events. Earlier
    /// versions did not say.
    pub at: Option<Timestamp>,
}

impl TaskRef {
    /// Whether this is the start of its task.
    pub(crate) fn is_start(&self, started: EventId, at: Timestamp) -> bool {
        self.started == started && self.at.is_none_or(|own| own == at)
    }
}

/// FNV-1a, 64 bits. It guards against damage, not against malice: whoever may answer tasks is
/// trusted with the domain.
fn checksum(kind: char, text: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ u64::from(u32::from(kind));
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}

/// `<letter><16 hex digits>-<text>`: starts with a lower-case letter, as clients expect.
fn seal(letter: char, text: &str) -> SmolStr {
    let mut token = String::with_capacity(text.len() + 18);
    let sum = checksum(letter, text);
    // Writing to a string cannot fail.
    let _ = write!(token, "{letter}{sum:016x}-{text}");
    token.into()
}

fn unseal(letter: char, token: &str) -> Option<&str> {
    let (sum, text) = token.strip_prefix(letter)?.split_at_checked(16)?;
    let text = text.strip_prefix('-')?;
    let sum = u64::from_str_radix(sum, 16).ok()?;
    (sum == checksum(letter, text)).then_some(text)
}

pub(crate) fn task_token(
    kind: TaskKind,
    run_id: &RunId,
    scheduled: EventId,
    (started, at): (EventId, Timestamp),
) -> TaskToken {
    let mut text = String::with_capacity(run_id.len() + 32);
    let at = at.as_micros();
    let _ = write!(text, "{scheduled}-{started}-{at:x}-{run_id}");
    seal(kind.letter(), &text).into()
}

pub(crate) fn parse_task_token(kind: TaskKind, token: &TaskToken) -> Result<TaskRef, Fault> {
    let parse = || {
        let mut parts = unseal(kind.letter(), token)?.splitn(3, '-');
        let scheduled = EventId(parts.next()?.parse().ok()?);
        let started = EventId(parts.next()?.parse().ok()?);
        let rest = parts.next()?;
        let (at, run_id) = match rest.split_once('-') {
            Some((at, run_id)) => {
                let micros = u64::from_str_radix(at, 16).ok()?.cast_signed();
                (Some(Timestamp::from_micros(micros)), run_id)
            }
            None => (None, rest),
        };
        Some(TaskRef {
            run_id: run_id.into(),
            scheduled,
            started,
            at,
        })
    };
    parse().ok_or_else(fault::invalid_token)
}

/// Which listing a page token belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageKind {
    History,
    Decision,
    Domains,
    Types,
    Executions,
}

impl PageKind {
    fn letter(self) -> char {
        match self {
            Self::History => 'h',
            Self::Decision => 'p',
            Self::Domains => 'n',
            Self::Types => 't',
            Self::Executions => 'x',
        }
    }
}

/// A page token is good for 24 hours (documentation of `nextPageToken`).
const PAGE_TOKEN_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// A page token issued at `now`. What it holds is for its kind to say.
pub(crate) fn page_token(kind: PageKind, now: Timestamp, text: &str) -> PageToken {
    let text = format!("{}-{text}", now.as_micros());
    seal(kind.letter(), &text).into()
}

/// What a page token holds.
pub(crate) fn parse_page_token(
    kind: PageKind,
    now: Timestamp,
    token: &PageToken,
) -> Result<&str, Fault> {
    let parse = || {
        let (issued, text) = unseal(kind.letter(), token.as_str())?.split_once('-')?;
        Some((issued.parse::<i64>().ok()?, text))
    };
    let (issued, text) = parse().ok_or_else(fault::invalid_token)?;
    if now.as_micros().saturating_sub(issued) > PAGE_TOKEN_MICROS {
        return Err(fault::validation(SmolStr::new_static(
            "Specified token has exceeded its maximum lifetime",
        )));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_token_carries_what_it_means() {
        let run_id = RunId::from("22M4ump7/hVpzxtwqY1BCjYjjhEOMqVDHLa79i+MJ5gDo=");
        for millis in [-1, 0, 1_490_445_225_378] {
            let at = Timestamp::from_millis(millis);
            let token = task_token(TaskKind::Activity, &run_id, EventId(5), (EventId(6), at));
            assert!(token.starts_with('a') && token.len() < 1_024);
            let task = parse_task_token(TaskKind::Activity, &token).unwrap();
            let expected = TaskRef {
                run_id: run_id.clone(),
                scheduled: EventId(5),
                started: EventId(6),
                at: Some(at),
            };
            assert_eq!(task, expected);
            assert!(task.is_start(EventId(6), at));
            assert!(!task.is_start(EventId(6), Timestamp::from_millis(millis + 1)));
            assert!(!task.is_start(EventId(7), at));
        }
        let earlier = seal('a', &format!("5-6-{run_id}")).into();
        let task = parse_task_token(TaskKind::Activity, &earlier).unwrap();
        assert_eq!((task.run_id, task.at), (run_id, None));
    }

    #[test]
    fn a_damaged_token_is_invalid() {
        let token = task_token(
            TaskKind::Decision,
            &RunId::from("22run"),
            EventId(5),
            (EventId(6), Timestamp::default()),
        );
        assert!(parse_task_token(TaskKind::Decision, &token).is_ok());
        let damaged = token.replace("-5-", "-7-");
        for bad in [damaged.as_str(), "", "d", "é", &token[..10], "not a token"] {
            let fault = parse_task_token(TaskKind::Decision, &TaskToken::from(bad)).unwrap_err();
            assert_eq!(fault, fault::invalid_token(), "{bad}");
        }
        // A token of the other kind is not one of this kind.
        assert!(parse_task_token(TaskKind::Activity, &token).is_err());
    }

    #[test]
    fn a_page_token_expires() {
        let token = page_token(PageKind::History, Timestamp::from_millis(0), "run|1");
        let day = 86_400_000;
        let at =
            |millis| parse_page_token(PageKind::History, Timestamp::from_millis(millis), &token);
        assert_eq!(at(day), Ok("run|1"));
        let fault = at(day + 1).unwrap_err();
        assert_eq!(
            fault.message,
            "Specified token has exceeded its maximum lifetime"
        );
        assert!(parse_page_token(PageKind::Types, Timestamp::from_millis(0), &token).is_err());
    }
}
