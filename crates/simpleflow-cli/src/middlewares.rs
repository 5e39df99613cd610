//! The middlewares that a command makes active.

use std::ffi::OsString;

use clap::Args;
use simpleflow_core::{MiddlewareError, Registry, When};

const PRE: &str = "middleware-pre-execution";
const POST: &str = "middleware-post-execution";

/// Middlewares by name: options of commands that run activities.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct MiddlewareOptions {
    /// Run this middleware of the program before each activity. May be given more than once.
    #[arg(long = PRE, value_name = "NAME")]
    pre_execution: Vec<String>,

    /// Run this middleware of the program after each activity. May be given more than once.
    #[arg(long = POST, value_name = "NAME")]
    post_execution: Vec<String>,
}

impl MiddlewareOptions {
    /// Makes them active in a registry.
    pub(crate) fn activate(&self, mut registry: Registry) -> Result<Registry, MiddlewareError> {
        for name in &self.pre_execution {
            registry.activate(name, When::PreExecution)?;
        }
        for name in &self.post_execution {
            registry.activate(name, When::PostExecution)?;
        }
        Ok(registry)
    }

    /// The first option that is given, with its value.
    pub(crate) fn first(&self) -> Option<(&'static str, &str)> {
        let pre = self.pre_execution.first();
        let pre = pre.map(|name| ("--middleware-pre-execution", name.as_str()));
        let post = self.post_execution.first();
        pre.or(post.map(|name| ("--middleware-post-execution", name.as_str())))
    }

    /// The same options, for another process of this program.
    pub(crate) fn args(&self) -> impl Iterator<Item = OsString> {
        let options = |option, names: &[String]| {
            let options = names.iter().map(|name| format!("--{option}={name}").into());
            options.collect::<Vec<_>>()
        };
        let pre = options(PRE, &self.pre_execution);
        pre.into_iter().chain(options(POST, &self.post_execution))
    }
}
