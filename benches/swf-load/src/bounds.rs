//! What the figures must be, and whether they are.

use crate::figures::{Figure, Plan};
use crate::report::Report;
use crate::server::Server;

/// The least of our lifecycles per second in parts of the baseline's, with many clients.
const RATE: f64 = 40.0;

/// The longest until a waiting poll has its task, in milliseconds, at the 99th percentile.
const WAKE_UP: f64 = 2.0;

/// What idle polls may take of a processor, in percent: what is measured on an idle machine.
const IDLE: f64 = 1.0;

/// The most bytes of memory for an open execution that waits.
const OPEN_EXECUTION: f64 = 4096.0;

/// The most memory with up to a hundred thousand of them, in megabytes.
const MEMORY: f64 = 1000.0;
const MEMORY_OPEN: usize = 100_000;

/// The least rate with many executions there, in parts of the rate without them.
const SLOPE: f64 = 0.8;

/// Whether the bounds are kept.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// One line for each bound and server.
    pub lines: Vec<String>,
    /// Whether a bound is not kept, or its figure is missing.
    pub missed: bool,
}

#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Verdicts {
    /// Judges a figure of a server.
    fn judge(&mut self, name: &str, value: Option<f64>, bound: Bound, unit: &str) {
        let (limit, kept) = match bound {
            Bound::AtLeast(bound) => (
                format!("at least {bound}{unit}"),
                value.map(|value| value >= bound),
            ),
            Bound::AtMost(bound) => (
                format!("at most {bound}{unit}"),
                value.map(|value| value <= bound),
            ),
        };
        let value = value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}{unit}"));
        let verdict = match kept {
            Some(true) => "kept",
            Some(false) => "NOT KEPT",
            None => "NOT MEASURED",
        };
        self.lines
            .push(format!("{name}: {value}, {limit}: {verdict}"));
        self.missed |= kept != Some(true);
    }
}

/// Judges what was to be measured of the servers that are compared.
pub fn verdicts(report: &Report, servers: &[Server], figures: &[Figure], plan: &Plan) -> Verdicts {
    let mut verdicts = Verdicts::default();
    for index in report.compared() {
        let server = &servers[index];
        let measures = |figure| figures.contains(&figure) && server.measures(figure);
        let mut judge = |what: &str, value: Option<f64>, bound: Bound, unit: &str| {
            verdicts.judge(&format!("{}: {what}", server.name), value, bound, unit);
        };
        let best = |name: &str| report.best(name, index);
        if measures(Figure::Lifecycle) && report.has_baseline() {
            let name = format!("lifecycles, {} clients", plan.clients);
            let ratio = report.ratio(&name, index);
            judge(&name, ratio, Bound::AtLeast(RATE), " times");
        }
        if measures(Figure::WakeUp) {
            let name = "wake-up of a waiting poll: p99";
            judge(name, best(name), Bound::AtMost(WAKE_UP), " ms");
        }
        if measures(Figure::IdlePolls) && server.pid.is_some() {
            let name = "100 idle polls, of a processor";
            judge(name, best(name), Bound::AtMost(IDLE), " %");
        }
        let mut slopes = Vec::new();
        if measures(Figure::Open) {
            for &count in &plan.open {
                if server.pid.is_some() {
                    let name = format!("memory of an open execution, {count} open");
                    judge(&name, best(&name), Bound::AtMost(OPEN_EXECUTION), " B");
                    let name = format!("memory, {count} open");
                    if count <= MEMORY_OPEN {
                        judge(&name, best(&name), Bound::AtMost(MEMORY), " MB");
                    }
                }
                slopes.push((format!("{count} open"), "no open executions"));
            }
        }
        if measures(Figure::Closed) {
            slopes.push((format!("{} closed", plan.closed), "no closed executions"));
        }
        for (there, without) in slopes {
            for clients in ["1 client".to_owned(), format!("{} clients", plan.clients)] {
                let name = format!("lifecycles, {clients}, {there}");
                let without = best(&format!("lifecycles, {clients}, {without}"));
                let slope = best(&name).zip(without);
                let slope = slope.map(|(with, without)| with / without);
                judge(&name, slope, Bound::AtLeast(SLOPE), " times");
            }
        }
    }
    verdicts
}

/// What a step of a chain costs, in parts of one such write that is synced: one line for each server.
pub fn steps(report: &Report, write: &str, write_ms: f64) -> Vec<String> {
    let mut lines = Vec::new();
    for server in report.compared() {
        for length in [100, 1000] {
            let name = format!("chain of {length}");
            if let Some(ms) = report.best(&name, server) {
                lines.push(format!(
                    "{}: {name}: a step is {:.2} {write}s",
                    report.server(server),
                    ms / f64::from(length) / write_ms
                ));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::Value;

    fn servers() -> Vec<Server> {
        let servers = ["theirs=http://h:1,small", "ours=http://h:2"];
        servers.map(|server| server.parse().unwrap()).to_vec()
    }

    fn plan() -> Plan {
        Plan {
            window: Duration::from_secs(1),
            clients: 32,
            open: vec![7],
            closed: 9,
        }
    }

    fn report() -> Report {
        let names = servers().into_iter().map(|server| server.name);
        Report::new(names.collect(), Some("theirs"))
    }

    fn rate(label: &str, value: f64) -> Value {
        Value::rate(format!("lifecycles, {label}"), value)
    }

    #[test]
    fn each_bound_of_a_figure_has_a_verdict() {
        let mut report = report();
        report.add(0, vec![rate("32 clients", 10.0)]);
        report.add(1, vec![rate("32 clients", 500.0)]);
        let figures = [Figure::Lifecycle];
        let kept = verdicts(&report, &servers(), &figures, &plan());
        let expected = "ours: lifecycles, 32 clients: 50.00 times, at least 40 times: kept";
        assert_eq!(
            (&*kept.lines, kept.missed),
            (&[expected.to_owned()][..], false)
        );

        let wake_up = "wake-up of a waiting poll: p99".to_owned();
        report.add(1, vec![Value::ms(wake_up, Some(2.5))]);
        let figures = [Figure::Lifecycle, Figure::WakeUp, Figure::IdlePolls];
        let missed = verdicts(&report, &servers(), &figures, &plan());
        let not_kept = "ours: wake-up of a waiting poll: p99: 2.50 ms, at most 2 ms: NOT KEPT";
        // Its process is not known.
        assert_eq!(
            (&*missed.lines, missed.missed),
            (&[expected.to_owned(), not_kept.to_owned()][..], true)
        );
    }

    #[test]
    fn a_figure_that_failed_misses_its_bound() {
        let mut report = report();
        let with_one = ["1 client, no closed executions", "1 client, 9 closed"];
        report.add(1, with_one.map(|label| rate(label, 80.0)).to_vec());
        let verdicts = verdicts(&report, &servers(), &[Figure::Closed], &plan());
        assert_eq!(
            verdicts.lines,
            [
                "ours: lifecycles, 1 client, 9 closed: 1.00 times, at least 0.8 times: kept",
                "ours: lifecycles, 32 clients, 9 closed: -, at least 0.8 times: NOT MEASURED",
            ]
        );
        assert!(verdicts.missed);
    }

    #[test]
    fn a_step_is_told_in_writes() {
        let mut report = report();
        report.add(1, vec![Value::ms("chain of 100".to_owned(), Some(300.0))]);
        assert_eq!(
            steps(&report, "append", 1.5),
            ["ours: chain of 100: a step is 2.00 appends"]
        );
    }
}
