//! Calling a workflow's hooks, in the order of the Python original.

use super::{Ending, Replayer};
use crate::hooks::{Closing, Hook, ReplayContext};
use crate::panics::{self, Panic};

/// A hook that panicked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookPanic {
    /// The name of the hook, such as `after_closed`.
    pub hook: &'static str,
    /// The panic.
    pub panic: Panic,
}

impl Replayer {
    /// The hooks that panicked since this was last asked. A panic changes no decision.
    pub fn take_hook_panics(&mut self) -> Vec<HookPanic> {
        std::mem::take(&mut self.hook_panics)
    }

    pub(super) fn before_replay(&mut self) {
        self.call("before_replay", self.entry.hooks().before_replay);
    }

    /// After the decisions: that the code waits or has ended, and how.
    pub(super) fn after_replay(&mut self) {
        let hooks = self.entry.hooks();
        match &self.ending {
            None => return self.call("after_replay", hooks.after_replay),
            Some(Ending::Completed(_)) => {
                self.call("after_replay", hooks.after_replay);
                self.call("on_completed", hooks.on_completed);
            }
            // As in the original, a replay that fails has no `after_replay`.
            Some(Ending::Failed(_)) => self.call("on_failure", hooks.on_failure),
            Some(Ending::Cancelled { .. }) => {
                self.call("on_canceled", hooks.on_canceled);
                self.call("after_replay", hooks.after_replay);
            }
            Some(Ending::ContinuedAsNew { .. }) => self.call("after_replay", hooks.after_replay),
        }
        self.call("after_closed", hooks.after_closed);
    }

    fn call(&mut self, name: &'static str, hook: Hook) {
        let closing = self.ending.as_ref().map(Ending::closing);
        let context = ReplayContext::new(&self.shared.state, closing);
        if let Err(panic) = panics::catch(|| hook(&context)) {
            self.hook_panics.push(HookPanic { hook: name, panic });
        }
    }
}

impl Ending {
    fn closing(&self) -> Closing<'_> {
        match self {
            Self::Completed(result) => Closing::Completed { result },
            Self::Failed(failure) => Closing::Failed {
                reason: &failure.reason,
                details: failure.details.as_deref(),
            },
            Self::Cancelled { details } => Closing::Canceled {
                details: details.as_deref(),
            },
            Self::ContinuedAsNew { .. } => Closing::ContinuedAsNew,
        }
    }
}
