//! What goes wrong between a client and a service, and what goes over the wire.

mod common;

use std::time::Duration;

use aws_sdk_swf::Client;
use aws_sdk_swf::config::timeout::TimeoutConfig;
use common::{Answer, Scripted, Way, config, header};
use simpleflow_aws::AwsSwf;
use simpleflow_model::operation::{
    PollForActivityTask, RegisterDomain, RequestCancelWorkflowExecution,
    RespondActivityTaskCompleted, StartWorkflowExecution,
};
use simpleflow_model::types::{ActivityTask, Run};
use simpleflow_model::{FaultKind, TaskList};
use simpleflow_service::{NextTask, ServiceError, SwfService as _};
use tokio::net::TcpListener;
use tokio::time::Instant;

const RUN: &str = r#"{"runId":"r","later":1}"#;

async fn start(service: &AwsSwf) -> Result<Run, ServiceError> {
    let request = StartWorkflowExecution {
        domain: "d".into(),
        workflow_id: "w".into(),
        ..Default::default()
    };
    service.start_workflow_execution(request).await
}

/// What becomes of a call, and the number of requests that it took.
async fn call(
    way: Way,
    answers: impl IntoIterator<Item = Answer>,
) -> (Result<Run, ServiceError>, usize) {
    let server = Scripted::start(answers).await;
    let result = start(&way.to(server.addr)).await;
    (result, server.requests().len())
}

fn run_id(result: Result<Run, ServiceError>) -> String {
    result.unwrap().run_id.unwrap().to_string()
}

#[tokio::test]
async fn the_request_is_the_models_own() {
    for way in Way::BOTH {
        let server = Scripted::start([Answer::ok(RUN)]).await;
        let service = way.to(server.addr);
        assert_eq!(run_id(start(&service).await), "r");
        let requests = server.requests();
        let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST / HTTP/1.1\r\n"), "{head}");
        let target = header(head, "x-amz-target").unwrap();
        assert_eq!(target, "SimpleWorkflowService.StartWorkflowExecution");
        let content_type = header(head, "content-type").unwrap();
        assert_eq!(content_type, "application/x-amz-json-1.0");
        let authorization = header(head, "authorization").unwrap();
        assert!(authorization.contains("/us-east-1/swf/aws4_request"));
        assert!(authorization.contains(";x-amz-target"), "{authorization}");
        let expected = r#"{"domain":"d","workflowId":"w","workflowType":{"name":"","version":""}}"#;
        assert_eq!(body, expected);
        assert_eq!(service.target().region.as_deref(), Some("us-east-1"));
    }
}

#[tokio::test]
async fn an_operation_without_output_takes_any_answer() {
    for way in Way::BOTH {
        for body in ["", "{}"] {
            let server = Scripted::start([Answer::ok(body)]).await;
            let service = way.to(server.addr);
            let request = RequestCancelWorkflowExecution::default();
            let result = service.request_cancel_workflow_execution(request).await;
            assert_eq!(result, Ok(()), "{body:?}");
        }
    }
}

#[tokio::test]
async fn what_is_throttled_is_tried_again() {
    for way in Way::BOTH {
        let throttled = || Answer::error(400, "ThrottlingException");
        let (result, requests) = call(way, [throttled(), throttled(), Answer::ok(RUN)]).await;
        assert_eq!(run_id(result), "r");
        assert_eq!(requests, 3);
        let (result, requests) = call(way, [throttled()]).await;
        let error = ServiceError::Throttled("ThrottlingException: why".into());
        assert_eq!(result, Err(error));
        assert_eq!(requests, 3);
    }
}

#[tokio::test]
async fn a_service_that_failed_is_tried_again() {
    for way in Way::BOTH {
        let failed = || Answer::error(500, "InternalFailure");
        let (result, requests) = call(way, [failed(), Answer::ok(RUN)]).await;
        assert_eq!(run_id(result), "r");
        assert_eq!(requests, 2);
        let (result, requests) = call(way, [failed()]).await;
        let error = ServiceError::Internal("InternalFailure: why".into());
        assert_eq!(result, Err(error));
        assert_eq!(requests, 3);
        let gateway = Answer::Http(502, "<html>Bad Gateway</html>".into());
        let (result, requests) = call(way, [gateway]).await;
        let error = ServiceError::Internal("HTTP status 502".into());
        assert_eq!(result, Err(error));
        assert_eq!(requests, 3);
    }
}

#[tokio::test]
async fn a_connection_that_breaks_in_an_answer_is_tried_again() {
    for way in Way::BOTH {
        let (result, requests) = call(way, [Answer::Cut, Answer::ok(RUN)]).await;
        assert_eq!(run_id(result), "r");
        assert_eq!(requests, 2);
        let (result, requests) = call(way, [Answer::Cut]).await;
        let error = result.unwrap_err();
        assert!(matches!(error, ServiceError::Connection(_)), "{error:?}");
        assert!(error.is_retryable() && error.may_have_happened());
        assert_eq!(requests, 3);
    }
}

#[tokio::test]
async fn nobody_is_there() {
    for way in Way::BOTH {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        drop(listener);
        let error = start(&way.to(addr)).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ServiceError::Connection(_)), "{error:?}");
        assert!(text.contains("Connection refused"), "{text}");
    }
}

#[tokio::test]
async fn a_refusal_is_final() {
    for way in Way::BOTH {
        let unknown = Answer::Http(
            400,
            r#"{"__type":"com.amazonaws.swf.base.model#UnknownResourceFault","message":"Unknown domain: d"}"#
                .into(),
        );
        let (result, requests) = call(way, [unknown]).await;
        let error = result.unwrap_err();
        assert!(error.is_fault(FaultKind::UnknownResource));
        let text = "UnknownResourceFault: Unknown domain: d";
        assert_eq!((error.to_string().as_str(), requests), (text, 1));

        // A fault that the carrier does not have, and without words.
        let limit = r#"{"__type":"com.amazonaws.swf.base.model#LimitExceededFault"}"#;
        let (result, requests) = call(way, [Answer::Http(400, limit.into())]).await;
        assert!(result.unwrap_err().is_fault(FaultKind::LimitExceeded));
        assert_eq!(requests, 1);

        let (result, requests) =
            call(way, [Answer::error(400, "UnrecognizedClientException")]).await;
        let error = ServiceError::Denied("UnrecognizedClientException: why".into());
        assert_eq!((result, requests), (Err(error), 1));

        let (result, requests) = call(way, [Answer::error(400, "FlyingException")]).await;
        let error = ServiceError::Refused {
            code: "FlyingException".into(),
            message: "why".into(),
        };
        assert_eq!((result, requests), (Err(error), 1));
    }
}

#[tokio::test]
async fn what_is_no_answer_is_said_to_be_none() {
    for way in Way::BOTH {
        let odd = [
            Answer::ok(""),
            Answer::ok("[]"),
            Answer::ok("<html>"),
            Answer::ok(r#"{"runId":7}"#),
            Answer::Http(404, "<html>".into()),
            Answer::Http(400, "{}".into()),
        ];
        for answer in odd {
            let (result, requests) = call(way, [answer.clone()]).await;
            let unreadable = matches!(result, Err(ServiceError::Unreadable(_)));
            assert!(unreadable, "{answer:?}: {result:?}");
            assert_eq!(requests, 1, "{answer:?}");
        }
    }
}

/// The virtual time that a service which does not answer is waited for, with 3 attempts.
#[tokio::test(start_paused = true)]
async fn a_poll_is_given_its_time() {
    let server = Scripted::start([Answer::Silence]).await;
    let own = TimeoutConfig::builder()
        .disable_connect_timeout()
        .read_timeout(Duration::from_secs(600));
    let config = |own: TimeoutConfig| config(server.addr).timeout_config(own).build();
    let waited = async |way: Way, config| {
        let service = way.of(Client::from_conf(config), server.addr, None);
        let mut seconds = Vec::new();
        let poll = PollForActivityTask {
            domain: "d".into(),
            task_list: TaskList::default(),
            ..Default::default()
        };
        let began = Instant::now();
        let error = service.poll_for_activity_task(poll).await.unwrap_err();
        assert!(matches!(error, ServiceError::Connection(_)), "{error:?}");
        seconds.push(began.elapsed().as_secs());
        let began = Instant::now();
        let register = RegisterDomain::default();
        let error = service.register_domain(register).await.unwrap_err();
        assert!(matches!(error, ServiceError::Connection(_)), "{error:?}");
        seconds.push(began.elapsed().as_secs());
        seconds
    };
    assert_eq!(
        waited(Way::Sdk, config(own.clone().build())).await,
        [210, 90]
    );
    assert_eq!(
        waited(Way::Plain, config(own.clone().build())).await,
        [210, 90]
    );
    let own = own
        .operation_attempt_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(12));
    assert_eq!(waited(Way::Sdk, config(own.build())).await, [210, 12]);
}

const NO_BODY: &str =
    "HTTP/1.1 200 OK\r\nServer: simpleflow\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// An answer with a poll, after a call from which the client knows whom it talks to.
async fn answer_then_poll(
    way: Way,
    first: &'static str,
    answer: Answer,
) -> (Option<NextTask<ActivityTask>>, String) {
    let server = Scripted::start([Answer::Raw(first), answer]).await;
    let service = way.to(server.addr);
    let cancel = RequestCancelWorkflowExecution::default();
    let cancelled = service.request_cancel_workflow_execution(cancel).await;
    cancelled.unwrap();
    let done = RespondActivityTaskCompleted {
        task_token: "token".into(),
        ..Default::default()
    };
    let poll = PollForActivityTask {
        domain: "d".into(),
        task_list: TaskList::default(),
        ..Default::default()
    };
    let next = service.respond_activity_task_completed_then_poll(done, poll);
    let next = next.await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    (next, requests[1].to_ascii_lowercase())
}

#[tokio::test]
async fn a_server_that_knows_nothing_of_polls_with_answers_is_polled_by_itself() {
    const OTHER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    for (way, first, asked) in [
        (Way::Plain, NO_BODY, true),
        (Way::Plain, OTHER, false),
        (Way::Sdk, NO_BODY, false),
    ] {
        let (next, request) = answer_then_poll(way, first, Answer::Raw(NO_BODY)).await;
        assert!(next.is_none());
        assert_eq!(
            request.contains("x-simpleflow-then-poll"),
            asked,
            "{request}"
        );
        assert_eq!(
            request.contains(r#""thenpoll":{"domain":"d""#),
            asked,
            "{request}"
        );
        assert!(request.contains(r#"{"tasktoken":"token""#), "{request}");
    }
}

#[tokio::test]
async fn what_becomes_of_a_poll_with_an_answer_says_nothing_of_the_answer() {
    const CUT: &str = "HTTP/1.1 200 OK\r\nServer: simpleflow\r\nX-Simpleflow-Then-Poll: true\r\n\
                       Transfer-Encoding: chunked\r\n\r\n20\r\n{\"task";
    const NOTHING: &str = "HTTP/1.1 200 OK\r\nServer: simpleflow\r\n\
                           X-Simpleflow-Then-Poll: true\r\nTransfer-Encoding: chunked\r\n\
                           Connection: close\r\n\r\n15\r\n{\"startedEventId\": 0}\r\n0\r\n\r\n";
    let (next, _) = answer_then_poll(Way::Plain, NO_BODY, Answer::Raw(CUT)).await;
    let error = next.unwrap().await.unwrap_err();
    assert!(matches!(error, ServiceError::Connection(_)), "{error:?}");
    let (next, _) = answer_then_poll(Way::Plain, NO_BODY, Answer::Raw(NOTHING)).await;
    assert_eq!(next.unwrap().await, Ok(None));
}
