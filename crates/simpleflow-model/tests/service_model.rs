//! The crate says what the official model of the service says, no more and no less.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use serde_json::{Map, Value, json};
use simpleflow_model::{
    ActivityId, Decision, DomainName, EventAttributes, FaultKind, FunctionId, FunctionName,
    HistoryEvent, MarkerName, Members, SignalName, TaskListName, TimerId, TypeName, Version,
    WorkflowId, enums, limits, operation, types, values::VALUES,
};

use common::{read_json, reference, round_trip};

/// The official model.
struct Model(Value);

impl Model {
    /// The model, if the reference material is there.
    fn load() -> Option<Self> {
        reference("service-2.json").map(|path| Self(read_json(&path)))
    }

    fn shapes(&self) -> &Map<String, Value> {
        self.0["shapes"].as_object().unwrap()
    }

    fn shape(&self, name: &str) -> &Value {
        &self.0["shapes"][name]
    }

    fn operations(&self) -> &Map<String, Value> {
        self.0["operations"].as_object().unwrap()
    }

    /// The members of a structure: name, and the name of its shape.
    fn members(&self, shape: &str) -> BTreeMap<&str, &str> {
        let members = self.shape(shape)["members"].as_object();
        members
            .into_iter()
            .flatten()
            .map(|(name, member)| (name.as_str(), member["shape"].as_str().unwrap()))
            .collect()
    }

    /// The members of a structure: name, and whether it is required.
    fn requirements(&self, shape: &str) -> BTreeMap<&str, bool> {
        let required = strings(&self.shape(shape)["required"]);
        let need = |name| (name, required.contains(name));
        self.members(shape).into_keys().map(need).collect()
    }
}

fn strings(list: &Value) -> BTreeSet<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// Where the crate differs from the model.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare<T: PartialEq + Debug>(&mut self, what: &str, crate_says: T, model_says: T) {
        if crate_says != model_says {
            self.0.push(format!(
                "{what}: the crate has {crate_says:?}, the model has {model_says:?}"
            ));
        }
    }

    /// Compares names; a missing and an extra one are told apart.
    fn compare_names(
        &mut self,
        what: &str,
        crate_has: &BTreeSet<&str>,
        model_has: &BTreeSet<&str>,
    ) {
        for name in model_has.difference(crate_has) {
            self.0.push(format!("{what}: the crate lacks {name}"));
        }
        for name in crate_has.difference(model_has) {
            self.0.push(format!("{what}: the model has no {name}"));
        }
    }

    /// Compares the members of a structure of the crate with the model's.
    fn compare_members(&mut self, model: &Model, shape: &str, crate_has: Members) {
        let model_has = model.requirements(shape);
        let names = crate_has.iter().map(|(name, _)| *name).collect();
        self.compare_names(shape, &names, &model_has.keys().copied().collect());
        for (name, required) in crate_has {
            if let Some(model_says) = model_has.get(name) {
                self.compare(&format!("{shape}.{name}, required"), required, model_says);
            }
        }
    }

    fn assert_none(self) {
        assert!(self.0.is_empty(), "\n{}", self.0.join("\n"));
    }
}

/// Events and decisions: a type of a name, a member of another name with the attributes.
fn compare_types(
    model: &Model,
    (enum_shape, structure): (&str, &str),
    common_members: &[&str],
    types: &[(&str, &str, Members)],
) {
    let mut differences = Differences::default();
    differences.compare_names(
        enum_shape,
        &types.iter().map(|(name, ..)| *name).collect(),
        &strings(&model.shape(enum_shape)["enum"]),
    );
    let members = model.members(structure);
    differences.compare_names(
        structure,
        &types
            .iter()
            .map(|(_, member, _)| *member)
            .chain(common_members.iter().copied())
            .collect(),
        &members.keys().copied().collect(),
    );
    for (name, member, attributes) in types {
        let Some(shape) = members.get(member) else {
            continue; // said above
        };
        differences.compare(
            &format!("the attributes of {name}"),
            format!("{name}{structure}Attributes").replace("History", ""),
            (*shape).to_owned(),
        );
        differences.compare_members(model, shape, attributes);
    }
    differences.assert_none();
}

#[test]
fn event_types_are_those_of_the_model() {
    let Some(model) = Model::load() else { return };
    let common = ["eventId", "eventTimestamp", "eventType"];
    let names = ("EventType", "HistoryEvent");
    compare_types(&model, names, &common, EventAttributes::TYPES);
}

#[test]
fn decision_types_are_those_of_the_model() {
    let Some(model) = Model::load() else { return };
    let names = ("DecisionType", "Decision");
    compare_types(&model, names, &["decisionType"], Decision::TYPES);
}

#[test]
fn enums_are_those_of_the_model() {
    let Some(model) = Model::load() else { return };
    let mut differences = Differences::default();
    let of_model: BTreeMap<_, _> = model
        .shapes()
        .iter()
        // These two are Rust enums with the attributes in them.
        .filter(|(name, _)| !matches!(name.as_str(), "EventType" | "DecisionType"))
        .filter(|(_, shape)| shape["enum"].is_array())
        .map(|(name, shape)| (name.as_str(), strings(&shape["enum"])))
        .collect();
    differences.compare_names(
        "enums",
        &enums::ENUMS.iter().map(|(name, _)| *name).collect(),
        &of_model.keys().copied().collect(),
    );
    for (name, values) in enums::ENUMS {
        if let Some(model_has) = of_model.get(name) {
            differences.compare_names(name, &values.iter().copied().collect(), model_has);
        }
    }
    differences.assert_none();
}

#[test]
fn requests_are_those_of_the_model() {
    let Some(model) = Model::load() else { return };
    let mut differences = Differences::default();
    differences.compare_names(
        "operations",
        &operation::SHAPES.iter().map(|(name, _)| *name).collect(),
        &model.operations().keys().map(String::as_str).collect(),
    );
    for (name, members) in operation::SHAPES {
        if let Some(input) = model.operations().get(*name) {
            let shape = input["input"]["shape"].as_str().unwrap();
            differences.compare_members(&model, shape, members);
        }
    }
    differences.assert_none();
}

#[test]
fn types_are_those_of_the_model() {
    let Some(model) = Model::load() else { return };
    let mut differences = Differences::default();
    let inputs: BTreeSet<_> = model
        .operations()
        .values()
        .filter_map(|operation| operation["input"]["shape"].as_str())
        .collect();
    let elsewhere = |name: &str| {
        inputs.contains(name)
            || name.ends_with("EventAttributes")
            || name.ends_with("DecisionAttributes")
            || matches!(name, "HistoryEvent" | "Decision")
    };
    differences.compare_names(
        "types",
        &types::SHAPES.iter().map(|(name, _)| *name).collect(),
        &model
            .shapes()
            .iter()
            .filter(|(_, shape)| shape["type"] == "structure" && shape["exception"] != true)
            .map(|(name, _)| name.as_str())
            .filter(|name| !elsewhere(name))
            .collect(),
    );
    for (name, members) in types::SHAPES {
        if model.shapes().contains_key(*name) {
            differences.compare_members(&model, name, members);
        }
    }
    differences.assert_none();
}

#[test]
fn faults_are_those_of_the_model() {
    let Some(model) = Model::load() else { return };
    let mut of_model: BTreeSet<_> = model
        .shapes()
        .iter()
        .filter(|(_, shape)| shape["exception"] == true)
        .map(|(name, _)| name.as_str())
        .collect();
    // Common to all AWS services, and in the model of none.
    of_model.insert("ValidationException");
    let of_crate = FaultKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let mut differences = Differences::default();
    differences.compare_names("faults", &of_crate, &of_model);
    differences.assert_none();
}

#[test]
fn limits_are_those_of_the_model() {
    let Some(model) = Model::load() else { return };
    let mut differences = Differences::default();
    for (shape, limit) in [
        ("Data", limits::DATA_LENGTH),
        ("FunctionInput", limits::DATA_LENGTH),
        ("LimitedData", limits::HEARTBEAT_DETAILS_LENGTH),
        ("FailureReason", limits::REASON_LENGTH),
        ("TerminateReason", limits::REASON_LENGTH),
        ("Identity", limits::IDENTITY_LENGTH),
        ("PageSize", limits::PAGE_SIZE),
        ("TagList", limits::TAGS),
        ("DomainName", DomainName::MAX_LENGTH),
        ("WorkflowId", WorkflowId::MAX_LENGTH),
        ("ActivityId", ActivityId::MAX_LENGTH),
        ("TimerId", TimerId::MAX_LENGTH),
        ("MarkerName", MarkerName::MAX_LENGTH),
        ("SignalName", SignalName::MAX_LENGTH),
        ("Name", TypeName::MAX_LENGTH),
        ("Name", TaskListName::MAX_LENGTH),
        ("Version", Version::MAX_LENGTH),
        ("FunctionId", FunctionId::MAX_LENGTH),
        ("FunctionName", FunctionName::MAX_LENGTH),
    ] {
        let max = model.shape(shape)["max"].as_u64();
        differences.compare(&format!("{shape}, max"), Some(limit as u64), max);
    }
    differences.assert_none();
}

#[test]
fn values_are_the_data_of_the_model() {
    let Some(model) = Model::load() else { return };
    let kinds = [
        "Data",
        "LimitedData",
        "FailureReason",
        "TerminateReason",
        "FunctionInput",
    ];
    let mut of_model = BTreeSet::new();
    for shape in model.shapes().keys() {
        let ours = shape
            .trim_end_matches("EventAttributes")
            .trim_end_matches("DecisionAttributes")
            .trim_end_matches("Input");
        let foreign = ours.contains("Lambda");
        for (member, kind) in model.members(shape) {
            if kinds.contains(&kind) && (!foreign || member == "control") {
                let limit = model.shape(kind)["max"].as_u64().unwrap();
                of_model.insert(format!("{ours}.{member}, at most {limit}"));
            }
        }
    }
    let of_crate: BTreeSet<_> = VALUES
        .iter()
        .map(|field| format!("{}.{}, at most {}", field.shape, field.name, field.limit))
        .collect();
    let mut differences = Differences::default();
    differences.compare_names(
        "values",
        &of_crate.iter().map(String::as_str).collect(),
        &of_model.iter().map(String::as_str).collect(),
    );
    differences.assert_none();
}

/// A round trip of a JSON value as some type.
type RoundTrip = fn(&Value) -> Result<(), String>;

macro_rules! operations {
    ($($operation:ident $(=> $output:ident)?),* $(,)?) => {
        /// Each operation: its name, its request, and the name and type of its answer.
        const OPERATIONS: &[(&str, RoundTrip, Option<(&str, RoundTrip)>)] = &[$((
            stringify!($operation),
            round_trip::<operation::$operation>,
            operations!(@output $($output)?),
        )),*];
    };
    (@output) => { None };
    (@output $output:ident) => { Some((stringify!($output), round_trip::<types::$output>)) };
}

operations! {
    CountClosedWorkflowExecutions => WorkflowExecutionCount,
    CountOpenWorkflowExecutions => WorkflowExecutionCount,
    CountPendingActivityTasks => PendingTaskCount,
    CountPendingDecisionTasks => PendingTaskCount,
    DeleteActivityType,
    DeleteWorkflowType,
    DeprecateActivityType,
    DeprecateDomain,
    DeprecateWorkflowType,
    DescribeActivityType => ActivityTypeDetail,
    DescribeDomain => DomainDetail,
    DescribeWorkflowExecution => WorkflowExecutionDetail,
    DescribeWorkflowType => WorkflowTypeDetail,
    GetWorkflowExecutionHistory => History,
    ListActivityTypes => ActivityTypeInfos,
    ListClosedWorkflowExecutions => WorkflowExecutionInfos,
    ListDomains => DomainInfos,
    ListOpenWorkflowExecutions => WorkflowExecutionInfos,
    ListTagsForResource => ListTagsForResourceOutput,
    ListWorkflowTypes => WorkflowTypeInfos,
    PollForActivityTask => ActivityTask,
    PollForDecisionTask => DecisionTask,
    RecordActivityTaskHeartbeat => ActivityTaskStatus,
    RegisterActivityType,
    RegisterDomain,
    RegisterWorkflowType,
    RequestCancelWorkflowExecution,
    RespondActivityTaskCanceled,
    RespondActivityTaskCompleted,
    RespondActivityTaskFailed,
    RespondDecisionTaskCompleted,
    SignalWorkflowExecution,
    StartWorkflowExecution => Run,
    TagResource,
    TerminateWorkflowExecution,
    UndeprecateActivityType,
    UndeprecateDomain,
    UndeprecateWorkflowType,
    UntagResource,
}

/// Makes a value of every operation's shapes out of the model, once with all members and once
/// with the required ones: so the Rust type of each member fits its shape in the model.
#[test]
fn every_member_takes_what_the_model_allows() {
    let Some(model) = Model::load() else { return };
    let mut differences = Differences::default();
    let tested = OPERATIONS.iter().map(|(name, ..)| *name).collect();
    let all = model.operations().keys().map(String::as_str).collect();
    differences.compare_names("operations of this test", &tested, &all);
    for (name, request, answer) in OPERATIONS {
        let operation = &model.operations()[*name];
        let output = operation["output"]["shape"].as_str();
        let answer_name = answer.map(|(name, _)| name);
        differences.compare(&format!("the answer of {name}"), answer_name, output);
        let input = operation["input"]["shape"].as_str();
        for (shape, round_trip) in [
            (input, Some(request)),
            (output, answer.as_ref().map(|a| &a.1)),
        ] {
            let (Some(shape), Some(round_trip)) = (shape, round_trip) else {
                continue;
            };
            for full in [true, false] {
                if let Err(problem) = round_trip(&sample(&model, shape, full)) {
                    differences.0.push(format!("{name}: {shape}: {problem}"));
                }
            }
        }
    }
    differences.assert_none();
}

/// A value of the shape: with all its members, or with the required ones.
fn sample(model: &Model, name: &str, full: bool) -> Value {
    let shape = model.shape(name);
    match (name, shape["type"].as_str().unwrap()) {
        ("HistoryEventList", _) => samples(model, "HistoryEvent", EventAttributes::TYPES, full),
        ("DecisionList", _) => samples(model, "Decision", Decision::TYPES, full),
        (_, "structure") => {
            let required = strings(&shape["required"]);
            model
                .members(name)
                .into_iter()
                .filter(|(member, _)| full || required.contains(member))
                .map(|(member, shape)| (member.to_owned(), sample(model, shape, full)))
                .collect()
        }
        (_, "list") => json!([sample(
            model,
            shape["member"]["shape"].as_str().unwrap(),
            full
        )]),
        (_, "integer" | "long") => json!(1),
        (_, "boolean") => json!(true),
        (_, "timestamp") => json!(1_490_445_225.378),
        ("DurationInSeconds" | "DurationInSecondsOptional", _) if full => json!("300"),
        ("DurationInSecondsOptional", _) => json!("NONE"),
        ("DurationInSeconds" | "DurationInDays", _) => json!("7"),
        ("TaskPriority", _) => json!("-2147483648"),
        (_, "string") => match shape["enum"].as_array() {
            Some(values) => values.last().unwrap().clone(),
            None => json!(name),
        },
        (name, other) => panic!("{name} is of type {other}"),
    }
}

/// One event or decision of each type.
fn samples(model: &Model, structure: &str, types: &[(&str, &str, Members)], full: bool) -> Value {
    let of_type = |(name, member, _): &(&str, &str, Members)| {
        let attributes = sample(model, model.members(structure)[member], full);
        match structure {
            "Decision" => json!({"decisionType": name, *member: attributes}),
            _ => json!({"eventId": 1, "eventTimestamp": 1, "eventType": name, *member: attributes}),
        }
    };
    types.iter().map(of_type).collect()
}

#[test]
fn an_event_has_the_required_members_of_the_model() {
    let Some(model) = Model::load() else { return };
    let required = strings(&model.shape("HistoryEvent")["required"]);
    let event = sample(&model, "HistoryEventList", true)[0].clone();
    for member in required {
        let mut event = event.clone();
        event.as_object_mut().unwrap().remove(member);
        let error = serde_json::from_value::<HistoryEvent>(event).unwrap_err();
        assert!(
            error
                .to_string()
                .contains(&format!("missing field `{member}`")),
            "{error}"
        );
    }
}
