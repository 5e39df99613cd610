//! JSON as Python writes it.

use std::fmt::Write as _;

use serde_json::Value;

/// JSON as Python's `json.dumps(value, sort_keys=True, separators=(",", ":"))` writes it: members
/// sorted, non-ASCII characters escaped, floats in Python's notation. The ids of idempotent tasks
/// are hashes of this form, so it must not depend on how `serde_json` was built.
pub fn canonical_json(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(&mut text, value);
    text
}

fn write_canonical(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => write_python_float(out, float),
            _ => out.push_str(&number.to_string()),
        },
        Value::String(text) => write_python_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_python_string(out, name);
                out.push(':');
                write_canonical(out, member);
            }
            out.push('}');
        }
    }
}

fn write_python_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// Python's `repr` of a float: the shortest digits, an exponent below 1e-4 and from 1e16.
fn write_python_float(out: &mut String, float: f64) {
    let magnitude = float.abs();
    let _ = if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{float:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(out, "{digits}e{sign}{:02}", exponent.abs())
    } else {
        write!(out, "{float:?}")
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_json_is_python_s() {
        let value = serde_json::json!({"b": [1, 2.0, 1e16, 1e-5, 0.1, -0.0, 1.5e300], "a": "é\n\u{7f}😀\"/", "c": null});
        assert_eq!(
            canonical_json(&value),
            r#"{"a":"\u00e9\n\u007f\ud83d\ude00\"/","b":[1,2.0,1e+16,1e-05,0.1,-0.0,1.5e+300],"c":null}"#
        );
    }
}
