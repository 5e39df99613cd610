//! Child workflows: their tags, their workflow ids, and one that is started once for equal input.
//!
//! ```sh
//! simpleflow workflow.start --local examples.child_workflow.ParentWorkflow --input '[1]'
//! ```

use simpleflow::TagList;
use simpleflow::model::SmolStr;
use simpleflow::prelude::*;

/// Adds one, and says so.
#[activity(task_list = "quickstart", version = "example")]
pub async fn loudly_increment(x: i64, whoami: String) -> i64 {
    let result = x + 1;
    println!("I am {whoami} and I'll increment x={x} : result={result}");
    result
}

/// Adds two. Its input says which tags it has.
#[workflow(
    name = "basic_child",
    version = "example",
    task_list = "example",
    execution_timeout = 300
)]
pub struct ChildWorkflow {
    /// The number.
    pub x: i64,
    /// Who it is.
    #[default("CHILD".into())]
    pub name: String,
    /// Its tags.
    #[default(Vec::new())]
    pub my_tag_list: Vec<String>,
}

impl Workflow for ChildWorkflow {
    type Output = i64;

    fn get_tag_list(&self) -> Option<TagList> {
        Some(self.my_tag_list.iter().map(String::as_str).collect())
    }

    async fn run(self, flow: Flow) -> Result<i64> {
        let y = flow.submit(loudly_increment(self.x, &*self.name));
        let z = flow.submit(loudly_increment(&y, self.name));
        Ok(z.await?)
    }
}

/// Of equal input there is one, whose result all have who submitted it. It has its parent's tags.
#[workflow(
    name = "basic_idempotent_child",
    version = "example",
    task_list = "example",
    execution_timeout = 300,
    idempotent = true,
    tag_list = "INHERIT_TAG_LIST"
)]
pub struct IdempotentChildWorkflow {
    /// The number.
    pub x: i64,
}

impl Workflow for IdempotentChildWorkflow {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let y = flow.submit(ChildWorkflow {
            x: self.x,
            name: "GRAND-CHILD".into(),
            my_tag_list: vec!["abc".into(), "def=3".into()],
        });
        // Chance is the same at each replay.
        Ok(y.await? + i64::from(flow.random::<u16>()))
    }
}

/// Its input says which workflow id it has, and gets it back as the result.
#[workflow(
    name = "another_child",
    version = "example",
    task_list = "example",
    execution_timeout = 300
)]
pub struct ChildWorkflowWithGetId {
    /// The workflow id. Without one it is made from the parent's.
    #[default(None)]
    pub my_id: Option<String>,
}

impl Workflow for ChildWorkflowWithGetId {
    type Output = String;

    fn get_workflow_id(&self) -> Option<SmolStr> {
        self.my_id.as_deref().map(SmolStr::from)
    }

    async fn run(self, flow: Flow) -> Result<String> {
        Ok(flow.run_context().workflow_id.to_string())
    }
}

/// Starts them all.
#[workflow(
    name = "basic_parent",
    version = "example",
    task_list = "example",
    tag_list = ["these", "are", "tags"]
)]
pub struct ParentWorkflow {
    /// The number.
    #[default(1)]
    pub x: i64,
}

impl Workflow for ParentWorkflow {
    type Output = i64;

    async fn run(self, flow: Flow) -> Result<i64> {
        let child = |x| ChildWorkflow {
            x,
            name: "CHILD".into(),
            my_tag_list: Vec::new(),
        };
        // The input of a child is a value, so what it is made of is awaited.
        let y = flow.submit(loudly_increment(self.x, "PARENT")).await?;
        let z = flow.submit(child(y));
        let other = flow.submit(child(y));
        let t = flow.submit(loudly_increment(&z, "PARENT"));
        let u = flow.submit(IdempotentChildWorkflow { x: y });
        let v = flow.submit(IdempotentChildWorkflow { x: y });
        let id = |my_id: Option<&str>| ChildWorkflowWithGetId {
            my_id: my_id.map(str::to_owned),
        };
        let named = flow.submit(id(Some("child-workflow-43")));
        let unnamed = flow.submit(id(None));

        flow.wait_all((&other, &unnamed)).await?;
        let (t, u, v, named) = flow.wait_all((&t, &u, &v, &named)).await?;
        if u != v || named != "child-workflow-43" {
            bail!("{u} is to be {v}, and {named} is to be child-workflow-43");
        }
        Ok(t)
    }
}

#[cfg(test)]
mod tests {
    use simpleflow::model::EventAttributes;

    use super::*;

    #[test]
    fn children_are_started_with_their_ids_and_tags() {
        let run = simpleflow::testing::run(ParentWorkflow { x: 1 });
        assert_eq!(run.result::<i64>().unwrap(), 5);
        let children = run.history.iter().filter_map(|event| {
            let EventAttributes::StartChildWorkflowExecutionInitiated(child) = &event.attributes
            else {
                return None;
            };
            let tags = child.tag_list.iter().flatten().flatten();
            let tags: Vec<&str> = tags.map(SmolStr::as_str).collect();
            Some((child.workflow_type.name.as_str(), tags.join(",")))
        });
        assert_eq!(
            children.collect::<Vec<_>>(),
            [
                ("basic_child", String::new()),
                ("basic_child", String::new()),
                ("basic_idempotent_child", "these,are,tags".to_owned()),
                ("another_child", String::new()),
                ("another_child", String::new()),
            ]
        );
    }
}
