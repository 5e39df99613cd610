use simpleflow::prelude::*;

macro_rules! run {
    ($($workflow:ty),* $(,)?) => {$(
        impl Workflow for $workflow {
            type Output = ();

            async fn run(self, _: Flow) -> Result<()> {
                Ok(())
            }
        }
    )*};
}

// None of the below hides the workflows.
run!(
    Unknown, NoValue, Twice, NameWithASlash, TaskListIsANumber, TaskListWithABar,
    UnknownChildPolicy, ChildPolicyIsAPath, TagListIsAText, TagIsANumber, TooManyTags,
    TimeoutIsAText, NoActivities,
);

#[workflow(start_to_close_timeout = 60)]
struct Unknown {}

#[workflow(version)]
struct NoValue {}

#[workflow(version = "1", version = "2")]
struct Twice {}

#[workflow(name = "a/b")]
struct NameWithASlash {}

#[workflow(task_list = 5)]
struct TaskListIsANumber {}

#[workflow(task_list = "a|b")]
struct TaskListWithABar {}

#[workflow(child_policy = "KILL")]
struct UnknownChildPolicy {}

#[workflow(child_policy = ChildPolicy::Terminate)]
struct ChildPolicyIsAPath {}

#[workflow(tag_list = "nightly")]
struct TagListIsAText {}

#[workflow(tag_list = ["nightly", 5])]
struct TagIsANumber {}

#[workflow(tag_list = ["1", "2", "3", "4", "5", "6"])]
struct TooManyTags {}

#[workflow(execution_timeout = "a day")]
struct TimeoutIsAText {}

#[workflow(max_open_activity_count = 0)]
struct NoActivities {}

fn main() {}
