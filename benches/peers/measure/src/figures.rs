//! The figures of all systems side by side.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// How long a system took for a workload: a line of what the programs write.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Figure {
    /// The name of the system.
    pub system: String,
    /// The name of the workload.
    pub workload: String,
    /// Of each round.
    pub seconds: Vec<f64>,
}

/// A table: a line for each system and a column for each workload, in the order in which they come.
///
/// The best of all rounds counts. Beside it stands how many times as long that is as the first
/// system took.
pub fn table(figures: &[Figure]) -> String {
    let systems = distinct(figures.iter().map(|figure| figure.system.as_str()));
    let workloads = distinct(figures.iter().map(|figure| figure.workload.as_str()));
    let best = |system: &str, workload: &str| {
        let of_both = figures
            .iter()
            .filter(|figure| figure.system == system && figure.workload == workload);
        let seconds = of_both.flat_map(|figure| figure.seconds.iter().copied());
        seconds.reduce(f64::min)
    };

    // Writing to a string cannot fail.
    let mut text = format!("{:<22}", "ms, best of the rounds");
    for workload in &workloads {
        let _ = write!(text, "{workload:>14}       ");
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    for system in &systems {
        let mut line = format!("{system:<22}");
        for workload in &workloads {
            let _ = match (best(system, workload), best(systems[0], workload)) {
                (None, _) => write!(line, "{:>14}       ", "-"),
                (Some(time), None) => write!(line, "{:>14.1}       ", time * 1e3),
                (Some(time), Some(first)) => {
                    let ratio = format!("x{:.2}", time / first);
                    write!(line, "{:>14.1} {ratio:<6}", time * 1e3)
                }
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut distinct = Vec::new();
    for name in names {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    distinct
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(system: &str, workload: &str, seconds: &[f64]) -> Figure {
        Figure {
            system: system.to_owned(),
            workload: workload.to_owned(),
            seconds: seconds.to_vec(),
        }
    }

    #[test]
    fn the_best_of_all_rounds_counts_and_is_compared_with_the_first_system() {
        let figures = [
            figure("a", "chain", &[0.2, 0.1]),
            figure("b", "chain", &[0.25]),
            figure("b", "fan-out", &[1.0]),
            figure("a", "chain", &[0.15]),
        ];
        let expected = "\
ms, best of the rounds         chain              fan-out
a                              100.0 x1.00              -
b                              250.0 x2.50         1000.0
";
        assert_eq!(table(&figures), expected);
    }
}
