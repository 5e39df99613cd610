//! What the figures must be, and whether they are.

use crate::report::Report;

/// The least of our lifecycles per second in parts of the baseline's, with many clients.
const RATE: f64 = 40.0;

/// The longest until a waiting poll has its task, in milliseconds, at the 99th percentile.
const WAKE_UP: f64 = 2.0;

/// What idle polls may take of a processor, in percent: what is measured on an idle machine.
const IDLE: f64 = 1.0;

/// The most bytes of memory for an open execution that waits.
const OPEN_EXECUTION: f64 = 4096.0;

/// The most memory with a hundred thousand of them, in megabytes.
const MEMORY: f64 = 1000.0;

/// The least rate with many executions there, in parts of the rate without them.
const SLOPE: f64 = 0.8;

/// One line for each bound and server that was measured.
pub fn verdicts(report: &Report, clients: usize, open: &[usize], closed: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for server in report.compared() {
        let mut line = |what: &str, value: Option<f64>, bound: f64, least: bool, unit: &str| {
            let Some(value) = value else { return };
            let kept = if least {
                value >= bound
            } else {
                value <= bound
            };
            let verdict = if kept { "kept" } else { "NOT KEPT" };
            let limit = if least { "at least" } else { "at most" };
            lines.push(format!(
                "{}: {what}: {value:.2}{unit}, {limit} {bound}{unit}: {verdict}",
                report.server(server)
            ));
        };
        let best = |name: &str| report.best(name, server);
        let many = format!("lifecycles, {clients} clients");
        line(&many, report.ratio(&many, server), RATE, true, " times");
        let wake_up = "wake-up of a waiting poll: p99";
        line(wake_up, best(wake_up), WAKE_UP, false, " ms");
        let idle = "100 idle polls, of a processor";
        line(idle, best(idle), IDLE, false, " %");
        for count in open {
            let name = format!("memory of an open execution, {count} open");
            line(&name, best(&name), OPEN_EXECUTION, false, " B");
        }
        let name = "memory, 100000 open";
        line(name, best(name), MEMORY, false, " MB");
        let closed = [(format!("{closed} closed"), "no closed executions")];
        let open = open
            .iter()
            .map(|count| (format!("{count} open"), "no open executions"));
        for (there, without) in open.chain(closed) {
            for clients in ["1 client".to_owned(), format!("{clients} clients")] {
                let name = format!("lifecycles, {clients}, {there}");
                let without = best(&format!("lifecycles, {clients}, {without}"));
                let slope = best(&name)
                    .zip(without)
                    .map(|(with, without)| with / without);
                line(&name, slope, SLOPE, true, " times");
            }
        }
    }
    lines
}

/// What a step of a chain costs, in parts of one append that is synced: one line for each server.
/// Nothing can be durable for less than one.
pub fn steps(report: &Report, append_ms: f64) -> Vec<String> {
    let mut lines = Vec::new();
    for server in report.compared() {
        for length in [100, 1000] {
            let name = format!("chain of {length}");
            if let Some(ms) = report.best(&name, server) {
                lines.push(format!(
                    "{}: {name}: a step is {:.2} appends",
                    report.server(server),
                    ms / f64::from(length) / append_ms
                ));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Value;

    #[test]
    fn each_bound_that_was_measured_has_a_verdict() {
        let servers = ["theirs", "ours"].map(str::to_owned).to_vec();
        let mut report = Report::new(servers, Some("theirs"));
        let rate = |value| Value::rate("lifecycles, 32 clients".to_owned(), value);
        let when =
            |label: &str, value| Value::rate(format!("lifecycles, 1 client, {label}"), value);
        report.add(0, vec![rate(10.0)]);
        report.add(
            1,
            vec![
                rate(500.0),
                Value::ms("wake-up of a waiting poll: p99".to_owned(), Some(2.5)),
                when("no open executions", 100.0),
                when("7 open", 80.0),
                Value::ms("chain of 100".to_owned(), Some(300.0)),
            ],
        );
        assert_eq!(
            verdicts(&report, 32, &[7], 9),
            [
                "ours: lifecycles, 32 clients: 50.00 times, at least 40 times: kept",
                "ours: wake-up of a waiting poll: p99: 2.50 ms, at most 2 ms: NOT KEPT",
                "ours: lifecycles, 1 client, 7 open: 0.80 times, at least 0.8 times: kept",
            ]
        );
        assert_eq!(
            steps(&report, 1.5),
            ["ours: chain of 100: a step is 2.00 appends"]
        );
    }
}
