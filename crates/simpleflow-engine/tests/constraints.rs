//! The constraints are those of the official model of the service.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use simpleflow_engine::constraints::{Form, Rule, SHAPES, Shape};

/// The official model, if it is there.
fn model() -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/swf/service-2.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: no service model at {}", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// The name that the model has for a structure.
fn official<'a>(shapes: &'a Value, name: &str) -> &'a Value {
    let suffixes = ["", "Input", "DecisionAttributes"];
    let mut found = suffixes
        .iter()
        .map(|suffix| &shapes[format!("{name}{suffix}")])
        .filter(|shape| shape["type"] == "structure");
    found
        .next()
        .unwrap_or_else(|| panic!("the model has no {name}"))
}

/// What differs between a rule and a shape of the model.
fn difference(shapes: &Value, rule: &Rule, shape: &Value) -> Option<String> {
    let number = |member: &str, default: i64| shape[member].as_i64().unwrap_or(default);
    let kind = shape["type"].as_str().unwrap();
    let same = match rule {
        Rule::Any => ["boolean", "timestamp"].contains(&kind),
        Rule::Number { min, max } => {
            kind == "integer" && number("min", 0) == *min && number("max", -1) == *max
        }
        Rule::Listed(values) | Rule::Choice(values) => shape["enum"] == serde_json::json!(values),
        Rule::List(max, element) => {
            let of = shape["member"]["shape"].as_str().unwrap_or_default();
            let difference = difference(shapes, element, &shapes[of]);
            if difference.is_some() {
                return difference;
            }
            kind == "list" && *max == shape["max"].as_u64().map_or(usize::MAX, |max| max as usize)
        }
        Rule::Structure(of) => *shape == *official(shapes, of().name),
        Rule::Text { min, max, form } => {
            let max = i64::try_from(*max).unwrap_or(-1);
            // A time limit of no length is no number.
            let min_agrees = number("min", 0) == *min as i64 || *form == Form::Seconds;
            kind == "string" && min_agrees && number("max", -1) == max
        }
    };
    (!same).then(|| format!("{rule:?} is not {shape}"))
}

#[test]
fn the_constraints_are_the_models() {
    let Some(model) = model() else {
        return;
    };
    let shapes = &model["shapes"];
    let mut differences = Vec::new();
    for shape in SHAPES {
        let Shape { name, members, .. } = shape();
        let official = official(shapes, name);
        let required: BTreeSet<_> = official["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let names: BTreeSet<_> = members.iter().map(|member| member.name).collect();
        let official_names = official["members"].as_object().unwrap();
        assert!(
            names
                .iter()
                .copied()
                .eq(official_names.keys().map(String::as_str)),
            "{name} has other members"
        );
        for member in *members {
            let of = official["members"][member.name]["shape"].as_str().unwrap();
            let mut differ =
                |what: String| differences.push(format!("{name}.{}: {what}", member.name));
            if member.required != required.contains(member.name) {
                differ("required or not".into());
            }
            if let Some(what) = difference(shapes, &member.rule, &shapes[of]) {
                differ(what);
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_operation_has_constraints() {
    let Some(model) = model() else {
        return;
    };
    let names: BTreeSet<_> = SHAPES.iter().map(|shape| shape().name).collect();
    let operations = model["operations"].as_object().unwrap();
    assert_eq!(operations.len(), 39);
    for operation in operations.keys() {
        assert!(names.contains(operation.as_str()), "{operation}");
    }
}
