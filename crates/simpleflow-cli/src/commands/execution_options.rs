//! What an execution is started with: options of the commands that start one.

use std::path::PathBuf;

use clap::{Args, value_parser};
use simpleflow_executor::StartOptions;
use simpleflow_model::{SmolStr, WorkflowId, limits};

use crate::error::CliError;
use crate::input;

/// The greatest length of a tag, in characters.
const TAG_LENGTH: usize = 256;

#[derive(Args, Debug)]
pub(crate) struct ExecutionOptions {
    /// The input as JSON: a list of arguments, an object of named ones, or
    /// {"args": [...], "kwargs": {...}}. Any other value is the only argument.
    #[arg(
        short,
        long,
        value_name = "JSON",
        conflicts_with = "input_file",
        allow_negative_numbers = true
    )]
    input: Option<String>,

    /// The file with the input; - is stdin.
    #[arg(long, value_name = "FILE")]
    input_file: Option<PathBuf>,

    /// How long the execution may be open, in seconds. By default the workflow's limit.
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = value_parser!(u32).range(1..=i64::from(limits::EXECUTION_SECONDS)),
        allow_negative_numbers = true
    )]
    execution_timeout: Option<u32>,

    /// How long a decision may take, in seconds. By default the workflow's limit.
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = value_parser!(u32).range(1..),
        allow_negative_numbers = true
    )]
    decision_tasks_timeout: Option<u32>,

    /// The tags of the execution, at most five.
    #[arg(long, value_name = "TAG,TAG", value_delimiter = ',', value_parser = parse_tag)]
    tags: Vec<SmolStr>,

    /// The ARN of the IAM role with which Amazon SWF calls Lambda functions, which the server of this
    /// command does not. By default the workflow's.
    #[arg(long, value_name = "ARN")]
    lambda_role: Option<SmolStr>,
}

impl ExecutionOptions {
    /// The input as JSON text; none when none is given.
    pub(crate) fn input(&self) -> Result<Option<String>, CliError> {
        if self.input.is_none() && self.input_file.is_none() {
            return Ok(None);
        }
        input::read(self.input.as_deref(), self.input_file.as_deref()).map(Some)
    }

    /// The options of a start under this id.
    pub(crate) fn start_options(
        &self,
        workflow_id: Option<&WorkflowId>,
    ) -> Result<StartOptions, CliError> {
        if self.tags.len() > limits::TAGS {
            return Err(CliError::Option {
                option: "--tags",
                value: self.tags.join(","),
                problem: format!("an execution has at most {} tags", limits::TAGS),
            });
        }
        Ok(StartOptions {
            workflow_id: workflow_id.cloned(),
            tag_list: (!self.tags.is_empty()).then(|| self.tags.clone()),
            execution_timeout: self.execution_timeout,
            decision_tasks_timeout: self.decision_tasks_timeout,
            lambda_role: self.lambda_role.clone(),
            ..StartOptions::default()
        })
    }
}

fn parse_tag(tag: &str) -> Result<SmolStr, String> {
    match tag.chars().count() {
        0..=TAG_LENGTH => Ok(tag.into()),
        length => Err(format!(
            "a tag of {length} characters: SWF takes at most {TAG_LENGTH}"
        )),
    }
}
