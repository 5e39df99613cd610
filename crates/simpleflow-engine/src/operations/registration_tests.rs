//! Domains, types and tags: their states, faults and listings.

use serde_json::{Value, json};
use simpleflow_model::types::{ActivityTypeInfos, DomainInfos, WorkflowTypeInfos};
use simpleflow_model::{Fault, FaultKind};

use crate::Limits;
use crate::testing::*;

fn domain(name: &str) -> Value {
    json!({ "name": name, "workflowExecutionRetentionPeriodInDays": "7", "description": "x" })
}

#[test]
fn a_domain_goes_from_registered_to_deprecated_and_back() {
    let mut w = World::new();
    let now = w.now;
    let name = || json!({ "name": "new" });
    let unknown = "Unknown domain: new";
    let describe = |w: &mut World| w.engine.describe_domain(&shape(name()), now);
    refused(describe(&mut w), FaultKind::UnknownResource, unknown);
    refused(
        w.engine.deprecate_domain(&shape(name()), now),
        FaultKind::UnknownResource,
        unknown,
    );
    let register = |w: &mut World| w.engine.register_domain(&shape(domain("new")), now);
    register(&mut w).unwrap();
    let exists = FaultKind::DomainAlreadyExists;
    refused(register(&mut w), exists, "new");
    refused(
        w.engine.undeprecate_domain(&shape(name()), now),
        exists,
        "new",
    );
    let detail = serde_json::to_value(describe(&mut w).unwrap()).unwrap();
    let expected = json!({
        "domainInfo": {
            "name": "new",
            "status": "REGISTERED",
            "description": "x",
            "arn": "arn:aws:swf:us-east-1:123456789012:/domain/new",
        },
        "configuration": { "workflowExecutionRetentionPeriodInDays": "7" },
    });
    assert_eq!(detail, expected);
    w.engine.deprecate_domain(&shape(name()), now).unwrap();
    refused(
        w.engine.deprecate_domain(&shape(name()), now),
        FaultKind::DomainDeprecated,
        "new",
    );
    refused(register(&mut w), exists, "new");
    let a_type = || json!({ "domain": "new", "name": "n", "version": "v" });
    let deprecated = FaultKind::DomainDeprecated;
    refused(
        w.engine.register_workflow_type(&shape(a_type()), now),
        deprecated,
        "new",
    );
    refused(
        w.engine.register_activity_type(&shape(a_type()), now),
        deprecated,
        "new",
    );
    w.engine.undeprecate_domain(&shape(name()), now).unwrap();
    w.engine
        .register_workflow_type(&shape(a_type()), now)
        .unwrap();
}

#[test]
fn deprecating_a_domain_deprecates_its_types_and_lets_executions_go_on() {
    let mut w = World::new();
    let run = w.start("w");
    w.engine
        .deprecate_domain(&shape(json!({ "name": "d" })), w.now)
        .unwrap();
    let fault = w.try_start("another", json!({})).unwrap_err();
    assert_eq!(fault.kind, FaultKind::TypeDeprecated);
    w.decide(&[complete()]);
    assert!(!w.engine.execution(&run).unwrap().state().is_open());
}

#[test]
fn a_domain_is_checked() {
    let mut w = World::with_limits(Limits {
        domains: 2,
        domain_tags: 1,
        ..Limits::default()
    });
    let now = w.now;
    let mut register = |request: Value| {
        let fault = w.engine.register_domain(&shape(request), now).unwrap_err();
        fault.kind
    };
    assert_eq!(register(domain("a/b")), FaultKind::Validation);
    assert_eq!(register(domain(" a")), FaultKind::Validation);
    let mut long = domain("a");
    long["workflowExecutionRetentionPeriodInDays"] = "91".into();
    assert_eq!(register(long), FaultKind::Validation);
    let mut tagged = domain("a");
    tagged["tags"] = json!([{ "key": "1" }, { "key": "2" }]);
    assert_eq!(register(tagged), FaultKind::TooManyTags);
    w.engine.register_domain(&shape(domain("a")), now).unwrap();
    let fault = w.engine.register_domain(&shape(domain("b")), now);
    assert_eq!(fault.unwrap_err().kind, FaultKind::LimitExceeded);
}

#[test]
fn domains_have_tags() {
    let mut w = World::new();
    let arn = "arn:aws:swf:us-east-1:123456789012:/domain/d";
    let now = w.now;
    let tag = json!({ "resourceArn": arn, "tags": [{ "key": "b", "value": "1" }, { "key": "a" }] });
    w.engine.tag_resource(&shape(tag), now).unwrap();
    let more = json!({ "resourceArn": arn, "tags": [{ "key": "b", "value": "2" }] });
    w.engine.tag_resource(&shape(more), now).unwrap();
    let away = json!({ "resourceArn": arn, "tagKeys": ["a", "c"] });
    w.engine.untag_resource(&shape(away), now).unwrap();
    let list = json!({ "resourceArn": arn });
    let tags = w.engine.list_tags_for_resource(&shape(list), now).unwrap();
    let expected = json!({ "tags": [{ "key": "b", "value": "2" }] });
    assert_eq!(serde_json::to_value(tags).unwrap(), expected);
    for wrong in [
        "arn:aws:swf:eu-west-1:123456789012:/domain/d",
        "d",
        &format!("{arn}x"),
    ] {
        let request = json!({ "resourceArn": wrong });
        let fault = w.engine.list_tags_for_resource(&shape(request), now);
        assert_eq!(fault.unwrap_err().kind, FaultKind::UnknownResource);
    }
}

#[test]
fn a_type_goes_from_registered_to_deprecated_to_deleted() {
    let mut w = World::new();
    w.pass(5);
    let now = w.now;
    let request = || json!({ "domain": "d", "name": "n", "version": "v", "description": "x" });
    let which = || {
        let id = json!({ "name": "n", "version": "v" });
        json!({ "domain": "d", "workflowType": id, "activityType": id })
    };
    // The same life for both kinds of types.
    type Step = fn(&mut World, Value) -> Result<(), Fault>;
    let kinds: [(&str, [Step; 4]); 2] = [
        (
            "WorkflowType",
            [
                |w, r| w.engine.register_workflow_type(&shape(r), w.now),
                |w, r| w.engine.deprecate_workflow_type(&shape(r), w.now),
                |w, r| w.engine.undeprecate_workflow_type(&shape(r), w.now),
                |w, r| w.engine.delete_workflow_type(&shape(r), w.now),
            ],
        ),
        (
            "ActivityType",
            [
                |w, r| w.engine.register_activity_type(&shape(r), w.now),
                |w, r| w.engine.deprecate_activity_type(&shape(r), w.now),
                |w, r| w.engine.undeprecate_activity_type(&shape(r), w.now),
                |w, r| w.engine.delete_activity_type(&shape(r), w.now),
            ],
        ),
    ];
    for (kind, [register, deprecate, undeprecate, delete]) in kinds {
        let text = format!("{kind}=[name=n, version=v]");
        let unknown = format!("Unknown type: {text}");
        for step in [deprecate, undeprecate, delete] {
            refused(step(&mut w, which()), FaultKind::UnknownResource, &unknown);
        }
        register(&mut w, request()).unwrap();
        refused(
            register(&mut w, request()),
            FaultKind::TypeAlreadyExists,
            &text,
        );
        refused(
            undeprecate(&mut w, which()),
            FaultKind::TypeAlreadyExists,
            &text,
        );
        refused(
            delete(&mut w, which()),
            FaultKind::TypeNotDeprecated,
            "The type is currently registered and cannot be deleted in its current state",
        );
        deprecate(&mut w, which()).unwrap();
        refused(deprecate(&mut w, which()), FaultKind::TypeDeprecated, &text);
        refused(
            register(&mut w, request()),
            FaultKind::TypeAlreadyExists,
            &text,
        );
        undeprecate(&mut w, which()).unwrap();
        deprecate(&mut w, which()).unwrap();
        delete(&mut w, which()).unwrap();
        register(&mut w, request()).unwrap();
    }
    let detail = w
        .engine
        .describe_activity_type(&shape(which()), now)
        .unwrap();
    let expected = json!({
        "typeInfo": {
            "activityType": { "name": "n", "version": "v" },
            "status": "REGISTERED",
            "description": "x",
            "creationDate": 1005.0,
        },
        "configuration": {},
    });
    assert_eq!(serde_json::to_value(detail).unwrap(), expected);
    let request = json!({ "domain": "d", "workflowType": kind("workflow") });
    let detail = w
        .engine
        .describe_workflow_type(&shape(request), now)
        .unwrap();
    let configuration = serde_json::to_value(detail.configuration).unwrap();
    let expected = json!({
        "defaultTaskList": { "name": "deciders" },
        "defaultTaskStartToCloseTimeout": "50",
        "defaultExecutionStartToCloseTimeout": "1000",
        "defaultChildPolicy": "TERMINATE",
    });
    assert_eq!(configuration, expected);
}

#[test]
fn types_are_limited() {
    let mut w = World::with_limits(Limits {
        types: 3,
        ..Limits::default()
    });
    let request = json!({ "domain": "d", "name": "n", "version": "v" });
    let fault = w.engine.register_workflow_type(&shape(request), w.now);
    assert_eq!(fault.unwrap_err().kind, FaultKind::LimitExceeded);
}

/// Walks through all pages of a listing.
fn pages(
    mut request: Value,
    mut page: impl FnMut(Value) -> (Vec<String>, Option<String>),
) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    loop {
        let (names, next) = page(request.clone());
        pages.push(names);
        match next {
            Some(token) => request["nextPageToken"] = token.into(),
            None => return pages,
        }
    }
}

#[test]
fn types_are_listed_by_name_and_version() {
    let mut w = World::new();
    let now = w.now;
    for (name, version) in [("a", "2"), ("a", "1"), ("zz", "1"), ("b", "1")] {
        let request = json!({ "domain": "d", "name": name, "version": version });
        w.engine
            .register_workflow_type(&shape(request.clone()), now)
            .unwrap();
        w.engine
            .register_activity_type(&shape(request), now)
            .unwrap();
    }
    let list = json!({
        "domain": "d", "registrationStatus": "REGISTERED", "maximumPageSize": 2
    });
    let mut workflows = |request: Value| {
        let page: WorkflowTypeInfos = w.engine.list_workflow_types(&shape(request), now).unwrap();
        let types = page.type_infos.iter().map(|info| &info.workflow_type);
        let names = types.map(|t| format!("{} {}", t.name, t.version));
        (names.collect(), page.next_page_token.map(|t| t.to_string()))
    };
    assert_eq!(
        pages(list.clone(), &mut workflows),
        [
            vec!["a 1", "a 2"],
            vec!["b 1", "bare 1"],
            vec!["workflow 1", "zz 1"]
        ]
    );
    let mut backwards = list.clone();
    backwards["reverseOrder"] = true.into();
    assert_eq!(
        pages(backwards, &mut workflows),
        [
            vec!["zz 1", "workflow 1"],
            vec!["bare 1", "b 1"],
            vec!["a 2", "a 1"]
        ]
    );
    let mut one = list.clone();
    one["name"] = "a".into();
    // The last page has no token, though it is full.
    assert_eq!(pages(one, &mut workflows), [vec!["a 1", "a 2"]]);
    let deprecated = json!({ "domain": "d", "registrationStatus": "DEPRECATED" });
    assert_eq!(pages(deprecated.clone(), &mut workflows), [vec!["old 1"]]);
    let activities: ActivityTypeInfos = w
        .engine
        .list_activity_types(&shape(deprecated), now)
        .unwrap();
    assert_eq!(activities.type_infos.len(), 1);
    assert_eq!(activities.type_infos[0].deprecation_date, Some(now));
    for (member, wrong) in [
        ("nextPageToken", json!("nonsense")),
        ("maximumPageSize", json!(1_001)),
        ("registrationStatus", json!("LOST")),
    ] {
        let mut request = list.clone();
        request[member] = wrong;
        let fault = w.engine.list_workflow_types(&shape(request), now);
        assert_eq!(fault.unwrap_err().kind, FaultKind::Validation);
    }
}

#[test]
fn domains_are_listed_by_name() {
    let mut w = World::new();
    let now = w.now;
    for name in ["c", "a", "e", "b"] {
        w.engine.register_domain(&shape(domain(name)), now).unwrap();
    }
    w.engine
        .deprecate_domain(&shape(json!({ "name": "b" })), now)
        .unwrap();
    let mut list = |request: Value| {
        let page: DomainInfos = w.engine.list_domains(&shape(request), now).unwrap();
        let names = page.domain_infos.iter().map(|info| info.name.to_string());
        (names.collect(), page.next_page_token.map(|t| t.to_string()))
    };
    let request = json!({ "registrationStatus": "REGISTERED", "maximumPageSize": 3 });
    assert_eq!(
        pages(request.clone(), &mut list),
        [vec!["a", "c", "d"], vec!["e"]]
    );
    let mut backwards = request;
    backwards["reverseOrder"] = true.into();
    assert_eq!(
        pages(backwards, &mut list),
        [vec!["e", "d", "c"], vec!["a"]]
    );
    let deprecated = json!({ "registrationStatus": "DEPRECATED" });
    assert_eq!(pages(deprecated, &mut list), [vec!["b"]]);
}
