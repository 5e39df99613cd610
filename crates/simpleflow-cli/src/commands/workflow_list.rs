//! `workflow.list`: the executions of a domain.

use clap::Args;

use crate::commands::workflow_filter::{Limit, Status, days_ago};
use crate::error::CliError;
use crate::on_swf::On;
use crate::table::{Format, Table};

/// List the executions of a domain, the newest first.
#[derive(Args)]
pub(crate) struct WorkflowList {
    /// The domain.
    #[arg(value_name = "DOMAIN")]
    name: Option<String>,

    /// Those that are open, or those that are closed.
    #[arg(short, long, value_enum, default_value = "open")]
    status: Status,

    /// Those that were started in the last so many days.
    #[arg(short = 'd', long, value_name = "DAYS", default_value_t = 30)]
    started_since: u32,

    #[command(flatten)]
    limit: Limit,

    #[command(flatten)]
    on: On,
}

const COLUMNS: &[&str] = &["Workflow ID", "Workflow Type", "Status"];

impl WorkflowList {
    pub(crate) fn run(self, format: Format) -> Result<(), CliError> {
        let domain = self.on.domain(self.name.as_deref())?;
        let since = days_ago(self.started_since);
        let infos = self.on.in_domain(domain, async |domain| {
            Ok(match self.status {
                Status::Open => {
                    let query = domain.open_executions().started_since(since);
                    self.limit.of(query.list()).await?
                }
                Status::Closed => {
                    let query = domain.closed_executions().started_since(since);
                    self.limit.of(query.list()).await?
                }
            })
        })?;
        let mut table = Table::new(COLUMNS);
        for info in infos {
            table.push([
                info.execution.workflow_id.as_str().into(),
                info.workflow_type.name.as_str().into(),
                info.execution_status.as_str().into(),
            ]);
        }
        table.print(format)
    }
}
