//! The course of a recording: the parent goes as far as it can; when it waits for a child to
//! close, that child goes on.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};
use simpleflow_model::{FaultKind, RunId, TaskToken, Timestamp, WorkflowExecution};

use crate::recording::{Exchange, RecordedEvent, Recording};
use crate::view::history;
use crate::{Outcome, Problem, Swf, View, refused, shape};

const DOMAIN: &str = "recorded";
const WORKFLOW_ID: &str = "workflowId";
const START: Timestamp = Timestamp::from_millis(1_400_000_000_000);

/// What was played.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Played {
    /// How many events were compared: all that were recorded.
    pub events: usize,
    /// How many recorded requests were answered as by the real service.
    pub exchanges: usize,
    /// The recorded requests that only ask and at no moment were answered so.
    pub missed: Vec<Problem>,
    /// The executions as they are at the end.
    pub views: Vec<View>,
}

impl Recording {
    /// Plays the recording on a service that has no domain yet.
    ///
    /// # Errors
    /// The service does something else than was recorded.
    pub fn play(&self, service: &mut dyn Swf) -> Result<Played, Problem> {
        let mut stage = Stage::new(self, service);
        stage.register()?;
        stage.start()?;
        if !self.histories.is_empty() {
            stage.play_parent()?;
            stage.finish_children()?;
        }
        stage.finish()
    }
}

/// An execution that is compared with a recorded history.
pub(crate) struct Player<'a> {
    pub execution: WorkflowExecution,
    /// The event of the parent that initiated it.
    initiated: i64,
    /// Nothing is known of some children but what their parent's history tells.
    pub recorded: &'a [RecordedEvent],
    /// What happened so far.
    pub history: Vec<Value>,
    /// How many events were compared.
    pub compared: usize,
}

/// A service, and the executions on it.
pub(crate) struct Stage<'a> {
    pub recording: &'a Recording,
    pub service: &'a mut dyn Swf,
    pub domain: String,
    pub now: Timestamp,
    /// The first is the parent, the others its children in the order of their starts.
    pub players: Vec<Player<'a>>,
    /// The recorded requests that are still to be sent.
    pub exchanges: VecDeque<Exchange>,
    /// The runs that stand for the recorded texts.
    pub runs: HashMap<String, RunId>,
    /// The decision task that an execution's decider has.
    pub decision_tasks: HashMap<RunId, TaskToken>,
    /// The activity tasks that workers have, by their scheduled events.
    pub activity_tasks: HashMap<(RunId, i64), TaskToken>,
}

const PARENT: usize = 0;

impl<'a> Stage<'a> {
    fn new(recording: &'a Recording, service: &'a mut dyn Swf) -> Self {
        let exchanges: VecDeque<_> = recording.exchanges.iter().cloned().collect();
        let domain = exchanges
            .front()
            .map(|exchange| &exchange.request["domain"]);
        let domain = domain.and_then(Value::as_str).unwrap_or(DOMAIN);
        Self {
            recording,
            service,
            domain: domain.to_owned(),
            now: Timestamp::default(),
            players: Vec::new(),
            exchanges,
            runs: HashMap::new(),
            decision_tasks: HashMap::new(),
            activity_tasks: HashMap::new(),
        }
    }

    /// Registers the domain and every type that the service knew.
    fn register(&mut self) -> Outcome<()> {
        let began = self.began()?;
        self.time(Some(self.types_created()?.unwrap_or(began)));
        let domain = json!({ "name": self.domain, "workflowExecutionRetentionPeriodInDays": "90" });
        self.call("RegisterDomain", domain)?;
        self.register_described()?;
        for event in self.recording.histories.iter().flatten() {
            if event.text("cause").ends_with("DOES_NOT_EXIST") {
                continue;
            }
            for (member, operation) in [
                ("workflowType", "RegisterWorkflowType"),
                ("activityType", "RegisterActivityType"),
            ] {
                if let Some(kind) = event.attributes.get(member) {
                    // Without defaults: what is not known to come from one was in the request.
                    self.register_type(operation, kind, json!({}))?;
                }
            }
        }
        self.exchange()?;
        self.time(Some(began));
        Ok(())
    }

    pub(crate) fn register_type(
        &mut self,
        operation: &str,
        kind: &Value,
        defaults: Value,
    ) -> Outcome<()> {
        let mut request = defaults;
        request["domain"] = self.domain.as_str().into();
        request["name"] = kind["name"].clone();
        request["version"] = kind["version"].clone();
        match self.service.call(operation, request) {
            // Most are there from an earlier event.
            Err(fault) if fault.kind != FaultKind::TypeAlreadyExists => {
                Err(refused(operation)(fault))
            }
            _ => Ok(()),
        }
    }

    /// When the parent was started.
    fn began(&self) -> Outcome<Timestamp> {
        let event = self.recording.histories.first().and_then(|h| h.first());
        match event {
            Some(event) => Ok(event.at.unwrap_or(START)),
            None => self.listed_start(),
        }
    }

    fn start(&mut self) -> Outcome<()> {
        let recorded = self.recording.histories.first();
        let recorded = recorded.map_or(&[][..], Vec::as_slice);
        let (request, answer) = match self.recorded_start()? {
            Some((request, answer)) => (request, Some(answer)),
            None => {
                let event = recorded.first().ok_or("nothing is recorded")?;
                let mut request = event.attributes.clone();
                request.insert("domain".into(), self.domain.as_str().into());
                request.insert("workflowId".into(), WORKFLOW_ID.into());
                (request.into(), None)
            }
        };
        let workflow_id = shape(&request["workflowId"])?;
        let run = self.call("StartWorkflowExecution", request)?;
        self.players.push(Player {
            execution: WorkflowExecution {
                workflow_id,
                run_id: shape(&run["runId"])?,
                ..WorkflowExecution::default()
            },
            initiated: 0,
            recorded,
            history: Vec::new(),
            compared: 0,
        });
        if let Some(answer) = answer {
            self.rename_run(&answer["runId"], &run["runId"]);
        }
        self.exchange()
    }

    fn play_parent(&mut self) -> Outcome<()> {
        loop {
            self.compare(PARENT)?;
            self.exchange()?;
            self.adopt()?;
            let parent = &self.players[PARENT];
            let recorded = parent.recorded;
            let Some(next) = recorded.get(parent.compared) else {
                return Ok(());
            };
            if next.event_type.starts_with("ChildWorkflowExecution")
                && next.event_type != "ChildWorkflowExecutionStarted"
            {
                self.close_child(next)?;
            } else {
                self.cause(PARENT)?;
            }
        }
    }

    /// Finds the children that the parent has started by now.
    fn adopt(&mut self) -> Outcome<()> {
        let parent = &self.players[PARENT];
        let mut children = Vec::new();
        for event in &parent.history {
            let Some(attributes) = event.get("childWorkflowExecutionStartedEventAttributes") else {
                continue;
            };
            let initiated = shape(&attributes["initiatedEventId"])?;
            if !self.players.iter().any(|p| p.initiated == initiated) {
                children.push((initiated, shape(&attributes["workflowExecution"])?));
            }
        }
        for (initiated, execution) in children {
            let recorded = self.recording.histories.get(self.players.len());
            self.players.push(Player {
                execution,
                initiated,
                recorded: recorded.map_or(&[], Vec::as_slice),
                history: Vec::new(),
                compared: 0,
            });
        }
        Ok(())
    }

    /// Lets a child close as the parent's event says.
    fn close_child(&mut self, news: &RecordedEvent) -> Outcome<()> {
        let initiated = news.number("initiatedEventId");
        let child = self.players.iter().position(|p| p.initiated == initiated);
        let child = child.ok_or_else(|| format!("no child was initiated by {initiated}"))?;
        if !self.players[child].recorded.is_empty() {
            return self.play_child(child);
        }
        self.time(news.at);
        self.close_as_told(child, news)
    }

    fn play_child(&mut self, child: usize) -> Outcome<()> {
        loop {
            self.compare(child)?;
            let player = &self.players[child];
            if player.compared == player.recorded.len() {
                return Ok(());
            }
            self.cause(child)?;
        }
    }

    /// What is left of the children must have come by itself, as by the child policy.
    fn finish_children(&mut self) -> Outcome<()> {
        for child in PARENT + 1..self.players.len() {
            if !self.players[child].recorded.is_empty() {
                self.play_child(child)?;
            }
        }
        Ok(())
    }

    /// What must hold at the end.
    fn finish(mut self) -> Outcome<Played> {
        let mut missed = Vec::new();
        self.exchange()?;
        while let Some(next) = self.exchanges.pop_front() {
            missed.push(self.never_answered(next));
            self.exchange()?;
        }
        let events = self.players.iter().map(|player| player.compared).sum();
        let recorded = self.recording.events();
        if events != recorded {
            return Err(format!("{events} of {recorded} events were compared").into());
        }
        let mut views = Vec::new();
        for player in &self.players {
            views.push(View::of(self.service, &self.domain, &player.execution)?);
        }
        Ok(Played {
            events,
            exchanges: self.recording.exchanges.len() - missed.len(),
            missed,
            views,
        })
    }

    /// Lets the time go on: to that of the recording, or by a little.
    pub(crate) fn time(&mut self, recorded: Option<Timestamp>) {
        let later = Timestamp::from_micros(self.now.as_micros() + 50_000);
        self.now = recorded.unwrap_or(later).max(self.now);
        self.service.set_time(self.now);
    }

    pub(crate) fn call(&mut self, operation: &str, request: Value) -> Outcome<Value> {
        self.service
            .call(operation, request)
            .map_err(refused(operation))
    }

    /// The events of an execution so far.
    pub(crate) fn read(&mut self, player: usize) -> Outcome<Vec<Value>> {
        let execution = &self.players[player].execution;
        history(self.service, &self.domain, execution)
    }
}
