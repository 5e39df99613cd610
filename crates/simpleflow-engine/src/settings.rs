//! What the embedding program can set.

use simpleflow_model::limits;
use smol_str::SmolStr;

/// The settings of an [`Engine`](crate::Engine).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The region in the ARNs of domains.
    pub region: SmolStr,
    /// The account in the ARNs of domains.
    pub account: SmolStr,
    /// What run ids are derived from. Two engines with one seed that get the same commands at the
    /// same times give the same run ids.
    pub seed: u64,
    /// Whether to keep a note of what changed for
    /// [`take_appended`](crate::Engine::take_appended),
    /// [`take_registrations`](crate::Engine::take_registrations),
    /// [`take_heartbeats`](crate::Engine::take_heartbeats) and
    /// [`take_removed`](crate::Engine::take_removed). The notes grow until they are taken, so
    /// this is off unless somebody takes them.
    pub record_changes: bool,
    /// Whether to keep a note of what closed for [`take_closed`](crate::Engine::take_closed). It
    /// grows until it is taken.
    pub record_closes: bool,
    /// Whether there is somebody who runs Lambda functions. Where there is not, to schedule one is
    /// refused, as in a region without AWS Lambda.
    pub lambda_functions: bool,
    /// How much of everything there may be.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: SmolStr::new_static("us-east-1"),
            account: SmolStr::new_static("123456789012"),
            seed: 0,
            record_changes: false,
            record_closes: false,
            lambda_functions: true,
            limits: Limits::default(),
        }
    }
}

/// How much of everything there may be. The defaults are the service's quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Domains, deprecated ones included.
    pub domains: usize,
    /// Workflow types of a domain, and as many activity types, deprecated ones included.
    pub types: usize,
    /// Tags of a domain.
    pub domain_tags: usize,
    /// Open executions of a domain.
    pub open_executions: usize,
    /// Events of a history. Where one more would be appended the execution is terminated.
    pub history_events: usize,
    /// Open activity tasks of an execution.
    pub open_activities: usize,
    /// Open timers of an execution.
    pub open_timers: usize,
    /// Open children of an execution.
    pub open_children: usize,
    /// Open Lambda functions of an execution.
    pub open_lambda_functions: usize,
    /// The greatest number that a count of closed executions, or of open ones in a part of a time
    /// range, gives; it is then marked as truncated.
    pub count: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            domains: 100,
            types: 10_000,
            domain_tags: 50,
            open_executions: limits::OPEN_EXECUTIONS,
            history_events: limits::HISTORY_EVENTS,
            open_activities: limits::OPEN_ACTIVITIES,
            open_timers: limits::OPEN_TIMERS,
            open_children: limits::OPEN_CHILDREN,
            open_lambda_functions: 1_000,
            count: 10_000,
        }
    }
}
