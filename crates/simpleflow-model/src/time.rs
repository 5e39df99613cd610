//! Time as SWF writes it: timestamps are numbers of seconds, time limits are strings of seconds.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time, in microseconds since the Unix epoch. SWF itself keeps milliseconds.
///
/// On the wire it is a number of seconds with a fraction. Text in RFC 3339 is read as well, since
/// that is what the AWS command line prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since the Unix epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis * 1_000)
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Seconds since the Unix epoch, with a fraction.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The same point in time, cut to the millisecond as the service does.
    pub const fn truncate_to_millis(self) -> Self {
        Self(self.0.div_euclid(1_000) * 1_000)
    }

    /// The time from `earlier` to this; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0).max(0) as u64)
    }
}

/// Times before the epoch are the epoch.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }
}

/// RFC 3339 in UTC, such as `2017-03-25T12:33:45.378Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{}s", self.as_secs_f64()),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_secs_f64())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Timestamp;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a timestamp: seconds since the Unix epoch, or RFC 3339 text")
            }
            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Timestamp, E> {
                Ok(Timestamp((seconds * 1e6).round() as i64))
            }
            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Timestamp, E> {
                Ok(Timestamp(seconds.saturating_mul(1_000_000)))
            }
            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Timestamp, E> {
                self.visit_i64(i64::try_from(seconds).unwrap_or(i64::MAX))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                let time: jiff::Timestamp = text
                    .parse()
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))?;
                Ok(Timestamp(time.as_microsecond()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A time limit: a number of seconds, or none. On the wire a string, `"300"` or `"NONE"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Timeout {
    /// No limit, `NONE` on the wire.
    #[default]
    None,
    /// So many seconds.
    Seconds(u32),
}

impl Timeout {
    /// The limit as a duration, if there is one.
    pub fn duration(self) -> Option<Duration> {
        match self {
            Self::None => None,
            Self::Seconds(seconds) => Some(Duration::from_secs(seconds.into())),
        }
    }
}

impl From<u32> for Timeout {
    fn from(seconds: u32) -> Self {
        Self::Seconds(seconds)
    }
}

/// A text that is not a time limit of SWF's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time limit: expected a number of seconds of at most 8 digits, or NONE")]
pub struct InvalidTimeout(String);

impl std::str::FromStr for Timeout {
    type Err = InvalidTimeout;
    fn from_str(text: &str) -> Result<Self, InvalidTimeout> {
        if text == "NONE" {
            return Ok(Self::None);
        }
        let digits =
            !text.is_empty() && text.len() <= 8 && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(seconds) if digits => Ok(Self::Seconds(seconds)),
            _ => Err(InvalidTimeout(text.to_owned())),
        }
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("NONE"),
            Self::Seconds(seconds) => seconds.fmt(f),
        }
    }
}

/// The priority of a task: the higher goes first, 0 when none is given. On the wire a string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskPriority(pub i32);

impl fmt::Display for TaskPriority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for TaskPriority {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// For how many days a domain keeps closed executions, 0 for not at all. On the wire a string of
/// days; `"NONE"` reads as 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RetentionDays(pub u32);

impl fmt::Display for RetentionDays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for RetentionDays {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "NONE" => Ok(Self(0)),
            days => days.parse().map(Self),
        }
    }
}

macro_rules! string_form {
    ($($name:ident: $expecting:literal),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl de::Visitor<'_> for Visitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse()
                            .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
                    }
                }
                deserializer.deserialize_str(Visitor)
            }
        }
    )*};
}

string_form!(
    Timeout: "a time limit: a string of seconds, or \"NONE\"",
    TaskPriority: "a task priority: a string with an integer",
    RetentionDays: "a retention: a string of days, or \"NONE\""
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_keep_the_digits_of_the_wire() {
        for text in [
            "1490445225.378",
            "1487851963.534",
            "1420066800.123",
            "0.001",
        ] {
            let time: Timestamp = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&time).unwrap(), text);
        }
        let exponent: Timestamp = serde_json::from_str("1.490445225378E9").unwrap();
        let text: Timestamp = serde_json::from_str("\"2017-03-25T12:33:45.378Z\"").unwrap();
        assert_eq!(exponent, text);
        assert_eq!(text.to_string(), "2017-03-25T12:33:45.378Z");
        let offset: Timestamp =
            serde_json::from_str("\"2017-03-25T13:33:45.378000+01:00\"").unwrap();
        assert_eq!(offset, text);
        assert!(serde_json::from_str::<Timestamp>("\"yesterday\"").is_err());
    }

    #[test]
    fn time_limits_are_seconds_or_none() {
        assert_eq!("300".parse(), Ok(Timeout::Seconds(300)));
        assert_eq!("NONE".parse(), Ok(Timeout::None));
        for bad in ["", "none", "-1", "+1", "1.5", "123456789"] {
            assert!(bad.parse::<Timeout>().is_err(), "{bad}");
        }
    }
}
