//! The data directory: one server at a time, a full disk, a damaged file, a later version.

mod common;

use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use aws_sdk_swf::error::ProvideErrorMetadata as _;
use aws_sdk_swf::types::ChildPolicy;
use common::*;
use simpleflow_server::{Server, StartError, StoreError};

#[tokio::test]
#[ignore = "the server of the tests, in a process of its own"]
async fn child() {
    child::serve().await;
}

async fn refusal(dir: &Path) -> StoreError {
    match Server::new(disk(dir)).start().await {
        Err(StartError::Store(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_second_server_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(disk(dir.path())).await;
    let any = "127.0.0.1:0".parse().unwrap();
    let refusal = child::Server::start(dir.path(), any, None).await.err();
    let expected = format!(
        "the data directory {} is in use by another server",
        dir.path().display()
    );
    assert_eq!(refusal, Some(expected));
    server.stop().await.unwrap();
    start(disk(dir.path())).await.stop().await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_an_error_to_the_client_and_the_store_stays_good() {
    let dir = tempfile::tempdir().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let server = child::Server::start(dir.path(), any, Some(400))
        .await
        .unwrap();
    let swf = client(server.addr);
    register(&swf, 60).await;
    let start_one = async |number: usize| {
        let start = swf.start_workflow_execution().domain("d");
        let start = start
            .workflow_id(format!("w-{number}"))
            .input("x".repeat(20_000));
        start.workflow_type(workflow_type()).send().await
    };
    let mut started = Vec::new();
    let error = loop {
        match start_one(started.len()).await {
            Ok(run) => started.push(run.run_id.unwrap()),
            Err(error) => break error.into_service_error(),
        }
        assert!(started.len() < 1_000, "the disk never gets full");
    };
    assert_eq!(error.code(), Some("InternalFailure"));
    assert!(!started.is_empty());
    // It goes on reading what it has; what failed did not happen.
    let describe = async |run_id: &str, number: usize| {
        let execution = aws_sdk_swf::types::WorkflowExecution::builder();
        let execution = execution.run_id(run_id).workflow_id(format!("w-{number}"));
        let describe = swf.describe_workflow_execution().domain("d");
        describe.execution(execution.build().unwrap()).send().await
    };
    // While the store is opened again there are internal failures.
    while describe(&started[0], 0).await.is_err() {}
    for (number, run_id) in started.iter().enumerate() {
        describe(run_id, number).await.unwrap();
    }
    server.kill().await;

    // With space again all is there, and it goes on.
    let server = start(disk(dir.path())).await;
    let swf = client(server.addr());
    for run_id in &started {
        let poll = swf.poll_for_decision_task().domain("d");
        let task = poll.task_list(list("deciders")).send().await.unwrap();
        assert_eq!(task.workflow_execution().unwrap().run_id(), run_id);
    }
    start_workflow(&swf, &format!("w-{}", started.len())).await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_finishes() {
    let dir = tempfile::tempdir().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let server = child::Server::start(dir.path(), any, None).await.unwrap();
    let swf = client(server.addr);
    register(&swf, 60).await;
    let poll = swf.poll_for_activity_task().domain("d");
    let waiting = tokio::spawn(poll.task_list(list("workers")).send());
    start_workflow(&swf, "w").await;
    waiting_polls(server.addr, 1).await;
    assert!(server.terminate().await);
    assert_eq!(waiting.await.unwrap().unwrap().task_token(), "");
    // All is in the file, and nothing in the log beside it.
    let log = dir.path().join("simpleflow.sqlite3-wal");
    assert!(!log.exists(), "the log was not folded into the file");
}

#[tokio::test]
async fn a_closed_execution_is_deleted_when_its_retention_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(disk(dir.path())).await;
    let swf = client(server.addr());
    register(&swf, 60).await;
    let domain = swf.register_domain().name("brief");
    let domain = domain.workflow_execution_retention_period_in_days("NONE");
    domain.send().await.unwrap();
    let kind = swf.register_workflow_type().domain("brief");
    let kind = kind.name("workflow").version("1");
    kind.send().await.unwrap();
    for domain in ["d", "brief"] {
        let start = swf
            .start_workflow_execution()
            .domain(domain)
            .workflow_id("w");
        let start = start.workflow_type(workflow_type()).task_list(list("l"));
        let start = start
            .task_start_to_close_timeout("9")
            .child_policy(ChildPolicy::Abandon);
        let start = start.execution_start_to_close_timeout("9");
        start.send().await.unwrap();
        let terminate = swf.terminate_workflow_execution();
        let terminate = terminate.domain(domain).workflow_id("w");
        terminate.send().await.unwrap();
    }
    server.stop().await.unwrap();
    let store = rusqlite::Connection::open(dir.path().join("simpleflow.sqlite3")).unwrap();
    let count = |query: &str| -> i64 { store.query_row(query, (), |row| row.get(0)).unwrap() };
    assert_eq!(count("SELECT count(*) FROM runs"), 0);
    assert_eq!(count("SELECT count(*) FROM closed_runs"), 1);
    let appends = count("SELECT count(*) FROM appends");
    assert!((1..=3).contains(&appends), "{appends}");
    let of_domain = "SELECT count(*) FROM closed_runs WHERE domain = 'd'";
    assert_eq!(count(of_domain), 1);
    let entries = "SELECT count(DISTINCT run) FROM closed_index";
    assert_eq!(count(entries), 1);
}

fn file(dir: &Path) -> fs::File {
    let path = dir.join("simpleflow.sqlite3");
    fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap()
}

const CLOSED: usize = 8;

/// How many closed executions are listed and have their histories, unless that is an error.
async fn closed(swf: &aws_sdk_swf::Client) -> Option<usize> {
    let since = aws_sdk_swf::types::ExecutionTimeFilter::builder();
    let since = since.oldest_date(aws_sdk_swf::primitives::DateTime::from_secs(0));
    let list = swf.list_closed_workflow_executions().domain("d");
    let list = list.start_time_filter(since.build().unwrap());
    let infos = list.send().await.ok()?.execution_infos;
    for info in &infos {
        let history = swf.get_workflow_execution_history().domain("d");
        let history = history.execution(info.execution.clone()?).send().await;
        assert_eq!(history.ok()?.events.len(), 3);
    }
    Some(infos.len())
}

async fn filled() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let server = start(disk(dir.path())).await;
    let swf = client(server.addr());
    register(&swf, 60).await;
    for number in 0..20 {
        start_workflow(&swf, &format!("w-{number}")).await;
    }
    for number in 0..CLOSED {
        let id = format!("closed-{number}");
        start_workflow(&swf, &id).await;
        let terminate = swf.terminate_workflow_execution().domain("d");
        terminate.workflow_id(id).send().await.unwrap();
    }
    server.stop().await.unwrap();
    dir
}

#[tokio::test]
async fn a_damaged_store_is_reported_and_left_as_it_is() {
    let mut unnoticed = 0;
    let pages = file(filled().await.path()).metadata().unwrap().len() / 4_096;
    // The start of each page, and the end, where the rows are.
    for at in (0..pages).flat_map(|page| [page * 4_096, (page + 1) * 4_096 - 700]) {
        let dir = filled().await;
        let mut damaged = file(dir.path());
        damaged.seek(SeekFrom::Start(at)).unwrap();
        damaged.write_all(&[0xff; 700]).unwrap();
        let bytes = |dir: &Path| {
            let mut bytes = Vec::new();
            file(dir).read_to_end(&mut bytes).unwrap();
            bytes
        };
        let before = bytes(dir.path());
        match Server::new(disk(dir.path())).start().await {
            Err(StartError::Store(StoreError::Damaged { .. })) => {
                assert!(before == bytes(dir.path()), "at {at} the store was changed");
            }
            // Those bytes were not in use.
            Ok(server) => {
                let swf = client(server.addr());
                for _ in 0..20 {
                    let poll = swf.poll_for_decision_task().domain("d");
                    let task = poll.task_list(list("deciders")).send().await.unwrap();
                    assert_eq!(task.events().len(), 3);
                }
                // Closed executions are read when they are asked for.
                if let Some(found) = closed(&swf).await {
                    assert_eq!(found, CLOSED, "at {at}");
                    unnoticed += 1;
                }
                server.stop().await.unwrap();
            }
            other => panic!("at {at}: {other:?}"),
        }
    }
    assert!(
        unnoticed < pages / 4,
        "{unnoticed} of {pages} were not noticed"
    );
}

#[tokio::test]
async fn a_store_of_a_later_version_is_refused() {
    let dir = filled().await;
    // Where SQLite keeps the version.
    let mut later = file(dir.path());
    later.seek(SeekFrom::Start(60)).unwrap();
    later.write_all(&9_u32.to_be_bytes()).unwrap();
    let refusal = refusal(dir.path()).await.to_string();
    assert!(
        refusal.ends_with(
            "has schema version 9, this program knows up to 3: use the later version of the \
             program that wrote it"
        ),
        "{refusal}"
    );
}
