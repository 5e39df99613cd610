//! The figures of all servers side by side: JSON lines, a table, ratios.

use std::fmt::Write as _;

use serde::Serialize;

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Unit {
    /// Per second: more is better. For all others less is.
    #[serde(rename = "1/s")]
    Rate,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
    /// Megabytes.
    #[serde(rename = "MB")]
    Megabytes,
    /// Bytes.
    #[serde(rename = "B")]
    Bytes,
    /// Of a hundred.
    #[serde(rename = "%")]
    Percent,
}

impl Unit {
    fn as_str(self) -> &'static str {
        match self {
            Self::Rate => "1/s",
            Self::Milliseconds => "ms",
            Self::Megabytes => "MB",
            Self::Bytes => "B",
            Self::Percent => "%",
        }
    }

    fn better(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Rate => a.max(b),
            _ => a.min(b),
        }
    }
}

/// A value that was measured once.
#[derive(Clone, Debug)]
pub struct Value {
    name: String,
    unit: Unit,
    value: Option<f64>,
}

impl Value {
    fn new(name: String, unit: Unit, value: Option<f64>) -> Self {
        Self { name, unit, value }
    }

    /// Per second.
    pub fn rate(name: String, value: f64) -> Self {
        Self::new(name, Unit::Rate, Some(value))
    }

    /// Milliseconds; nothing when there was nothing to measure.
    pub fn ms(name: String, value: Option<f64>) -> Self {
        Self::new(name, Unit::Milliseconds, value)
    }

    /// Megabytes.
    pub fn megabytes(name: String, value: f64) -> Self {
        Self::new(name, Unit::Megabytes, Some(value))
    }

    /// Bytes.
    pub fn bytes(name: String, value: f64) -> Self {
        Self::new(name, Unit::Bytes, Some(value))
    }

    /// Percent.
    pub fn percent(name: String, value: f64) -> Self {
        Self::new(name, Unit::Percent, Some(value))
    }
}

#[derive(Debug)]
struct Row {
    name: String,
    unit: Unit,
    /// By server, the values of its rounds.
    rounds: Vec<Vec<f64>>,
}

/// All that was measured.
#[derive(Debug)]
pub struct Report {
    servers: Vec<String>,
    /// The server that the others are compared with.
    baseline: Option<usize>,
    rows: Vec<Row>,
}

impl Report {
    /// A report on servers, of which one may be what the others are compared with.
    pub fn new(servers: Vec<String>, baseline: Option<&str>) -> Self {
        let baseline = servers
            .iter()
            .position(|name| Some(name.as_str()) == baseline);
        Self {
            servers,
            baseline,
            rows: Vec::new(),
        }
    }

    /// Takes what was measured of one server in one round.
    pub fn add(&mut self, server: usize, values: Vec<Value>) {
        for Value { name, unit, value } in values {
            let Some(value) = value else { continue };
            let index = self.rows.iter().position(|row| row.name == name);
            let index = index.unwrap_or_else(|| {
                let rounds = vec![Vec::new(); self.servers.len()];
                self.rows.push(Row { name, unit, rounds });
                self.rows.len() - 1
            });
            self.rows[index].rounds[server].push(value);
        }
    }

    /// The servers that are not what the others are compared with.
    pub fn compared(&self) -> impl Iterator<Item = usize> {
        (0..self.servers.len()).filter(|index| Some(*index) != self.baseline)
    }

    /// Whether there is one that the others are compared with.
    pub fn has_baseline(&self) -> bool {
        self.baseline.is_some()
    }

    /// The name of a server.
    pub fn server(&self, index: usize) -> &str {
        &self.servers[index]
    }

    /// The best value of a server.
    pub fn best(&self, name: &str, server: usize) -> Option<f64> {
        self.rows.iter().find(|row| row.name == name)?.best(server)
    }

    /// The best value of a server, in parts of the baseline's.
    pub fn ratio(&self, name: &str, server: usize) -> Option<f64> {
        Some(self.best(name, server)? / self.best(name, self.baseline?)?)
    }

    /// One JSON object for each figure of each server.
    pub fn json_lines(&self) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            figure: &'a str,
            server: &'a str,
            unit: Unit,
            best: f64,
            median: f64,
            rounds: &'a [f64],
            #[serde(skip_serializing_if = "Option::is_none")]
            ratio: Option<f64>,
        }
        let mut lines = String::new();
        for row in &self.rows {
            for (index, server) in self.servers.iter().enumerate() {
                let Some((best, median)) = row.best(index).zip(row.median(index)) else {
                    continue;
                };
                let compared = Some(index) != self.baseline;
                let line = Line {
                    figure: &row.name,
                    server,
                    unit: row.unit,
                    best,
                    median,
                    rounds: &row.rounds[index],
                    ratio: self.ratio(&row.name, index).filter(|_| compared),
                };
                if let Ok(line) = serde_json::to_string(&line) {
                    lines += &line;
                    lines.push('\n');
                }
            }
        }
        lines
    }

    /// A table: a line for each figure, a column for each server, and one for each ratio.
    pub fn table(&self) -> String {
        let mut header = vec!["best of the rounds".to_owned(), String::new()];
        header.extend(self.servers.iter().cloned());
        if let Some(baseline) = self.baseline {
            let baseline = &self.servers[baseline];
            header.extend(
                self.compared()
                    .map(|index| format!("{}/{baseline}", self.servers[index])),
            );
        }
        let mut lines = vec![header];
        for row in &self.rows {
            let mut line = vec![row.name.clone(), row.unit.as_str().to_owned()];
            line.extend((0..self.servers.len()).map(|index| cell(row.best(index))));
            if self.baseline.is_some() {
                line.extend(
                    self.compared()
                        .map(|index| cell(self.ratio(&row.name, index))),
                );
            }
            lines.push(line);
        }
        aligned(&lines)
    }
}

impl Row {
    fn best(&self, server: usize) -> Option<f64> {
        let values = self.rounds[server].iter().copied();
        values.reduce(|a, b| self.unit.better(a, b))
    }

    fn median(&self, server: usize) -> Option<f64> {
        let mut values = self.rounds[server].clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}

/// A number with as many digits as say something.
fn cell(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}

/// Columns of equal width: the first two to the left, which are words, the others to the right.
fn aligned(lines: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let columns = lines.first().map_or(0, Vec::len);
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            // Writing to a string cannot fail.
            let _ = match column {
                0 => write!(text, "{cell:<width$}"),
                1 => write!(text, "  {cell:<width$}"),
                _ => write!(text, "  {cell:>width$}"),
            };
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::new(vec!["a".to_owned(), "b".to_owned()], Some("a"));
        report.add(0, vec![Value::rate("speed".to_owned(), 10.0)]);
        report.add(1, vec![Value::rate("speed".to_owned(), 380.0)]);
        report.add(1, vec![Value::rate("speed".to_owned(), 400.0)]);
        report.add(1, vec![Value::ms("time".to_owned(), Some(2.0))]);
        report.add(1, vec![Value::ms("time".to_owned(), Some(1.5))]);
        report.add(0, vec![Value::ms("time".to_owned(), None)]);
        report
    }

    #[test]
    fn the_best_is_the_most_of_a_rate_and_the_least_of_a_time() {
        let report = report();
        assert_eq!(report.best("speed", 1), Some(400.0));
        assert_eq!(report.best("time", 1), Some(1.5));
        assert_eq!(report.ratio("speed", 1), Some(40.0));
        assert_eq!(report.ratio("time", 1), None);
    }

    #[test]
    fn the_table_has_a_line_for_each_figure() {
        let expected = "\
best of the rounds          a     b   b/a
speed               1/s  10.0   400  40.0
time                ms      -  1.50     -
";
        assert_eq!(report().table(), expected);
    }

    #[test]
    fn there_is_a_json_line_for_each_figure_of_each_server() {
        let lines = report().json_lines();
        let lines: Vec<_> = lines.lines().collect();
        assert_eq!(lines.len(), 3);
        let expected = r#"{"figure":"speed","server":"b","unit":"1/s","best":400.0,"#.to_owned()
            + r#""median":400.0,"rounds":[380.0,400.0],"ratio":40.0}"#;
        assert_eq!(lines[1], expected);
    }
}
