//! Times and names in words, for people.

use std::time::Duration;

use simpleflow_model::Timestamp;

/// A moment, to the second.
pub(crate) fn moment(time: Timestamp) -> String {
    let text = time.to_string();
    match (text.get(..10), text.get(11..19)) {
        (Some(day), Some(clock)) if text.ends_with('Z') => format!("{day} {clock} UTC"),
        _ => text,
    }
}

/// A duration in its two largest units.
pub(crate) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 10 {
        let tenths = duration.as_millis() / 100;
        return match tenths % 10 {
            0 => format!("{} s", tenths / 10),
            tenth => format!("{}.{tenth} s", tenths / 10),
        };
    }
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (unit, name) in units {
        let count = rest / unit;
        rest %= unit;
        if count > 0 {
            parts.push(format!("{count} {name}"));
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    parts.join(" ")
}

/// Who an identity is. The workers and deciders of this project, and of the Python original, send
/// JSON.
pub(crate) fn identity(identity: &str) -> String {
    let text = |value: &serde_json::Value, key: &str| match &value[key] {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let Ok(value) = serde_json::from_str::<serde_json::Value>(identity) else {
        return identity.to_owned();
    };
    match (text(&value, "pid"), text(&value, "hostname")) {
        (Some(pid), Some(host)) => format!("process {pid} on {host}"),
        _ => identity.to_owned(),
    }
}

/// `1 task`, `2 tasks`.
pub(crate) fn count(number: u64, one: &str, more: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        number => format!("{number} {more}"),
    }
}

/// A name as a shell takes it for one word.
pub(crate) fn word(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+=@,".contains(c);
    match !name.is_empty() && name.chars().all(plain) {
        true => name.to_owned(),
        false => format!("'{}'", name.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let spans = [0, 400, 1_000, 9_950, 59_999, 61_000, 3_600_000, 90_061_000];
        let words = spans.map(|millis| span(Duration::from_millis(millis)));
        let expected = [
            "0 s",
            "0.4 s",
            "1 s",
            "9.9 s",
            "59 s",
            "1 min 1 s",
            "1 h",
            "1 d 1 h",
        ];
        assert_eq!(words, expected);
        let time = Timestamp::from_millis(1_490_445_225_378);
        assert_eq!(moment(time), "2017-03-25 12:33:45 UTC");
    }

    #[test]
    fn a_name_is_one_word() {
        assert_eq!(word("22+x/y="), "22+x/y=");
        assert_eq!(word("it's two; rm"), r"'it'\''s two; rm'");
    }

    #[test]
    fn an_identity_is_read_if_it_can_be() {
        let json = r#"{"exe":"/bin/w","hostname":"web-3","pid":42,"user":"ann"}"#;
        assert_eq!(identity(json), "process 42 on web-3");
        assert_eq!(identity("worker <7>"), "worker <7>");
        assert_eq!(identity("7"), "7");
    }
}
