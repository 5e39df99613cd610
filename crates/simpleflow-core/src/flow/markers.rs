//! Markers: those that the code records, and those that remember a value for it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::panic::Location;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use simpleflow_model::{MarkerName, SmolStr};

use super::FlowState;
use crate::check::{Problem, check_length, check_name};
use crate::commands::{Command, PATCH_MARKER, VALUE_MARKER};
use crate::error::Error;
use crate::marker::Marker;

/// The markers of an execution.
#[derive(Default)]
pub(crate) struct Markers {
    /// Those of the code, in order.
    recorded: Vec<Marker>,
    /// Values that the history remembers and the code did not ask for yet, as JSON text.
    remembered: HashMap<SmolStr, SmolStr>,
    /// How many values of a name the code asked for.
    asked: HashMap<SmolStr, u32>,
}

/// What the effect of a remembered value does. A replay does not run it, so it must leave the flow
/// alone.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum Effect {
    /// None runs.
    #[default]
    None,
    Runs,
    /// It runs, and has used the flow.
    Misused,
}

/// The details of a marker that remembers a value.
#[derive(Serialize, Deserialize)]
struct Remembered<'a> {
    /// Owned when it has escapes.
    #[serde(borrow)]
    name: Cow<'a, str>,
    number: u32,
    #[serde(borrow)]
    value: &'a RawValue,
}

fn id(name: &str, number: u32) -> SmolStr {
    smol_str::format_smolstr!("{name}-{number}")
}

impl Markers {
    pub(crate) fn recorded(&self) -> &[Marker] {
        &self.recorded
    }

    /// Notes what a marker of the history remembers, unless the code is past it.
    ///
    /// # Errors
    /// When it cannot be read: to make the value anew could give another one.
    pub(crate) fn remember(&mut self, details: &str) -> Result<(), serde_json::Error> {
        let Remembered {
            name,
            number,
            value,
        } = serde_json::from_str(details)?;
        if self.asked.get(&*name).is_none_or(|asked| *asked < number) {
            let value = value.get().into();
            self.remembered.insert(id(&name, number), value);
        }
        Ok(())
    }

    /// How many values are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.remembered.len()
    }
}

fn no_json(error: serde_json::Error) -> Problem {
    format!("its details have no JSON form: {error}").into()
}

impl FlowState {
    /// The flow is used in a way that a replay has to repeat.
    pub(crate) fn note_use(&self) {
        if self.effect.get() == Effect::Runs {
            self.effect.set(Effect::Misused);
        }
    }

    /// Records a marker of the code. One that the service would not take, or that means something to
    /// the replayer, fails the workflow: nothing waits for a marker that could be told.
    pub(crate) fn record_marker(
        &mut self,
        name: SmolStr,
        details: Result<SmolStr, serde_json::Error>,
        location: &'static Location<'static>,
    ) {
        let checked = match name.as_str() {
            PATCH_MARKER | VALUE_MARKER => {
                Err("markers with this name are simpleflow's own: choose another".into())
            }
            _ => check_name(MarkerName::new(name.clone())),
        };
        let details = checked.and(details.map_err(no_json));
        if let Some(details) = self.queue_marker(&name, details, location) {
            self.markers.recorded.push(Marker {
                name,
                details,
                recorded: self.now,
            });
        }
    }

    /// Records a marker that means something to the replayer.
    pub(super) fn record_own_marker(
        &mut self,
        name: &'static str,
        details: Result<SmolStr, serde_json::Error>,
        location: &'static Location<'static>,
    ) {
        let name = SmolStr::new_static(name);
        self.queue_marker(&name, details.map_err(no_json), location);
    }

    /// Gives the details, if they are right.
    fn queue_marker(
        &mut self,
        name: &SmolStr,
        details: Result<SmolStr, Problem>,
        location: &'static Location<'static>,
    ) -> Option<SmolStr> {
        self.last_submit = Some(location);
        let most = self.value_length;
        let details = details.and_then(|details| {
            check_length("details", &details, most)?;
            Ok(details)
        });
        match details {
            Ok(details) => {
                self.push(Command::RecordMarker {
                    name: name.clone(),
                    details: details.clone(),
                    location,
                });
                Some(details)
            }
            Err(problem) => {
                self.raised.get_or_insert_with(|| {
                    Error::msg(format_args!("the marker {name:?} at {location}: {problem}"))
                });
                None
            }
        }
    }

    /// The number of the next value of a name, and the value as JSON text, if the history
    /// remembers it.
    pub(crate) fn next_value(&mut self, name: &SmolStr) -> (u32, Option<SmolStr>) {
        self.note_use();
        let number = self.markers.asked.entry(name.clone()).or_default();
        *number += 1;
        let number = *number;
        (number, self.markers.remembered.remove(&id(name, number)))
    }

    /// Has a value remembered, JSON text.
    pub(crate) fn remember_value(
        &mut self,
        name: &str,
        number: u32,
        value: &str,
        location: &'static Location<'static>,
    ) {
        let details = serde_json::from_str(value).and_then(|value| {
            crate::payload::to_json(&Remembered {
                name: name.into(),
                number,
                value,
            })
        });
        self.record_own_marker(VALUE_MARKER, details, location);
    }
}
