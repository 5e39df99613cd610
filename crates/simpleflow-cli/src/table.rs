//! Rows of data on stdout, in the format that is asked for: those of the Python original, so that
//! what reads them goes on.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};
use simpleflow_model::Timestamp;

use crate::error::CliError;
use crate::output;

/// How data is printed: options of every command.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Format {
    /// The format of data.
    #[arg(
        long = "format",
        global = true,
        value_enum,
        env = "SIMPLEFLOW_FORMAT",
        hide_env = true,
        default_value = "tabular",
        help_heading = "Output"
    )]
    kind: Kind,

    /// Print the names of the columns, also with csv and tsv, where the Python original has none.
    #[arg(
        long,
        global = true,
        overrides_with = "no_header",
        help_heading = "Output"
    )]
    header: bool,

    /// Print no names of columns; the default.
    #[arg(long, global = true, overrides_with = "header", hide = true)]
    no_header: bool,
}

impl Format {
    /// Whether JSON is asked for.
    pub(crate) fn is_json(self) -> bool {
        matches!(self.kind, Kind::Json | Kind::Prettyjson)
    }

    /// Refuses what data that is no table cannot be printed as.
    pub(crate) fn check_json(self, command: &str) -> Result<(), CliError> {
        match self.kind {
            Kind::Csv | Kind::Tsv => Err(CliError::Option {
                option: "--format",
                value: format!("{:?}", self.kind).to_lowercase(),
                problem: format!("{command} prints no table; json and prettyjson will do"),
            }),
            _ => Ok(()),
        }
    }

    /// Prints JSON that is no table: on a line, or with indents.
    pub(crate) fn print_json(self, value: &Value) -> Result<(), CliError> {
        let text = match self.kind {
            Kind::Json => format!("{value}\n"),
            _ => format!("{value:#}\n"),
        };
        output::print(text.as_bytes())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Aligned columns.
    Tabular,
    /// For each row a list of names and values.
    Human,
    /// Comma-separated values.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// A list of lists; with --header, a list of objects.
    Json,
    /// A list of objects, with indents.
    Prettyjson,
}

/// A value of a table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// There is none.
    Missing,
    /// A text.
    Text(String),
    /// A number; tables show two places.
    Number(f64),
    /// A moment.
    Time(Timestamp),
    /// JSON, in which form values travel.
    Json(Value),
}

impl Cell {
    /// A text, or none.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// For tables: as the original prints it, on one line.
    fn shown(&self) -> String {
        output::visible(&self.rounded()).into_owned()
    }

    fn rounded(&self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => format!("{number:.2}"),
            Self::Time(time) => jiff::Timestamp::from_microsecond(time.as_micros())
                .unwrap_or_default()
                .strftime("%Y-%m-%d %H:%M:%S%.6f+00:00")
                .to_string(),
            Self::Json(value) => value.to_string(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Missing => Value::Null,
            Self::Text(text) => text.clone().into(),
            Self::Number(number) => (*number).into(),
            Self::Time(time) => time.to_string().into(),
            Self::Json(value) => value.clone(),
        }
    }

    /// For files: with all places, and at least one, as the original.
    fn raw(&self) -> String {
        match self {
            Self::Number(number) => format!("{number:?}"),
            _ => self.rounded(),
        }
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Timestamp> for Cell {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

/// Rows, each with a cell a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    columns: &'static [&'static str],
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(columns: &'static [&'static str]) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub(crate) fn push<const N: usize>(&mut self, row: [Cell; N]) {
        debug_assert_eq!(N, self.columns.len());
        self.rows.push(row.into());
    }

    /// Prints it on stdout.
    pub(crate) fn print(&self, format: Format) -> Result<(), CliError> {
        output::print(self.render(format)?.as_bytes())
    }

    fn render(&self, format: Format) -> Result<String, CliError> {
        Ok(match format.kind {
            Kind::Tabular => self.tabular(format.header),
            Kind::Human => self.human(),
            Kind::Csv => self.separated(b',', format.header)?,
            Kind::Tsv => self.separated(b'\t', format.header)?,
            Kind::Json => format!("{}\n", self.json(format.header)),
            Kind::Prettyjson => format!("{:#}\n", self.json(true)),
        })
    }

    /// Columns two spaces apart, and as in the original two wider than their names. Numbers stand
    /// to the right, all else to the left.
    fn tabular(&self, header: bool) -> String {
        let padding = if header { 2 } else { 0 };
        let header = header.then(|| self.columns.iter().map(ToString::to_string).collect());
        let rows = self
            .rows
            .iter()
            .map(|row| row.iter().map(Cell::shown).collect());
        let lines: Vec<Vec<String>> = header.into_iter().chain(rows).collect();
        let width = |column: usize| {
            let mut widths: Vec<_> = lines
                .iter()
                .map(|line| line[column].chars().count())
                .collect();
            if let Some(name) = widths.first_mut() {
                *name += padding;
            }
            widths.into_iter().max().unwrap_or_default()
        };
        let widths: Vec<_> = (0..self.columns.len()).map(width).collect();
        let numeric: Vec<_> = (0..self.columns.len())
            .map(|column| {
                let mut cells = self.rows.iter().map(|row| &row[column]);
                cells.any(|cell| matches!(cell, Cell::Number(_)))
            })
            .collect();
        let mut text = String::new();
        for line in lines {
            let cells = line.iter().zip(&widths).zip(&numeric);
            let cells = cells.map(|((cell, &width), &numeric)| match numeric {
                true => format!("{cell:>width$}"),
                false => format!("{cell:<width$}"),
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn human(&self) -> String {
        let widths = self.columns.iter().map(|name| name.chars().count());
        let width = widths.max().unwrap_or_default();
        let rows = self.rows.iter().map(|row| {
            let cells = self.columns.iter().zip(row);
            let lines = cells
                .map(|(name, cell)| format!("{name:<width$}  {}", output::visible(&cell.raw())));
            lines.map(|line| format!("{}\n", line.trim_end())).collect()
        });
        rows.collect::<Vec<String>>().join("\n")
    }

    fn separated(&self, delimiter: u8, header: bool) -> Result<String, CliError> {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .from_writer(Vec::new());
        let write = |writer: &mut csv::Writer<Vec<u8>>| {
            if header {
                writer.write_record(self.columns)?;
            }
            for row in &self.rows {
                writer.write_record(row.iter().map(Cell::raw))?;
            }
            writer.flush()
        };
        let failed = |source| CliError::Write {
            path: "stdout".into(),
            source,
        };
        write(&mut writer).map_err(failed)?;
        let bytes = writer
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn json(&self, objects: bool) -> Value {
        let row = |row: &Vec<Cell>| -> Value {
            let cells = row.iter().map(Cell::json);
            match objects {
                true => {
                    let names = self.columns.iter().map(ToString::to_string);
                    names.zip(cells).collect::<Map<_, _>>().into()
                }
                false => cells.collect(),
            }
        };
        self.rows.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["Task", "Seconds", "End"]);
        let end = Timestamp::from_micros(1_500_000_000_123_456);
        table.push(["a \"b\"".into(), 1.5.into(), end.into()]);
        table.push(["longer, than that".into(), 10.0.into(), Cell::Missing]);
        table
    }

    fn render(kind: Kind, header: bool) -> String {
        let format = Format {
            kind,
            header,
            no_header: false,
        };
        table().render(format).unwrap()
    }

    #[test]
    fn columns_are_aligned() {
        assert_eq!(
            render(Kind::Tabular, true),
            "Task                 Seconds  End\n\
             a \"b\"                   1.50  2017-07-14 02:40:00.123456+00:00\n\
             longer, than that      10.00\n"
        );
        assert!(render(Kind::Tabular, false).starts_with("a \"b\"               1.50  2017"));
        assert_eq!(
            render(Kind::Human, false),
            "Task     a \"b\"\nSeconds  1.5\nEnd      2017-07-14 02:40:00.123456+00:00\n\n\
             Task     longer, than that\nSeconds  10.0\nEnd\n"
        );
    }

    #[test]
    fn what_a_cell_holds_stays_in_its_line() {
        let mut table = Table::new(&["Task", "Reason"]);
        table.push(["t".into(), "\u{1b}]0;hi\u{7}\nno".into()]);
        let render = |kind| {
            let format = Format {
                kind,
                header: false,
                no_header: false,
            };
            table.render(format).unwrap()
        };
        assert_eq!(render(Kind::Tabular), "t  \\x1b]0;hi\\x07\\nno\n");
        assert_eq!(
            render(Kind::Human),
            "Task    t\nReason  \\x1b]0;hi\\x07\\nno\n"
        );
        assert_eq!(render(Kind::Csv), "t,\"\u{1b}]0;hi\u{7}\nno\"\n");
    }

    #[test]
    fn files_can_be_read_back() {
        assert_eq!(
            render(Kind::Csv, true),
            "Task,Seconds,End\n\"a \"\"b\"\"\",1.5,2017-07-14 02:40:00.123456+00:00\n\
             \"longer, than that\",10.0,\n"
        );
        assert!(render(Kind::Tsv, false).ends_with("longer, than that\t10.0\t\n"));
        assert_eq!(
            render(Kind::Json, false),
            "[[\"a \\\"b\\\"\",1.5,\"2017-07-14T02:40:00.123Z\"],[\"longer, than that\",10.0,null]]\n"
        );
        let objects: Value = serde_json::from_str(&render(Kind::Prettyjson, false)).unwrap();
        assert_eq!(objects[1]["Seconds"], 10.0);
    }
}
