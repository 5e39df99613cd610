//! Which domain and which execution a command is about, and the way to them.
//!
//! The original takes `DOMAIN WORKFLOW_ID [RUN_ID]`, and so does this. `--domain`, or `SWF_DOMAIN`
//! where one name alone is given, stands for the first.

use std::env;

use clap::Args;
use percent_encoding::percent_decode_str;
use simpleflow_executor::Resources;
use simpleflow_jumbo::Jumbo;
use simpleflow_model::{DomainName, RunId, WorkflowId};
use simpleflow_swf::{Domain, WorkflowExecution};

use crate::connect::{AnyService, Connection, DataDir};
use crate::error::CliError;
use crate::output;
use crate::resources::ResourceOptions;

/// The variable with the domain.
const DOMAIN: &str = "SWF_DOMAIN";

/// Where a command finds what it is about.
#[derive(Args, Clone, Debug)]
pub(crate) struct On {
    /// The domain, in place of DOMAIN. By default $SWF_DOMAIN, where DOMAIN is left out.
    #[arg(long, value_name = "NAME", value_parser = |name: &str| DomainName::new(name))]
    domain: Option<DomainName>,

    #[command(flatten)]
    data_dir: DataDir,
}

/// A domain, and an execution in it.
#[derive(Clone, Debug)]
pub(crate) struct Which {
    pub(crate) domain: DomainName,
    pub(crate) workflow_id: WorkflowId,
    pub(crate) run_id: Option<RunId>,
}

impl On {
    /// The domain: the one that is given, the option, or the variable.
    pub(crate) fn domain(&self, given: Option<&str>) -> Result<DomainName, CliError> {
        match (given, &self.domain) {
            (Some(given), None) => name("DOMAIN", given, DomainName::new),
            (None, Some(domain)) => Ok(domain.clone()),
            (Some(given), Some(domain)) => Err(CliError::Option {
                option: "--domain",
                value: domain.to_string(),
                problem: format!("the domain is given twice: DOMAIN is {given:?}"),
            }),
            (None, None) => match env::var(DOMAIN).ok().filter(|domain| !domain.is_empty()) {
                Some(domain) => name(DOMAIN, &domain, DomainName::new),
                None => Err(CliError::WhichDomain),
            },
        }
    }

    /// The execution that the names say, whose run id may be an option instead.
    pub(crate) fn which(&self, names: &[String], run_id: Option<&str>) -> Result<Which, CliError> {
        let which = self.execution(names)?;
        match (&which.run_id, run_id) {
            (_, None) => Ok(which),
            (None, Some(run_id)) => Ok(Which {
                run_id: Some(decoded(run_id)?),
                ..which
            }),
            (Some(named), Some(run_id)) => Err(CliError::Option {
                option: "--run-id",
                value: run_id.to_owned(),
                problem: format!("the run is given twice: RUN_ID is {:?}", named.as_str()),
            }),
        }
    }

    /// The execution that the names say: `[DOMAIN] WORKFLOW_ID [RUN_ID]`.
    fn execution(&self, names: &[String]) -> Result<Which, CliError> {
        let (domain, workflow_id, run_id) = match (names, &self.domain) {
            ([workflow_id], _) => (None, workflow_id, None),
            ([workflow_id, run_id], Some(_)) => (None, workflow_id, Some(run_id)),
            ([domain, workflow_id], None) => (Some(domain), workflow_id, None),
            ([domain, workflow_id, run_id], _) => (Some(domain), workflow_id, Some(run_id)),
            _ => return Err(CliError::WhichExecution),
        };
        Ok(Which {
            domain: self.domain(domain.map(String::as_str))?,
            workflow_id: name("WORKFLOW_ID", workflow_id, WorkflowId::new)?,
            run_id: run_id.map(|run_id| decoded(run_id)).transpose()?,
        })
    }

    /// Does something in a domain.
    pub(crate) fn in_domain<T>(
        &self,
        domain: DomainName,
        act: impl AsyncFnOnce(Domain<AnyService>) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        self.connected(domain, async |_, domain| act(domain).await)
    }

    /// The same, with the connection.
    pub(crate) fn connected<T>(
        &self,
        domain: DomainName,
        act: impl AsyncFnOnce(&Connection, Domain<AnyService>) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let runtime = tokio::runtime::Runtime::new().map_err(CliError::Runtime)?;
        runtime.block_on(async {
            let connection = Connection::open(&self.data_dir, &domain).await?;
            connection.announce(&domain);
            let domain = Domain::new(connection.service.clone(), domain);
            let done = act(&connection, domain).await;
            // What went wrong first is told.
            let closed = connection.close().await;
            let done = done?;
            closed.map(|()| done)
        })
    }

    /// Does something with an execution, which must be there.
    pub(crate) fn with<T>(
        &self,
        which: Which,
        act: impl AsyncFnOnce(WorkflowExecution<AnyService>) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        self.with_values(which, async |execution, _| act(execution).await)
    }

    /// The same with long values.
    pub(crate) fn with_values<T>(
        &self,
        which: Which,
        act: impl AsyncFnOnce(WorkflowExecution<AnyService>, Jumbo) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        self.connected(which.domain, async |connection, domain| {
            let jumbo = connection.jumbo()?;
            act(
                domain.execution(which.workflow_id, which.run_id).await?,
                jumbo,
            )
            .await
        })
    }
}

fn name<T, E: std::fmt::Display>(
    option: &'static str,
    value: &str,
    check: impl FnOnce(String) -> Result<T, E>,
) -> Result<T, CliError> {
    check(value.to_owned()).map_err(|problem| CliError::Option {
        option,
        value: value.to_owned(),
        problem: problem.to_string(),
    })
}

/// A run id, which may come out of an address of the AWS console, where `=` is `%3D`.
pub(crate) fn decoded(run_id: &str) -> Result<RunId, CliError> {
    match percent_decode_str(run_id).decode_utf8() {
        Ok(run_id) if !run_id.is_empty() => Ok(RunId::from(run_id.as_ref())),
        _ => Err(CliError::Option {
            option: "RUN_ID",
            value: run_id.to_owned(),
            problem: "expected the id of a run, or one with URL escapes such as %3D".to_owned(),
        }),
    }
}

/// The execution of a command: `[DOMAIN] WORKFLOW_ID [RUN_ID]`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Execution {
    /// The execution, as [DOMAIN] WORKFLOW_ID [RUN_ID]. The domain may be left out with --domain,
    /// and with $SWF_DOMAIN where the workflow id stands alone. Without a run id it is the open run,
    /// or else the one that was started last.
    #[arg(value_name = "EXECUTION", required = true, num_args = 1..=3)]
    names: Vec<String>,

    #[command(flatten)]
    on: On,
}

impl Execution {
    /// Does something with it.
    pub(crate) fn with<T>(
        &self,
        act: impl AsyncFnOnce(WorkflowExecution<AnyService>) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        self.on.with(self.on.which(&self.names, None)?, act)
    }

    /// Does something with it and with what its activities were given.
    pub(crate) fn with_resources<T>(
        &self,
        options: &ResourceOptions,
        act: impl AsyncFnOnce(WorkflowExecution<AnyService>, Resources) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let which = self.on.which(&self.names, None)?;
        self.on.connected(which.domain, async |connection, domain| {
            let execution = domain.execution(which.workflow_id, which.run_id).await?;
            let (name, data_dir) = (domain.name(), &self.on.data_dir);
            let resources = options.on(connection, name, data_dir).await?.resources();
            act(execution, resources).await
        })
    }

    /// The same with long values.
    pub(crate) fn with_values<T>(
        &self,
        act: impl AsyncFnOnce(WorkflowExecution<AnyService>, Jumbo) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        self.on.with_values(self.on.which(&self.names, None)?, act)
    }

    /// Says what commands that are told to a person need beside what they show.
    pub(crate) fn say_where(&self) {
        let dir = &self.on.data_dir;
        if !dir.is_found() {
            let dir = dir.data_dir.display();
            output::say(&format!(
                "Commands that are named here also need --data-dir {dir}"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn which(domain: Option<&str>, names: &[&str]) -> Result<String, String> {
        which_run(domain, names, None)
    }

    fn which_run(
        domain: Option<&str>,
        names: &[&str],
        run_id: Option<&str>,
    ) -> Result<String, String> {
        let on = On {
            domain: domain.map(DomainName::from),
            data_dir: DataDir {
                data_dir: "data".into(),
            },
        };
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let which = on
            .which(&names, run_id)
            .map_err(|error| error.to_string())?;
        let run_id = which.run_id.unwrap_or_else(|| "-".into());
        Ok(format!("{} {} {run_id}", which.domain, which.workflow_id))
    }

    #[test]
    fn names_are_taken_as_the_original_takes_them() {
        assert_eq!(which(None, &["d", "w"]).unwrap(), "d w -");
        assert_eq!(which(None, &["d", "w", "22%2Bx%3D"]).unwrap(), "d w 22+x=");
        assert_eq!(which(Some("d"), &["w"]).unwrap(), "d w -");
        assert_eq!(which(Some("d"), &["w", "r"]).unwrap(), "d w r");
        let twice = which(Some("d"), &["e", "w", "r"]).unwrap_err();
        assert_eq!(
            twice,
            "--domain \"d\": the domain is given twice: DOMAIN is \"e\""
        );
        assert_eq!(
            which_run(None, &["d", "w"], Some("r%3D")).unwrap(),
            "d w r="
        );
        let twice = which_run(Some("d"), &["w", "r"], Some("s")).unwrap_err();
        assert_eq!(
            twice,
            "--run-id \"s\": the run is given twice: RUN_ID is \"r\""
        );
        for bad in ["%ff", ""] {
            assert!(
                which(None, &["d", "w", bad])
                    .unwrap_err()
                    .starts_with("RUN_ID")
            );
        }
        assert!(
            which(None, &["d", "a:b"])
                .unwrap_err()
                .starts_with("WORKFLOW_ID")
        );
        assert!(
            which(None, &["a:b", "w"])
                .unwrap_err()
                .starts_with("DOMAIN")
        );
    }
}
