//! `workflow.filter`: the executions of a domain that are of a kind.

use std::num::NonZeroUsize;
use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum};
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use jiff::civil;
use jiff::tz::TimeZone;
use serde_json::Value;
use simpleflow_model::types::WorkflowExecutionInfo;
use simpleflow_model::{CloseStatus, Timestamp};
use simpleflow_service::ServiceError;

use crate::error::CliError;
use crate::on_swf::On;
use crate::table::{Cell, Format, Table};

/// List the executions of a domain that pass all filters, the newest first.
#[derive(Args)]
#[command(after_help = "\
Examples:
  simpleflow --header workflow.filter quickstart --tag night --started-since 1
  simpleflow workflow.filter quickstart --status closed --close-status failed \\
    --from-date 2026-01-31 --to-date '2026-02-01 12:00:00'")]
pub(crate) struct WorkflowFilter {
    /// The domain.
    #[arg(value_name = "DOMAIN")]
    name: Option<String>,

    /// Those that are open, or those that are closed.
    #[arg(short, long, value_enum, default_value = "open")]
    status: Status,

    /// Those that have this tag.
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,

    /// Those of this workflow id.
    #[arg(long, value_name = "ID")]
    workflow_id: Option<String>,

    /// Those of the type of this name.
    #[arg(long, value_name = "NAME")]
    workflow_type_name: Option<String>,

    /// Those of the type of this version.
    #[arg(long, value_name = "VERSION", requires = "workflow_type_name")]
    workflow_type_version: Option<String>,

    /// Those that were closed in this way.
    #[arg(
        short,
        long,
        value_name = "STATUS",
        value_parser = CloseStatus::VALUES.to_vec(),
        ignore_case = true
    )]
    close_status: Option<String>,

    /// Those that were started in the last so many days. By default 30; with --to-date alone,
    /// whenever before that.
    #[arg(short = 'd', long, value_name = "DAYS", conflicts_with = "from_date")]
    started_since: Option<u32>,

    /// Those that were started at this time or later, in UTC: a day, a time, or a time with its
    /// distance from UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from_date: Option<Timestamp>,

    /// Those that were started at this time or before.
    #[arg(long, value_name = "TIME", value_parser = time)]
    to_date: Option<Timestamp>,

    #[command(flatten)]
    limit: Limit,

    #[command(flatten)]
    on: On,
}

/// How much is listed.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// How many to list at most. The service is asked for no more than it takes to find them.
    #[arg(long, value_name = "COUNT")]
    limit: Option<NonZeroUsize>,
}

impl Limit {
    /// The first of a listing.
    pub(crate) async fn of(
        self,
        listing: impl Stream<Item = Result<WorkflowExecutionInfo, ServiceError>>,
    ) -> Result<Vec<WorkflowExecutionInfo>, ServiceError> {
        let most = self.limit.map_or(usize::MAX, NonZeroUsize::get);
        listing.take(most).try_collect().await
    }
}

/// Whether an execution is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Status {
    Open,
    Closed,
}

/// The last so many days are listed, where nothing says which.
const DAYS: u32 = 30;

const COLUMNS: &[&str] = &[
    "Workflow ID",
    "Workflow Type",
    "Workflow Version",
    "Run ID",
    "Status",
    "Child Policy",
    "Close Status",
    "Start Timestamp",
    "Close Timestamp",
    "Cancel Requested",
    "Execution Timeout",
    "Input",
    "Tags",
    "Decision Tasks Timeout",
    "Parent Workflow ID",
    "Parent Run ID",
    "Cancel Requested",
];

/// The filters that both queries have.
macro_rules! filtered {
    ($query:expr, $of:expr) => {{
        let of = $of;
        let mut query = $query;
        if let Some(since) = of.since() {
            query = query.started_since(since);
        }
        if let Some(until) = of.to_date {
            query = query.started_until(until);
        }
        if let Some(tag) = &of.tag {
            query = query.tag(tag.as_str());
        }
        if let Some(id) = &of.workflow_id {
            query = query.workflow_id(id.as_str());
        }
        if let Some(name) = &of.workflow_type_name {
            query = query.type_name(name.as_str());
        }
        if let Some(version) = &of.workflow_type_version {
            query = query.type_version(version.as_str());
        }
        query
    }};
}

impl WorkflowFilter {
    pub(crate) fn run(self, format: Format) -> Result<(), CliError> {
        let close_status = match (&self.close_status, self.status) {
            (Some(status), Status::Open) => {
                return Err(CliError::Option {
                    option: "--close-status",
                    value: status.clone(),
                    problem: "an open execution has none; add --status closed".to_owned(),
                });
            }
            (status, _) => status.as_ref().map(|status| status.to_uppercase()),
        };
        if let (Some(since), Some(until)) = (self.since(), self.to_date)
            && since > until
        {
            return Err(CliError::Option {
                option: "--to-date",
                value: until.to_string(),
                problem: format!(
                    "it is before {since}, from which on executions are asked for; expected a \
                     later time, or an earlier --from-date"
                ),
            });
        }
        let domain = self.on.domain(self.name.as_deref())?;
        let infos: Vec<WorkflowExecutionInfo> = self.on.in_domain(domain, async |domain| {
            Ok(match self.status {
                Status::Open => {
                    let query = filtered!(domain.open_executions(), &self);
                    self.limit.of(query.list()).await?
                }
                Status::Closed => {
                    let mut query = filtered!(domain.closed_executions(), &self);
                    if let Some(status) = close_status {
                        query = query.close_status(CloseStatus::from(&*status));
                    }
                    self.limit.of(query.list()).await?
                }
            })
        })?;
        let mut table = Table::new(COLUMNS);
        for info in &infos {
            table.push(row(info));
        }
        table.print(format)
    }

    /// From when on. An end alone has all that is before it.
    fn since(&self) -> Option<Timestamp> {
        let days = match (self.started_since, self.to_date) {
            (None, Some(_)) => None,
            (days, _) => Some(days.unwrap_or(DAYS)),
        };
        self.from_date.or_else(|| days.map(days_ago))
    }
}

/// A listing does not have what the execution was started with: those cells are empty, as they are
/// in the original.
fn row(info: &WorkflowExecutionInfo) -> [Cell; COLUMNS.len()] {
    let tags: Vec<_> = info.tag_list.iter().flatten().flatten().collect();
    let tags = tags.iter().map(|tag| Value::from(tag.as_str())).collect();
    let cancelled = || Cell::Json(info.cancel_requested.unwrap_or(false).into());
    let close_status = info.close_status.as_ref();
    let parent = info.parent.as_ref();
    [
        info.execution.workflow_id.as_str().into(),
        info.workflow_type.name.as_str().into(),
        info.workflow_type.version.as_str().into(),
        info.execution.run_id.as_str().into(),
        info.execution_status.as_str().into(),
        Cell::Missing,
        close_status.map(|status| status.as_str()).into(),
        info.start_timestamp.into(),
        info.close_timestamp.into(),
        cancelled(),
        Cell::Missing,
        Cell::Missing,
        Cell::Json(tags),
        Cell::Missing,
        parent.map(|parent| parent.workflow_id.as_str()).into(),
        parent.map(|parent| parent.run_id.as_str()).into(),
        cancelled(),
    ]
}

/// The time so many days ago.
pub(crate) fn days_ago(days: u32) -> Timestamp {
    let past = Duration::from_secs(u64::from(days) * 86_400);
    let then = SystemTime::now().checked_sub(past);
    Timestamp::from(then.unwrap_or(SystemTime::UNIX_EPOCH))
}

/// The original's formats. A time without its distance from UTC is in UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    let utc = |time: civil::DateTime| time.to_zoned(TimeZone::UTC).map(|time| time.timestamp());
    let time = text.parse::<jiff::Timestamp>();
    let time = time.or_else(|_| text.parse::<civil::DateTime>().and_then(utc));
    time.map(|time| Timestamp::from_micros(time.as_microsecond()))
        .map_err(|_| {
            "expected a time such as 2026-01-31, '2026-01-31 12:00:00' or \
             2026-01-31T12:00:00+01:00"
                .to_owned()
        })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn no_more_is_asked_for_than_is_listed() {
        let listed = |limit: Option<usize>| {
            let page = vec![Ok(WorkflowExecutionInfo::default()); 2];
            let next = [Err(ServiceError::Stopped)];
            let listing = futures::stream::iter(page.into_iter().chain(next));
            let limit = Limit {
                limit: limit.and_then(NonZeroUsize::new),
            };
            let listed = futures::executor::block_on(limit.of(listing));
            listed.map(|infos| infos.len())
        };
        assert_eq!(listed(Some(1)), Ok(1));
        assert_eq!(listed(Some(2)), Ok(2));
        assert_eq!(listed(None), Err(ServiceError::Stopped));
    }

    #[test]
    fn times_are_read_in_the_formats_of_the_original() {
        let shown = |text| time(text).map(|time| time.to_string());
        assert_eq!(shown("2026-01-31").unwrap(), "2026-01-31T00:00:00.000Z");
        for noon in [
            "2026-01-31T12:00:00",
            "2026-01-31 12:00:00",
            "2026-01-31T12:00:00+00:00",
            "2026-01-31 13:00:00+0100",
            "2026-01-31T12:00:00Z",
        ] {
            assert_eq!(shown(noon).unwrap(), "2026-01-31T12:00:00.000Z", "{noon}");
        }
        assert!(shown("yesterday").is_err());
    }

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        filter: WorkflowFilter,
    }

    #[test]
    fn an_end_alone_has_no_beginning() {
        let since = |args: &[&str]| {
            let line = [&["workflow.filter"], args].concat();
            Line::parse_from(line).filter.since()
        };
        assert_eq!(since(&["--to-date", "2020-02-01"]), None);
        assert!(since(&[]) >= Some(days_ago(DAYS + 1)));
        assert!(since(&[]) <= Some(days_ago(DAYS)));
        let two = since(&["--started-since", "2", "--to-date", "2020-02-01"]);
        assert!(two >= Some(days_ago(3)));
        let from = since(&["--from-date", "2020-01-01", "--to-date", "2020-02-01"]);
        assert_eq!(
            from.map(|from| from.to_string()).unwrap(),
            "2020-01-01T00:00:00.000Z"
        );
    }
}
