//! What executions and their children are started with, on the local backend.

use simpleflow::TagList;
use simpleflow::WorkflowEntry;
use simpleflow::local::{Local, LocalError, LocalRun, StartError, StartOptions};
use simpleflow::model::{EventAttributes, SmolStr};
use simpleflow::prelude::*;

/// Its tags and its task list depend on its input; its child has the same tags.
#[workflow(lambda_role = "arn:role")]
struct Customer {
    name: String,
    tags: usize,
}

impl Workflow for Customer {
    type Output = Vec<SmolStr>;

    fn get_task_list(&self) -> Option<SmolStr> {
        Some(format!("customers-{}", self.name).into())
    }

    fn get_tag_list(&self) -> Option<TagList> {
        Some(
            (0..self.tags)
                .map(|n| format!("{}-{n}", self.name))
                .collect(),
        )
    }

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        Ok(flow.submit(Tells.call().inherit_tags()).await?)
    }
}

/// Tells its workflow id, task list and tags.
#[workflow]
struct Tells;

impl Workflow for Tells {
    type Output = Vec<SmolStr>;

    fn get_workflow_id(&self) -> Option<SmolStr> {
        Some("tells".into())
    }

    async fn run(self, flow: Flow) -> Result<Self::Output> {
        let run = flow.run_context();
        let mut told = vec![
            run.workflow_id.as_str().into(),
            run.task_list.as_str().into(),
        ];
        told.extend(run.tag_list);
        Ok(told)
    }
}

fn start(tags: usize, options: StartOptions) -> Result<LocalRun, LocalError> {
    let mut local = Local::with_virtual_time(Registry::linked()).unwrap();
    let input = format!("[\"ann\", {tags}]");
    local.run(&WorkflowEntry::of::<Customer>(), &input, options)
}

#[test]
fn an_execution_is_started_as_its_input_says() {
    let run = start(2, StartOptions::default()).unwrap();
    assert_eq!(
        format!("{:?}", run.outcome),
        r#"Completed("[\"tells\",\"customers-ann\",\"ann-0\",\"ann-1\"]")"#
    );
    let EventAttributes::WorkflowExecutionStarted(started) = &run.history[0].attributes else {
        panic!("{:?}", run.history[0]);
    };
    assert_eq!(started.lambda_role.as_deref(), Some("arn:role"));
    let options = StartOptions {
        tag_list: Some(vec!["vip".into()]),
        task_list: Some("other".into()),
        lambda_role: Some("arn:other".into()),
        ..StartOptions::default()
    };
    let run = start(2, options).unwrap();
    assert_eq!(
        format!("{:?}", run.outcome),
        r#"Completed("[\"tells\",\"other\",\"vip\"]")"#
    );
    let EventAttributes::WorkflowExecutionStarted(started) = &run.history[0].attributes else {
        panic!("{:?}", run.history[0]);
    };
    assert_eq!(started.lambda_role.as_deref(), Some("arn:other"));
}

#[test]
fn too_many_tags_are_refused_before_the_start() {
    let Err(LocalError::Start(error @ StartError::Tags(_))) = start(6, StartOptions::default())
    else {
        panic!("it was started");
    };
    assert_eq!(
        error.to_string(),
        "6 tags are too many: an execution has at most 5"
    );
}
