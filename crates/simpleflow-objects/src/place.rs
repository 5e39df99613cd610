//! Where objects are, as a URL.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What is escaped in the path of a URL.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?');

/// Where objects are: what the URL of a place says.
///
/// ```
/// use simpleflow_objects::Place;
///
/// let place: Place = "s3://metrics/simpleflow".parse()?;
/// assert_eq!(place, Place::S3 { bucket: "metrics".into(), prefix: "simpleflow".into() });
/// let place: Place = "simpleflow-data/objects".parse()?;
/// assert_eq!(place, Place::Folder("simpleflow-data/objects".into()));
/// # Ok::<_, simpleflow_objects::PlaceError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `s3://bucket/prefix`: a bucket of Amazon S3, or of the endpoint that the environment names.
    S3 {
        /// The bucket.
        bucket: String,
        /// What the keys begin with, without a `/` at its ends. May be empty.
        prefix: String,
    },
    /// `file:///path`, or a path: a folder.
    Folder(PathBuf),
    /// `http://host:port/objects/prefix`: the server in the box. The prefix is escaped as in any URL.
    Server {
        /// The URL of the server.
        endpoint: String,
        /// What the keys begin with, unescaped, without a `/` at its ends. May be empty.
        prefix: String,
    },
}

/// A URL is not one of a place for objects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{url:?} is no place for objects: {problem}; expected s3://BUCKET/PREFIX, a folder, \
     file:///FOLDER, or http://HOST:PORT/objects of the server in the box"
)]
pub struct PlaceError {
    url: String,
    problem: &'static str,
}

impl Place {
    /// The name of the bucket of the server in the box, which is the first part of its paths.
    pub const SERVER_BUCKET: &str = "objects";

    /// What a variable of the original says that names a bucket: `BUCKET`, or `HOST/BUCKET` with a
    /// host of Amazon, which is found out otherwise here. Or any place, a folder from `/` on.
    ///
    /// # Errors
    /// It is neither.
    pub fn of_bucket(text: &str) -> Result<Self, PlaceError> {
        let host_and_bucket = text.split_once('/');
        let bucket = match host_and_bucket {
            _ if text.contains("://") || text.starts_with('/') => return text.parse(),
            Some((host, bucket)) if host.ends_with("amazonaws.com") => bucket,
            _ => text,
        };
        format!("s3://{bucket}").parse()
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(url: &str) -> Result<Self, PlaceError> {
        let error = |problem| PlaceError {
            url: url.to_owned(),
            problem,
        };
        let (scheme, rest) = match url.split_once("://") {
            Some(parts) => parts,
            None if url.is_empty() => return Err(error("it is empty")),
            None => return Ok(Self::Folder(url.into())),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        match scheme {
            "s3" if authority.is_empty() => Err(error("it names no bucket")),
            "s3" => Ok(Self::S3 {
                bucket: authority.to_owned(),
                prefix: path.trim_matches('/').to_owned(),
            }),
            "file" => {
                let path = percent_decode_str(path).decode_utf8();
                match path {
                    Ok(path) if matches!(authority, "" | "localhost") && !path.is_empty() => {
                        Ok(Self::Folder(format!("/{path}").into()))
                    }
                    Ok(_) => Err(error("it names no folder of this machine")),
                    Err(_) => Err(error("its path is not UTF-8")),
                }
            }
            "http" | "https" => {
                let path = path.trim_matches('/');
                let (first, prefix) = path.split_once('/').unwrap_or((path, ""));
                if authority.is_empty() || first != Self::SERVER_BUCKET {
                    return Err(error("it is not /objects of a server"));
                }
                let prefix = percent_decode_str(prefix).decode_utf8();
                Ok(Self::Server {
                    endpoint: format!("{scheme}://{authority}"),
                    prefix: prefix.map_err(|_| error("its path is not UTF-8"))?.into(),
                })
            }
            _ => Err(error("there is no such scheme")),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self {
            Self::S3 { bucket, prefix } => {
                write!(f, "s3://{bucket}")?;
                prefix
            }
            Self::Folder(path) => return path.display().fmt(f),
            Self::Server { endpoint, prefix } => {
                write!(f, "{endpoint}/{}", Self::SERVER_BUCKET)?;
                &utf8_percent_encode(prefix, ESCAPED).to_string()
            }
        };
        match prefix.as_str() {
            "" => Ok(()),
            prefix => write!(f, "/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_url() {
        let s3 = |bucket: &str, prefix: &str| Place::S3 {
            bucket: bucket.into(),
            prefix: prefix.into(),
        };
        let server = |endpoint: &str, prefix: &str| Place::Server {
            endpoint: endpoint.into(),
            prefix: prefix.into(),
        };
        for (url, place, shown) in [
            ("s3://b", s3("b", ""), "s3://b"),
            ("s3://b/a/c/", s3("b", "a/c"), "s3://b/a/c"),
            ("file:///a%20b/c", Place::Folder("/a b/c".into()), "/a b/c"),
            ("a/b", Place::Folder("a/b".into()), "a/b"),
            (
                "http://127.0.0.1:8042/objects",
                server("http://127.0.0.1:8042", ""),
                "http://127.0.0.1:8042/objects",
            ),
            (
                "https://swf.example.com/objects/a/b",
                server("https://swf.example.com", "a/b"),
                "https://swf.example.com/objects/a/b",
            ),
            (
                "http://127.0.0.1:8042/objects/a%20b/100%25",
                server("http://127.0.0.1:8042", "a b/100%"),
                "http://127.0.0.1:8042/objects/a%20b/100%25",
            ),
        ] {
            assert_eq!(url.parse(), Ok(place.clone()), "{url}");
            assert_eq!(place.to_string(), shown);
            assert_eq!(shown.parse(), Ok(place), "{url}");
        }
        for wrong in [
            "",
            "s3://",
            "s3:///a",
            "file://",
            "file://elsewhere/a",
            "http://127.0.0.1:8042",
            "http://127.0.0.1:8042/other",
            "http://127.0.0.1:8042/objects/%FF",
            "gs://bucket",
        ] {
            let error = wrong.parse::<Place>().unwrap_err();
            assert!(error.to_string().contains("expected s3://"), "{error}");
        }
    }

    #[test]
    fn buckets_are_named_as_in_the_original() {
        for (text, place) in [
            ("metrics", "s3://metrics"),
            ("s3.amazonaws.com/metrics", "s3://metrics"),
            ("metrics/of/us", "s3://metrics/of/us"),
            ("file:///metrics", "/metrics"),
            ("/metrics", "/metrics"),
        ] {
            assert_eq!(Place::of_bucket(text).unwrap().to_string(), place);
        }
        assert!(Place::of_bucket("").is_err());
    }
}
