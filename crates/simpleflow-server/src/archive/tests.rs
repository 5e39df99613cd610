//! What the store answers about closed executions is what the engine would.

use std::ops::Range;

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use simpleflow_model::types::{History, WorkflowExecutionInfos};

use super::*;
use crate::regions::Regions;
use crate::store::{self, Location, Portion, RunKey, Writer};

const REGION: RegionId = 0;

fn shape<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// A region and its store.
struct Stage {
    dir: tempfile::TempDir,
    regions: Regions,
    writer: Box<dyn Writer>,
    reader: Box<dyn Reader>,
    now: Timestamp,
}

impl Stage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (writer, reader) = open(&dir);
        let mut regions = Regions::new(true);
        assert_eq!(regions.id(&"us-east-1".into()), REGION);
        let mut stage = Self {
            dir,
            regions,
            writer,
            reader,
            now: Timestamp::from_millis(1_000_000),
        };
        stage
            .apply(
                "RegisterDomain",
                json!({ "name": "d", "workflowExecutionRetentionPeriodInDays": "1" }),
            )
            .unwrap();
        for (name, version) in [("t", "1"), ("t", "2"), ("t1", "1")] {
            let of = json!({
                "domain": "d", "name": name, "version": version,
                "defaultTaskList": { "name": "l" }, "defaultChildPolicy": "TERMINATE",
                "defaultTaskStartToCloseTimeout": "NONE",
                "defaultExecutionStartToCloseTimeout": "1",
            });
            stage.apply("RegisterWorkflowType", of).unwrap();
        }
        stage
    }

    fn engine(&mut self) -> &mut Engine {
        &mut self.regions.get_mut(REGION).unwrap().engine
    }

    /// Has the engine carry a request out.
    fn apply(&mut self, operation: &str, body: Value) -> Result<Answer, Fault> {
        let now = self.now;
        let request = Request::parse(operation, body.to_string().as_bytes()).unwrap();
        request.apply(self.engine(), now)
    }

    /// Starts an execution, unless one of its workflow id is open.
    fn start(&mut self, id: &str, of: (&str, &str), tags: &[&str]) {
        let _ = self.apply(
            "StartWorkflowExecution",
            json!({
                "domain": "d", "workflowId": id, "tagList": tags,
                "workflowType": { "name": of.0, "version": of.1 },
            }),
        );
    }

    fn terminate(&mut self, id: &str) {
        let request = json!({ "domain": "d", "workflowId": id });
        let _ = self.apply("TerminateWorkflowExecution", request);
    }

    /// Answers a decision task, if there is one.
    fn decide(&mut self, decision: &str) {
        let poll = json!({ "domain": "d", "taskList": { "name": "l" } });
        if let Answer::DecisionTask(task) = self.apply("PollForDecisionTask", poll).unwrap() {
            let mut member = decision.to_owned();
            member[..1].make_ascii_lowercase();
            let decision = json!({
                "decisionType": decision, format!("{member}DecisionAttributes"): {},
            });
            let answer = json!({ "taskToken": task.task_token, "decisions": [decision] });
            self.apply("RespondDecisionTaskCompleted", answer).unwrap();
        }
    }

    fn pass(&mut self, millis: i64) {
        self.now = Timestamp::from_micros(self.now.as_micros() + 1_000 * millis);
        let now = self.now;
        self.engine().advance(now);
    }

    /// Writes what changed, and says what closed.
    fn commit(&mut self) -> Vec<RunKey> {
        let changes = self.regions.take_changes();
        self.writer.commit(&changes).unwrap();
        changes.closed.iter().map(|run| run.key).collect()
    }

    fn archive(&mut self) {
        for key in self.commit() {
            self.regions.archive(key);
        }
    }

    /// Closes the store and opens it again.
    fn reopen(&mut self) {
        (self.writer, self.reader) = open(&self.dir);
        self.regions = Regions::new(true)
            .load(&*self.reader, self.dir.path())
            .unwrap();
    }

    fn sql(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.dir.path().join("simpleflow.sqlite3")).unwrap()
    }

    fn count(&self, table: &str) -> u64 {
        let query = format!("SELECT count(*) FROM {table}");
        self.sql().query_row(&query, (), |row| row.get(0)).unwrap()
    }

    /// Has the store answer a request that the engine does not.
    fn ask(&mut self, operation: &str, body: &Value) -> Result<Value, Failure> {
        let now = self.now;
        let request = Request::parse(operation, body.to_string().as_bytes()).unwrap();
        let query = Query::of(REGION, &request, self.engine(), now).unwrap();
        read(query.map_err(Failure::Fault)?.answer(&*self.reader))
    }

    /// That the store answers as the engine, to the end of the listing.
    fn compare(&mut self, operation: &str, mut body: Value) {
        loop {
            let expected = self.apply(operation, body.clone()).map_err(Failure::Fault);
            let expected = read(expected).unwrap();
            assert_eq!(self.ask(operation, &body).unwrap(), expected, "{body}");
            let Some(next) = expected.get("nextPageToken") else {
                return;
            };
            body["nextPageToken"] = next.clone();
        }
    }
}

fn open(dir: &tempfile::TempDir) -> store::Opened {
    let place = Location {
        dir: dir.path().to_owned(),
        relaxed: true,
    };
    store::open(&place).unwrap()
}

fn read(response: Response) -> Result<Value, Failure> {
    Ok(serde_json::from_slice(&response?.to_json().unwrap()).unwrap())
}

fn message(failure: Failure) -> String {
    match failure {
        Failure::Fault(fault) => fault.message.to_string(),
        Failure::Internal | Failure::Stopped => format!("{failure:?}"),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Start(
        &'static str,
        (&'static str, &'static str),
        Vec<&'static str>,
    ),
    Terminate(&'static str),
    Decide(&'static str),
    Pass(i64),
    Commit,
}

fn id() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "ab", "é"])
}

fn tags() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(vec!["x", "y", "a"]), 0..3)
}

fn of() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![("t", "1"), ("t", "2"), ("t1", "1")])
}

fn step() -> impl Strategy<Value = Step> {
    let decisions = prop::sample::select(vec![
        "CompleteWorkflowExecution",
        "FailWorkflowExecution",
        "CancelWorkflowExecution",
        "ContinueAsNewWorkflowExecution",
    ]);
    prop_oneof![
        6 => (id(), of(), tags()).prop_map(|(id, of, tags)| Step::Start(id, of, tags)),
        2 => id().prop_map(Step::Terminate),
        4 => decisions.prop_map(Step::Decide),
        3 => (0_i64..400).prop_map(Step::Pass),
        1 => Just(Step::Commit),
    ]
}

/// What a listing asks for, apart from the page.
fn asked() -> impl Strategy<Value = Value> {
    let filter = prop_oneof![
        Just(json!({})),
        id().prop_map(|id| json!({ "executionFilter": { "workflowId": id } })),
        of().prop_map(|(name, _)| json!({ "typeFilter": { "name": name } })),
        of().prop_map(|(name, version)| {
            json!({ "typeFilter": { "name": name, "version": version } })
        }),
        prop::sample::select(vec!["x", "y", "z"])
            .prop_map(|tag| json!({ "tagFilter": { "tag": tag } })),
        prop::sample::select(vec![
            "COMPLETED",
            "TERMINATED",
            "TIMED_OUT",
            "CONTINUED_AS_NEW"
        ])
        .prop_map(|status| json!({ "closeStatusFilter": { "status": status } })),
    ];
    let seconds: Range<i64> = -1..6;
    let times = (seconds.clone(), prop::option::of(seconds), any::<bool>());
    (filter, times).prop_map(|(mut body, (oldest, latest, by_close))| {
        let mut times = json!({ "oldestDate": 1_000 + oldest });
        if let Some(latest) = latest {
            times["latestDate"] = (1_000 + latest).into();
        }
        let by = if by_close {
            "closeTimeFilter"
        } else {
            "startTimeFilter"
        };
        body["domain"] = "d".into();
        body[by] = times;
        body
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_store_answers_as_the_engine(
        steps in prop::collection::vec(step(), 1..80),
        asked in prop::collection::vec((asked(), any::<bool>(), 1_u32..5), 12),
    ) {
        let mut stage = Stage::new();
        for step in steps {
            match step {
                Step::Start(id, of, tags) => stage.start(id, of, &tags),
                Step::Terminate(id) => stage.terminate(id),
                Step::Decide(decision) => stage.decide(decision),
                Step::Pass(millis) => stage.pass(millis),
                Step::Commit => {
                    stage.commit();
                }
            }
        }
        stage.commit();
        for (body, reverse, size) in &asked {
            stage.compare("CountClosedWorkflowExecutions", body.clone());
            let mut body = body.clone();
            stage.compare("ListClosedWorkflowExecutions", body.clone());
            body["reverseOrder"] = (*reverse).into();
            body["maximumPageSize"] = (*size).into();
            stage.compare("ListClosedWorkflowExecutions", body);
        }

        // What each run is, as long as the engine has it and once it has not.
        let closed: Vec<_> = stage
            .engine()
            .executions()
            .filter(|execution| !execution.state().is_open())
            .map(|execution| execution.id().clone())
            .collect();
        let mut before = Vec::new();
        for id in closed {
            for (operation, reverse) in [
                ("DescribeWorkflowExecution", None),
                ("GetWorkflowExecutionHistory", Some(false)),
                ("GetWorkflowExecutionHistory", Some(true)),
            ] {
                let mut body = json!({ "domain": "d", "execution": id });
                if let Some(reverse) = reverse {
                    body["maximumPageSize"] = 2.into();
                    body["reverseOrder"] = reverse.into();
                }
                loop {
                    let answer = read(stage.apply(operation, body.clone()).map_err(Failure::Fault));
                    let answer = answer.unwrap();
                    let next = answer.get("nextPageToken").cloned();
                    before.push((operation, body.clone(), answer));
                    match next {
                        Some(next) => body["nextPageToken"] = next,
                        None => break,
                    }
                }
            }
        }
        stage.reopen();
        let open = stage.engine().executions();
        prop_assert!(open.into_iter().all(|execution| execution.state().is_open()));
        for (operation, body, expected) in before {
            prop_assert_eq!(stage.ask(operation, &body).unwrap(), expected);
        }
    }
}

/// A stage with one closed and archived run and an open one, and the former's ids.
fn closed() -> (Stage, Value) {
    let mut stage = Stage::new();
    stage.start("w", ("t", "1"), &["x", "x"]);
    stage.commit();
    let request = json!({ "domain": "d", "startTimeFilter": { "oldestDate": 0 } });
    let listed = stage.apply("ListOpenWorkflowExecutions", request);
    let listed = read(listed.map_err(Failure::Fault)).unwrap();
    stage.terminate("w");
    stage.start("v", ("t", "1"), &[]);
    stage.archive();
    let id = &listed["executionInfos"][0]["execution"];
    (stage, json!({ "domain": "d", "execution": id }))
}

#[test]
fn a_closed_run_moves() {
    let (mut stage, body) = closed();
    assert_eq!(stage.engine().executions().count(), 1);
    assert_eq!((stage.count("runs"), stage.count("closed_runs")), (1, 1));
    // Both times of: all, the workflow id, the type, its version, the tag, the status.
    assert_eq!(stage.count("closed_index"), 12);
    let history = stage.ask("GetWorkflowExecutionHistory", &body).unwrap();
    let history: History = shape(history);
    assert_eq!(history.events.len(), 3);
    // A new run does not take the number of one that is not in the engine.
    let (mut stage, _) = closed();
    stage.terminate("v");
    stage.archive();
    stage.reopen();
    assert_eq!(stage.engine().executions().count(), 0);
    stage.start("u", ("t", "1"), &[]);
    stage.terminate("u");
    assert_eq!(stage.commit()[0].run.0, 3);
}

#[test]
fn requests_are_refused_as_by_the_engine() {
    let (mut stage, body) = closed();
    let refused = |stage: &mut Stage, operation, body: &Value| {
        message(stage.ask(operation, body).unwrap_err())
    };
    let mut other = body.clone();
    other["nextPageToken"] = "nonsense".into();
    let history = "GetWorkflowExecutionHistory";
    assert_eq!(refused(&mut stage, history, &other), "Invalid token");
    // Who is unknown is told before a token that is not one.
    other["execution"]["workflowId"] = "v".into();
    let run = body["execution"]["runId"].as_str().unwrap();
    let unknown = format!("Unknown execution: WorkflowExecution=[workflowId=v, runId={run}]");
    assert_eq!(refused(&mut stage, history, &other), unknown);
    other.as_object_mut().unwrap().remove("nextPageToken");
    assert_eq!(
        refused(&mut stage, "DescribeWorkflowExecution", &other),
        unknown
    );
    let none = json!({ "domain": "d" });
    let list = "ListClosedWorkflowExecutions";
    assert_eq!(refused(&mut stage, list, &none), "Must specify time filter");
    // The engine says what else is wrong.
    let now = stage.now;
    for (name, value) in [("domain", "nowhere"), ("execution", "")] {
        let mut body = body.clone();
        match name {
            "domain" => body[name] = value.into(),
            _ => body[name]["runId"] = value.into(),
        }
        let parsed: DescribeWorkflowExecution = shape(body);
        let request = Request::DescribeWorkflowExecution(parsed);
        assert!(Query::of(REGION, &request, stage.engine(), now).is_none());
    }
}

#[test]
fn who_has_a_decision_task_reads_on_when_the_run_is_closed() {
    let mut stage = Stage::new();
    stage.start("w", ("t", "1"), &[]);
    stage.start("v", ("t", "1"), &[]);
    let poll = "PollForDecisionTask";
    for reverse in [false, true] {
        let mut body = json!({
            "domain": "d", "taskList": { "name": "l" }, "maximumPageSize": 1,
            "reverseOrder": reverse,
        });
        let first = read(stage.apply(poll, body.clone()).map_err(Failure::Fault)).unwrap();
        body["nextPageToken"] = first["nextPageToken"].clone();
        let mut expected = Vec::new();
        while body["nextPageToken"].is_string() {
            let page = read(stage.apply(poll, body.clone()).map_err(Failure::Fault)).unwrap();
            let next = page["nextPageToken"].clone();
            expected.push((body.clone(), page));
            body["nextPageToken"] = next;
        }
        assert_eq!(expected.len(), 2);
        let id = first["workflowExecution"]["workflowId"].as_str().unwrap();
        stage.terminate(id);
        stage.archive();
        for (body, page) in &expected {
            assert_eq!(stage.ask(poll, body).unwrap(), *page);
        }
        // It is not another domain's.
        let other = json!({ "name": "e", "workflowExecutionRetentionPeriodInDays": "1" });
        let _ = stage.apply("RegisterDomain", other);
        let mut body = expected[0].0.clone();
        body["domain"] = "e".into();
        assert_eq!(
            message(stage.ask(poll, &body).unwrap_err()),
            "Invalid token"
        );
    }
    let page = json!({
        "domain": "d", "taskList": { "name": "l" }, "maximumPageSize": 1,
        "nextPageToken": "nonsense",
    });
    let request = Request::parse(poll, page.to_string().as_bytes()).unwrap();
    let now = stage.now;
    let query = Query::of(REGION, &request, stage.engine(), now);
    assert!(query.is_none(), "the engine says what is wrong");
}

#[test]
fn an_execution_is_found_whatever_else_is_said_of_it() {
    let (mut stage, mut body) = closed();
    body["execution"]["later"] = 1.into();
    for operation in ["DescribeWorkflowExecution", "GetWorkflowExecutionHistory"] {
        assert!(stage.ask(operation, &body).is_ok(), "{operation}");
    }
}

#[test]
fn runs_are_counted_up_to_the_limit() {
    let (mut stage, _) = closed();
    stage.terminate("v");
    stage.archive();
    let request = json!({ "domain": "d", "startTimeFilter": { "oldestDate": 0 } });
    let now = stage.now;
    let closed = stage
        .engine()
        .select_closed_count(&shape(request), now)
        .unwrap();
    for (limit, expected) in [(1, (1, true)), (2, (2, false)), (3, (2, false))] {
        let counted = stage.reader.count_closed(REGION, &closed, limit).unwrap();
        assert_eq!(counted, expected);
    }
}

#[test]
fn runs_expire_in_the_order_of_their_closes() {
    let (mut stage, _) = closed();
    let day = std::time::Duration::from_secs(86_400);
    let begin = stage.now;
    for id in ["v", "u"] {
        stage.pass(1);
        stage.start("u", ("t", "1"), &[]);
        stage.terminate(id);
    }
    stage.archive();
    let retentions = stage.regions.retentions();
    assert_eq!(retentions, [(REGION, DomainName::from("d"), day)]);
    let mut expire = |now, runs| {
        let most = Portion { runs, events: 99 };
        stage.writer.expire(&retentions, now, most).unwrap()
    };
    let due = |millis: i64| Timestamp::from_micros(begin.as_micros() + 1_000 * millis) + day;
    assert_eq!(expire(begin, 9), Some(due(0)));
    assert_eq!(expire(due(0), 9), Some(due(1)));
    assert_eq!(expire(due(5), 1), Some(due(5)), "there is one more");
    assert_eq!(expire(due(5), 1), None);
    assert_eq!(expire(due(5), 9), None);
    for table in ["runs", "closed_runs", "closed_index", "appends"] {
        assert_eq!(stage.count(table), 0, "{table}");
    }
}

#[test]
fn long_histories_expire_one_by_one() {
    let now = Timestamp::from_millis(1_000_000_000);
    // Each has three.
    for (events, left) in [(4, 0), (3, 1), (1, 1)] {
        let (mut stage, _) = closed();
        stage.terminate("v");
        stage.archive();
        let retentions = stage.regions.retentions();
        let most = Portion { runs: 9, events };
        let next = stage.writer.expire(&retentions, now, most).unwrap();
        assert_eq!(stage.count("closed_runs"), left, "{events}");
        assert_eq!(next, (left > 0).then_some(now));
    }
}

#[test]
fn a_run_that_is_forgotten_before_it_is_archived_is_deleted() {
    let mut stage = Stage::new();
    stage.start("w", ("t", "1"), &[]);
    stage.terminate("w");
    assert_eq!(stage.commit().len(), 1);
    stage.pass(86_400_000);
    stage.commit();
    for table in ["runs", "closed_runs", "closed_index", "appends"] {
        assert_eq!(stage.count(table), 0, "{table}");
    }
}

#[test]
fn damage_is_told_and_does_not_last() {
    for damage in [
        "UPDATE closed_runs SET detail = replace(detail, 'TERMINATED', 'COMPLETED')",
        "UPDATE closed_runs SET detail = substr(detail, 2)",
        "UPDATE closed_runs SET events = 2",
        "UPDATE appends SET events = replace(events, 'l', 'm')",
        "UPDATE appends SET first = first + 1",
        "DELETE FROM appends WHERE first > 1",
        "DELETE FROM appends WHERE first = 1",
    ] {
        let (mut stage, body) = closed();
        assert!(stage.sql().execute(damage, ()).unwrap() > 0);
        let history = stage.ask("GetWorkflowExecutionHistory", &body);
        assert!(matches!(history, Err(Failure::Internal)), "{damage}");
        if damage.contains("closed_runs") {
            let described = stage.ask("DescribeWorkflowExecution", &body);
            assert!(matches!(described, Err(Failure::Internal)), "{damage}");
            let all = json!({ "domain": "d", "closeTimeFilter": { "oldestDate": 0 } });
            let listed = stage.ask("ListClosedWorkflowExecutions", &all);
            assert!(matches!(listed, Err(Failure::Internal)), "{damage}");
        }
        let now = Timestamp::from_millis(1_000_000_000);
        let retentions = stage.regions.retentions();
        let most = Portion {
            runs: 9,
            events: 99,
        };
        assert_eq!(stage.writer.expire(&retentions, now, most).unwrap(), None);
        for table in ["closed_runs", "closed_index"] {
            assert_eq!(stage.count(table), 0, "{table} after {damage}");
        }
    }
    for table in ["domains", "workflow_types"] {
        let (stage, _) = closed();
        let damage = format!("UPDATE {table} SET detail = replace(detail, 'REG', 'DEP')");
        assert!(stage.sql().execute(&damage, ()).unwrap() > 0);
        let loaded = Regions::new(true).load(&*stage.reader, stage.dir.path());
        assert!(matches!(loaded, Err(StoreError::Damaged { .. })), "{table}");
    }
}

#[test]
fn a_store_of_the_first_version_is_taken_over() {
    // What the present version writes, put into the tables of the first.
    let (mut stage, body) = closed();
    let history = stage.ask("GetWorkflowExecutionHistory", &body).unwrap();
    let all = json!({ "domain": "d", "startTimeFilter": { "oldestDate": 0 } });
    let listed = stage.ask("ListClosedWorkflowExecutions", &all).unwrap();
    let (dir, new) = (tempfile::tempdir().unwrap(), stage.dir.path());
    let old = rusqlite::Connection::open(dir.path().join("simpleflow.sqlite3")).unwrap();
    old.execute_batch(store::FIRST_STEP).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    let new = new.join("simpleflow.sqlite3");
    old.execute("ATTACH ? AS new", [new.to_str().unwrap()])
        .unwrap();
    old.execute_batch(
        "INSERT INTO regions SELECT * FROM new.regions;
         INSERT INTO domains SELECT region, name, detail, tags FROM new.domains;
         INSERT INTO workflow_types
             SELECT region, domain, name, version, detail FROM new.workflow_types;
         INSERT INTO runs SELECT * FROM new.runs;
         INSERT INTO runs SELECT region, run, domain, workflow_id, run_id FROM new.closed_runs;
         INSERT INTO heartbeats SELECT region, run, 2, 0, NULL FROM new.closed_runs;",
    )
    .unwrap();
    // Each event had a row.
    let mut query = old
        .prepare("SELECT region, run, first, events FROM new.appends")
        .unwrap();
    let mut appends = query.query(()).unwrap();
    while let Some(append) = appends.next().unwrap() {
        let (region, run): (u32, u64) = (append.get(0).unwrap(), append.get(1).unwrap());
        let (first, events): (i64, String) = (append.get(2).unwrap(), append.get(3).unwrap());
        for (id, event) in (first..).zip(events.lines()) {
            let sum = crc32fast::hash(event.as_bytes());
            old.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?)",
                (region, run, id, event, sum),
            )
            .unwrap();
        }
    }
    drop(appends);
    drop(query);
    drop(old);

    stage.dir = dir;
    stage.reopen();
    assert_eq!(stage.engine().executions().count(), 2);
    assert_eq!((stage.count("runs"), stage.count("closed_runs")), (2, 0));
    stage.archive();
    assert_eq!(stage.engine().executions().count(), 1);
    assert_eq!((stage.count("runs"), stage.count("closed_runs")), (1, 1));
    assert_eq!(stage.count("heartbeats"), 0);
    stage.reopen();
    assert_eq!(stage.engine().executions().count(), 1);
    let again = stage.ask("ListClosedWorkflowExecutions", &all).unwrap();
    assert_eq!(again, listed);
    let infos: WorkflowExecutionInfos = shape(again);
    assert_eq!(infos.execution_infos.len(), 1);
    let again = stage.ask("GetWorkflowExecutionHistory", &body).unwrap();
    assert_eq!(again, history);
}
