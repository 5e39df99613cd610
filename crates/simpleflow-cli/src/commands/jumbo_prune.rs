//! `jumbo.prune`: removes long values that no execution needs any more.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use clap::Args;
use futures::TryStreamExt as _;
use simpleflow_jumbo::prune;
use simpleflow_model::{DomainName, RegistrationStatus, Timestamp};
use simpleflow_swf::Domain;

use crate::connect::AnyService;
use crate::error::CliError;
use crate::on_swf::On;
use crate::output;

/// A value is there before the execution that it is for, and clocks differ.
const MARGIN: Duration = Duration::from_secs(86_400);

const DAY: Duration = Duration::from_secs(86_400);

/// Remove values that were longer than SWF's fields and are older than the retention of their domain.
///
/// A value is removed when it is older than the retention, and older than every execution that the
/// domain still shows, by a day. Name all domains whose programs write to the same place: that of
/// SIMPLEFLOW_JUMBO_FIELDS_BUCKET. The folder of the server in the box is that of all its domains: they
/// all count there.
#[derive(Args)]
#[command(after_help = "\
Examples:
  simpleflow jumbo.prune quickstart --dry-run
  SIMPLEFLOW_JUMBO_FIELDS_BUCKET=values/of/us simpleflow jumbo.prune orders billing")]
pub(crate) struct JumboPrune {
    /// The domains.
    #[arg(value_name = "DOMAIN", required = true)]
    domains: Vec<String>,

    /// Say what would be removed, and remove nothing.
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    on: On,
}

impl JumboPrune {
    pub(crate) fn run(self) -> Result<(), CliError> {
        let mut names = Vec::new();
        for name in &self.domains {
            names.push(self.on.domain(Some(name))?);
        }
        let Some(first) = names.first().cloned() else {
            return Err(CliError::WhichDomain);
        };
        self.on.connected(first, async |connection, domain| {
            let jumbo = connection.jumbo()?;
            let objects = jumbo.objects().ok_or(CliError::NoPlaceForValues)?;
            let now = SystemTime::now();
            let mut before = now;
            let mut names = BTreeSet::from_iter(names);
            if connection.has_values_of(&jumbo) {
                names.extend(all_domains(domain.service()).await?);
            }
            for name in names {
                let domain = Domain::new(domain.service().clone(), name);
                before = before.min(needed_since(&domain, now).await?);
            }
            let pruned = prune(objects, before, self.dry_run).await?;
            let at = Timestamp::from(before);
            let would = if self.dry_run { "would be " } else { "" };
            output::print(
                format!(
                    "{} values of {} bytes {would}removed that are older than {at}, {} left\n",
                    pruned.removed, pruned.bytes, pruned.left
                )
                .as_bytes(),
            )?;
            if pruned.ageless > 0 {
                let place = objects.url();
                output::say(&format!(
                    "{} more are left: {place} does not tell how old they are",
                    pruned.ageless
                ));
            }
            Ok(())
        })
    }
}

/// All domains of a service: also one that is deprecated may have open executions.
async fn all_domains(service: &AnyService) -> Result<Vec<DomainName>, CliError> {
    let mut names = Vec::new();
    for status in [
        RegistrationStatus::Registered,
        RegistrationStatus::Deprecated,
    ] {
        let infos: Vec<_> = Domain::all(service.clone(), status).try_collect().await?;
        names.extend(infos.into_iter().map(|info| info.name));
    }
    Ok(names)
}

/// What is older nobody in the domain needs.
async fn needed_since(
    domain: &Domain<AnyService>,
    now: SystemTime,
) -> Result<SystemTime, CliError> {
    let configuration = domain.describe().await?.configuration;
    let days = configuration.workflow_execution_retention_period_in_days;
    let retained = now.checked_sub(DAY.saturating_mul(days.0));
    let oldest = domain.oldest_start().await?.map(|start| {
        let micros = u64::try_from(start.as_micros()).unwrap_or_default();
        SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
    });
    let since = oldest
        .unwrap_or(now)
        .min(retained.unwrap_or(SystemTime::UNIX_EPOCH));
    Ok(since.checked_sub(MARGIN).unwrap_or(SystemTime::UNIX_EPOCH))
}
