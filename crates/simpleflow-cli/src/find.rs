//! Finding a workflow by what a person types.

use std::fmt;

use simpleflow_core::{Registry, WorkflowEntry};

/// The workflow of a path, a workflow name, or the last part of a path when only one has it.
pub(crate) fn workflow<'a>(
    registry: &'a Registry,
    wanted: &str,
) -> Result<&'a WorkflowEntry, NotFound> {
    let exact: Vec<_> = registry
        .workflows()
        .filter(|entry| {
            let definition = entry.definition();
            definition.path == wanted || definition.name == wanted
        })
        .collect();
    let found = if exact.is_empty() {
        registry
            .workflows()
            .filter(|entry| {
                let path = &entry.definition().path;
                path.strip_suffix(wanted)
                    .is_some_and(|start| start.ends_with('.'))
            })
            .collect()
    } else {
        exact
    };
    match found.as_slice() {
        [one] => Ok(one),
        [] => {
            let all: Vec<_> = registry.workflows().collect();
            Err(NotFound::Unknown {
                wanted: wanted.to_owned(),
                nearest: nearest(wanted, &all),
                listing: listing(registry),
            })
        }
        several => Err(NotFound::Ambiguous {
            wanted: wanted.to_owned(),
            candidates: paths(several.iter().copied()),
        }),
    }
}

/// What there is, for people.
pub(crate) fn listing(registry: &Registry) -> String {
    match paths(registry.workflows()) {
        paths if paths.is_empty() => {
            "No workflow is in this program: mark one with #[workflow]".to_owned()
        }
        paths => format!("Workflows:\n  {}", paths.join("\n  ")),
    }
}

fn paths<'a>(entries: impl Iterator<Item = &'a WorkflowEntry>) -> Vec<String> {
    let mut paths: Vec<_> = entries
        .map(|entry| entry.definition().path.to_string())
        .collect();
    paths.sort();
    paths
}

/// The path or name that is most like what was typed, if one is like it.
fn nearest(wanted: &str, entries: &[&WorkflowEntry]) -> Option<String> {
    const LIKE_ENOUGH: f64 = 0.75;
    let wanted = wanted.to_lowercase();
    entries
        .iter()
        .flat_map(|entry| {
            let definition = entry.definition();
            let last = definition.path.rsplit('.').next().unwrap_or_default();
            [definition.path.as_str(), definition.name.as_str(), last]
        })
        .map(|name| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= LIKE_ENOUGH)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name.to_owned())
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFound {
    Unknown {
        wanted: String,
        nearest: Option<String>,
        listing: String,
    },
    Ambiguous {
        wanted: String,
        candidates: Vec<String>,
    },
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown {
                wanted,
                nearest,
                listing,
            } => {
                write!(f, "there is no workflow {wanted:?}")?;
                if let Some(nearest) = nearest {
                    write!(f, "; did you mean {nearest:?}?")?;
                }
                write!(f, "\n{listing}")
            }
            Self::Ambiguous { wanted, candidates } => write!(
                f,
                "{wanted:?} is the name of several workflows; say which:\n  {}",
                candidates.join("\n  ")
            ),
        }
    }
}
