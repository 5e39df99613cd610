//! A timeline to look at: one HTML file that needs nothing else, neither a network nor a server.

use std::fmt::{self, Write as _};
use std::time::Duration;

use simpleflow_model::Timestamp;

use crate::History;
use crate::history::{Attempt, State, Task};
use crate::words;

/// The longest text of a task that a tooltip shows, in characters.
const SHOWN: usize = 400;

/// How many marks the axis has at most.
const MARKS: f64 = 8.0;

/// The timeline of an execution. Its [`Display`](fmt::Display) is an HTML document.
#[derive(Clone, Debug)]
pub struct Timeline<'a> {
    history: &'a History,
    title: &'a str,
    start: Timestamp,
    end: Timestamp,
}

impl<'a> Timeline<'a> {
    /// The timeline of a history. What is still open goes on until `now`.
    pub fn new(history: &'a History, title: &'a str, now: Timestamp) -> Self {
        let (start, last) = history.span().unwrap_or((now, now));
        let end = match history.close() {
            Some(_) => last,
            None => last.max(now),
        };
        Self {
            history,
            title,
            start,
            end,
        }
    }

    fn total(&self) -> f64 {
        // Something to divide by, also when all happened in one moment.
        self.end.since(self.start).as_secs_f64().max(0.001)
    }

    /// Where a moment is, in percent of the width.
    fn place(&self, time: Timestamp) -> f64 {
        time.since(self.start).as_secs_f64() / self.total() * 100.0
    }

    fn bar(
        &self,
        out: &mut impl fmt::Write,
        class: &str,
        from: Timestamp,
        to: Timestamp,
    ) -> fmt::Result {
        let (from, to) = (self.place(from), self.place(to));
        // What took no time is to be seen too.
        let width = (to - from).max(0.05);
        write!(
            out,
            "<rect class=\"{class}\" x=\"{from:.3}%\" width=\"{width:.3}%\" height=\"14\" y=\"2\"/>"
        )
    }

    fn mark(&self, out: &mut impl fmt::Write, class: &str, at: Timestamp) -> fmt::Result {
        let place = self.place(at);
        write!(
            out,
            "<circle class=\"{class}\" cx=\"{place:.3}%\" cy=\"9\" r=\"4\"/>"
        )
    }

    /// An attempt: a bar for its wait and one for its run, or a mark for what took no time.
    fn attempt(
        &self,
        out: &mut impl fmt::Write,
        task: Option<&Task>,
        number: usize,
        attempt: &Attempt,
    ) -> fmt::Result {
        let tip = tip(task, number, attempt);
        write!(out, "<g><title>{}</title>", Escaped(&tip))?;
        let scheduled = attempt.scheduled.timestamp;
        let ended = attempt.ended.map_or(self.end, |ended| ended.timestamp);
        let started = attempt.started.map_or(ended, |started| started.timestamp);
        if started > scheduled {
            self.bar(out, "waits", scheduled, started)?;
        }
        let class = class(attempt.state);
        if attempt.started.is_some() {
            self.bar(out, class, started, ended)?;
        } else if attempt.ended.is_some() {
            self.mark(out, class, ended)?;
        }
        out.write_str("</g>")
    }

    fn row(
        &self,
        out: &mut impl fmt::Write,
        kind: &str,
        label: &str,
        took: &str,
        bars: &str,
    ) -> fmt::Result {
        writeln!(
            out,
            "<tr><th title=\"{kind} {label}\">{label}<small>{kind}</small></th>\
             <td>{took}</td><td class=\"lane\"><svg>{bars}</svg></td></tr>",
            kind = Escaped(kind),
            label = Escaped(label),
            took = Escaped(took),
        )
    }

    fn rows(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let mut bars = String::new();
        for (number, attempt) in self.history.decision_tasks().iter().enumerate() {
            self.attempt(&mut bars, None, number, attempt)?;
        }
        let decisions = self.history.decision_tasks().len() as u64;
        let label = words::count(decisions, "decision task", "decision tasks");
        self.row(out, "decider", &label, "", &bars)?;
        for task in self.history.tasks() {
            let mut bars = String::new();
            let mut number = 0;
            for attempt in task.attempts() {
                self.attempt(&mut bars, Some(task), number, attempt)?;
                number += usize::from(!attempt.state.is_refused());
            }
            let took = match task.last().ran() {
                Some(ran) => words::span(ran),
                None if task.is_open() => "open".to_owned(),
                None => String::new(),
            };
            self.row(out, task.kind.as_str(), &task.id, &took, &bars)?;
        }
        Ok(())
    }

    fn axis(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let step = step(self.total());
        let mut at = 0.0;
        while at <= self.total() {
            let place = at / self.total() * 100.0;
            let anchor = if place > 90.0 { "end" } else { "start" };
            write!(
                out,
                "<line x1=\"{place:.3}%\" x2=\"{place:.3}%\" y1=\"0\" y2=\"18\"/>\
                 <text x=\"{place:.3}%\" dx=\"{}\" y=\"13\" text-anchor=\"{anchor}\">{}</text>",
                if anchor == "end" { -3 } else { 3 },
                words::span(Duration::from_secs_f64(at)),
            )?;
            at += step;
        }
        Ok(())
    }
}

/// The distance of the axis' marks, in seconds: a round one.
fn step(total: f64) -> f64 {
    const ROUND: [f64; 22] = [
        0.1,
        0.2,
        0.5,
        1.0,
        2.0,
        5.0,
        10.0,
        15.0,
        30.0,
        60.0,
        120.0,
        300.0,
        600.0,
        900.0,
        1_800.0,
        3_600.0,
        7_200.0,
        14_400.0,
        43_200.0,
        86_400.0,
        604_800.0,
        2_592_000.0,
    ];
    let least = total / MARKS;
    ROUND
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or(least)
}

fn class(state: State) -> &'static str {
    match state {
        State::Canceled | State::CancelRequested => "cancelled",
        state if state.is_failure() => "failed",
        state if state.is_open() => "open",
        _ => "done",
    }
}

fn tip(task: Option<&Task>, number: usize, attempt: &Attempt) -> String {
    let mut tip = String::new();
    let mut line = |name: &str, text: &str| {
        if !tip.is_empty() {
            tip.push('\n');
        }
        let shown: String = text.chars().take(SHOWN).collect();
        let more = if shown.len() < text.len() { "…" } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(tip, "{name}{shown}{more}");
    };
    match task {
        Some(task) => {
            line("", &task.id);
            if task.name != task.id {
                let version = task.version.as_deref().unwrap_or_default();
                line("type ", format!("{} {version}", task.name).trim_end());
            }
            let of = match task.accepted().count() {
                attempts if attempts > 1 && !attempt.state.is_refused() => {
                    format!(" (attempt {} of {attempts})", number + 1)
                }
                _ => String::new(),
            };
            line("", &format!("{}{of}", attempt.state.as_str()));
        }
        None => line(
            "decision task ",
            &format!("{}: {}", number + 1, attempt.state.as_str()),
        ),
    }
    line("from ", &attempt.scheduled.timestamp.to_string());
    if let Some(waited) = attempt.waited().filter(|waited| !waited.is_zero()) {
        line("waited ", &words::span(waited));
    }
    if let Some(ran) = attempt.ran() {
        line("ran ", &words::span(ran));
    }
    let more = [
        (
            "taken by ",
            attempt.identity.as_deref().map(words::identity),
        ),
        ("", attempt.failure()),
        ("input ", attempt.input.as_ref().map(ToString::to_string)),
        ("result ", attempt.result.as_ref().map(ToString::to_string)),
    ];
    for (name, text) in more {
        if let Some(text) = text {
            line(name, &text);
        }
    }
    tip
}

impl fmt::Display for Timeline<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match self.history.close() {
            Some(close) => close.status.to_string().to_lowercase().replace('_', " "),
            None => "open".to_owned(),
        };
        let events = self.history.events().len() as u64;
        write!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <h1>{title}</h1>\n<p>{status}, {} from {}, {}</p>\n\
             <p class=\"tools\"><label>Filter <input id=\"filter\" type=\"search\"></label>\
             <label>Zoom <input id=\"zoom\" type=\"range\" min=\"1\" max=\"40\" value=\"1\"></label>\
             <span class=\"key\"><i class=\"waits\"></i>waits<i class=\"done\"></i>done\
             <i class=\"failed\"></i>failed<i class=\"cancelled\"></i>cancelled\
             <i class=\"open\"></i>open</span></p>\n\
             <div class=\"chart\"><table>\n<thead><tr><th>Task</th><td>Took</td>\
             <td class=\"lane\"><svg class=\"axis\">",
            words::span(self.end.since(self.start)),
            words::moment(self.start),
            words::count(events, "event", "events"),
            title = Escaped(self.title),
            status = Escaped(&status),
        )?;
        self.axis(out)?;
        out.write_str("</svg></td></tr></thead>\n<tbody>\n")?;
        self.rows(out)?;
        write!(
            out,
            "</tbody>\n</table></div>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
        )
    }
}

/// Text in HTML, also between quotes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => out.write_str("&amp;")?,
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '"' => out.write_str("&quot;")?,
                '\'' => out.write_str("&#39;")?,
                // HTML has no form for other control characters.
                c if c.is_control() && c != '\n' && c != '\t' => out.write_char('\u{fffd}')?,
                c => out.write_char(c)?,
            }
        }
        Ok(())
    }
}

const STYLE: &str = "
:root { color-scheme: light dark; --waits: #c9d1d9; --done: #2da44e; --failed: #cf222e;
  --cancelled: #bf8700; --open: #0969da; --line: #d0d7de; --quiet: #59636e; }
@media (prefers-color-scheme: dark) { :root { --waits: #484f58; --done: #3fb950;
  --failed: #f85149; --cancelled: #d29922; --open: #58a6ff; --line: #30363d; --quiet: #9198a1; } }
body { font: 13px/1.4 system-ui, sans-serif; margin: 1.5em; background: Canvas; color: CanvasText; }
h1 { font-size: 1.3em; margin: 0; overflow-wrap: anywhere; }
.tools { display: flex; flex-wrap: wrap; gap: 1.5em; align-items: center; }
.key i { display: inline-block; width: 1em; height: 1em; margin: 0 .3em 0 1em;
  vertical-align: -.1em; }
.chart { overflow: auto; max-height: 85vh; }
table { border-collapse: collapse; width: 100%; }
th { position: sticky; left: 0; z-index: 1; background: Canvas; text-align: left;
  font-weight: normal; max-width: 26em; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; padding-right: 1em; }
td { padding: 0 .8em 0 0; white-space: nowrap; color: var(--quiet); }
tr { border-bottom: 1px solid var(--line); }
small { color: var(--quiet); margin-left: .6em; }
thead th, thead td { position: sticky; top: 0; z-index: 2; background: Canvas; }
thead th { z-index: 3; }
.lane { width: 100%; min-width: 30em; padding: 0; }
svg { display: block; width: 100%; height: 18px; overflow: visible; }
rect { rx: 2px; }
.axis text { font-size: 11px; fill: var(--quiet); }
.axis line { stroke: var(--line); }
.waits { fill: var(--waits); background: var(--waits); }
.done { fill: var(--done); background: var(--done); }
.failed { fill: var(--failed); background: var(--failed); }
.cancelled { fill: var(--cancelled); background: var(--cancelled); }
.open { fill: var(--open); background: var(--open); }
";

const SCRIPT: &str = "
const rows = [...document.querySelectorAll('tbody tr')];
document.getElementById('filter').addEventListener('input', event => {
  const wanted = event.target.value.toLowerCase();
  for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
});
document.getElementById('zoom').addEventListener('input', event => {
  for (const lane of document.querySelectorAll('.lane'))
    lane.style.minWidth = event.target.value == 1 ? '' : event.target.value * 60 + 'em';
});
";
