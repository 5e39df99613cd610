//! Reading answers.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use simpleflow_service::ServiceError;

/// The output of an operation.
pub(crate) fn output<A: DeserializeOwned>(body: &[u8]) -> Result<A, ServiceError> {
    serde_json::from_slice(body).map_err(|error| ServiceError::Unreadable(error.to_string()))
}

/// The task that a poll got, if it got one. What has no token is none: the service then leaves out
/// almost all that its model requires.
pub(crate) fn task<A: DeserializeOwned>(body: &[u8]) -> Result<Option<A>, ServiceError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Head<'a> {
        #[serde(borrow)]
        task_token: Option<Cow<'a, str>>,
    }
    let task = output(body);
    if task.is_err()
        && let Ok(Head { task_token }) = serde_json::from_slice(body)
        && task_token.is_none_or(|token| token.is_empty())
    {
        return Ok(None);
    }
    task.map(Some)
}

#[cfg(test)]
mod tests {
    use simpleflow_model::types::ActivityTask;

    use super::*;

    #[test]
    fn what_has_no_token_is_no_task() {
        for none in [
            r#"{"startedEventId":0}"#,
            r#"{"startedEventId":0,"taskToken":null}"#,
            r#"{"previousStartedEventId":0,"startedEventId":0,"taskToken":""}"#,
        ] {
            assert_eq!(task::<ActivityTask>(none.as_bytes()), Ok(None), "{none}");
        }
        for odd in ["", "null", "[]", r#"{"taskToken":"t"}"#, "<html>"] {
            let read = task::<ActivityTask>(odd.as_bytes());
            assert!(matches!(read, Err(ServiceError::Unreadable(_))), "{odd}");
        }
        let some = r#"{"taskToken":"t","activityId":"a","startedEventId":7,
            "workflowExecution":{"workflowId":"w","runId":"r"},
            "activityType":{"name":"n","version":"v"},"later":[1]}"#;
        let task = task::<ActivityTask>(some.as_bytes()).unwrap().unwrap();
        assert_eq!(task.task_token.as_str(), "t");
    }
}
