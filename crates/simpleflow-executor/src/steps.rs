//! The activities behind steps: they list and write what is done, as objects.

use std::env;
use std::sync::Arc;

use simpleflow_core::objects::{Objects, Place};
use simpleflow_core::payload::Arguments;
use simpleflow_core::{
    Activity, ActivityContext, ActivityDefinition, ActivityEntry, Error, Failure, Linked, Result,
    RunningActivity, activity_result, inventory, step,
};

/// The bucket when the workflow names none: a setting of the Python original.
const STEP_BUCKET: &str = "STEP_BUCKET";

/// Lists the steps that are done.
struct GetStepsDone;

/// Marks a step as done.
struct MarkStepDone;

inventory::submit! { Linked::Activity(|| ActivityEntry::of(GetStepsDone)) }
inventory::submit! { Linked::Activity(|| ActivityEntry::of(MarkStepDone)) }

impl Activity for GetStepsDone {
    fn definition() -> &'static ActivityDefinition {
        step::get_steps_done()
    }

    fn start(
        self: Arc<Self>,
        context: ActivityContext,
        input: &str,
    ) -> Result<RunningActivity, Failure> {
        let arguments = Arguments::parse(input)?.bind(Self::definition().parameters)?;
        let (bucket, path) = (arguments.get(0)?, arguments.get(1)?);
        Ok(RunningActivity::Async(Box::pin(async move {
            activity_result(get(&context, bucket, path).await)
        })))
    }
}

impl Activity for MarkStepDone {
    fn definition() -> &'static ActivityDefinition {
        step::mark_step_done()
    }

    fn start(
        self: Arc<Self>,
        context: ActivityContext,
        input: &str,
    ) -> Result<RunningActivity, Failure> {
        let arguments = Arguments::parse(input)?.bind(Self::definition().parameters)?;
        let (bucket, path) = (arguments.get(0)?, arguments.get(1)?);
        let step: String = arguments.get(2)?;
        Ok(RunningActivity::Async(Box::pin(async move {
            activity_result(mark(&context, bucket, path, &step).await)
        })))
    }
}

async fn get(
    context: &ActivityContext,
    bucket: Option<String>,
    path: String,
) -> Result<Vec<String>> {
    let prefix = folder(path);
    let listed = objects(context, bucket)?.list(&prefix).await?;
    let keys = listed.into_iter().map(|object| object.key);
    let steps = keys.filter_map(|key| Some(key.strip_prefix(&prefix)?.to_owned()));
    // Some programs make an object for a folder.
    Ok(steps.filter(|step| !step.is_empty()).collect())
}

async fn mark(
    context: &ActivityContext,
    bucket: Option<String>,
    path: String,
    step: &str,
) -> Result<()> {
    let info = context.info();
    let content = serde_json::json!({
        "run_id": info.run_id, "workflow_id": info.workflow_id, "version": info.version,
    });
    let key = format!("{}{step}", folder(path));
    let objects = objects(context, bucket)?;
    Ok(objects.put(&key, content.to_string()).await?)
}

/// What keys begin with that are in the folder of this name.
fn folder(path: String) -> String {
    match path.is_empty() || path.ends_with('/') {
        true => path,
        false => path + "/",
    }
}

/// The objects of the bucket that the workflow names, or else the environment, or else of the worker.
fn objects(context: &ActivityContext, bucket: Option<String>) -> Result<Objects> {
    let named = bucket.filter(|bucket| !bucket.is_empty());
    let set = || env::var(STEP_BUCKET).ok().filter(|set| !set.is_empty());
    let Some(bucket) = named.or_else(set) else {
        return Ok(context.objects().clone());
    };
    let place = Place::of_bucket(&bucket);
    let place = place.map_err(|error| Error::msg(format_args!("the bucket of steps: {error}")))?;
    Ok(context.open(&place))
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    fn context() -> ActivityContext {
        let context = ActivityContext::for_test();
        let objects = context.objects().clone();
        context.with_places(Arc::new(move |place| objects.under(&place.to_string())))
    }

    #[test]
    fn what_is_marked_is_listed_with_or_without_a_slash() {
        block_on(async {
            let context = context();
            mark(&context, None, "p/steps".into(), "a.b").await.unwrap();
            mark(&context, None, "p/steps/".into(), "c/d")
                .await
                .unwrap();
            mark(&context, None, "p/steps2".into(), "e").await.unwrap();
            context.objects().put("p/steps/", "").await.unwrap();
            for path in ["p/steps", "p/steps/"] {
                let steps = get(&context, None, path.into()).await.unwrap();
                assert_eq!(steps, ["a.b", "c/d"]);
            }
            let content = context.objects().get("p/steps/a.b").await.unwrap();
            let content: serde_json::Value = serde_json::from_slice(&content).unwrap();
            assert_eq!(content.as_object().unwrap().len(), 3);
        });
    }

    #[test]
    fn a_bucket_is_named_as_in_the_original() {
        block_on(async {
            let context = context();
            let bucket = |name: &str| Some(name.to_owned());
            let host = bucket("s3-eu-west-1.amazonaws.com/people");
            mark(&context, host, "1".into(), "a").await.unwrap();
            let steps = get(&context, bucket("people"), "1".into()).await.unwrap();
            assert_eq!(steps, ["a"]);
            assert!(get(&context, None, "1".into()).await.unwrap().is_empty());
            let error = get(&context, bucket("http://x/y"), "1".into()).await;
            let error = error.unwrap_err().to_string();
            assert!(
                error.starts_with("the bucket of steps: \"http://x/y\""),
                "{error}"
            );
        });
    }

    #[test]
    fn a_worker_without_places_says_so() {
        let context = ActivityContext::for_test();
        let error = block_on(mark(&context, Some("people".into()), "1".into(), "a"));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("Resources::places"), "{error}");
    }
}
