//! Listings: keys and levels, page by page.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hyper::{Response, StatusCode};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use simpleflow_objects::{ObjectInfo, Place};

use super::refusal::Refusal;
use super::{escape, xml};
use crate::http::{Body, Front};
use crate::store::Described;

/// How many objects a page of a listing has at most, as with S3.
const PAGE: usize = 1_000;

/// A page of a listing, in either version of the operation.
pub(super) async fn list(
    front: &Front,
    query: &BTreeMap<String, String>,
) -> Result<Response<Body>, Refusal> {
    let member = |name: &str| query.get(name).map_or("", String::as_str);
    let most = match member("max-keys") {
        "" => PAGE,
        text => match text.parse::<usize>() {
            Ok(most) => most.min(PAGE),
            Err(_) => {
                let message = format!("max-keys is {text:?}: expected a number from 0 on");
                return Err(Refusal::bad("InvalidArgument", message));
            }
        },
    };
    let second = member("list-type") == "2";
    let after = match (second, member("continuation-token")) {
        (true, "") => member("start-after"),
        (true, token) => token,
        (false, _) => member("marker"),
    };
    let (prefix, delimiter) = (member("prefix"), member("delimiter"));
    let mut found = entries(front, prefix, delimiter, after, most + 1).await?;
    // Who asks for none has all of it.
    let is_truncated = found.len() > most && most > 0;
    found.truncate(most);
    let is_escaped = member("encoding-type") == "url";
    let text = |key: &str| match is_escaped {
        true => utf8_percent_encode(key, NON_ALPHANUMERIC).to_string(),
        false => escape(key),
    };
    let mut result = format!(
        "<ListBucketResult><Name>{}</Name><Prefix>{}</Prefix><MaxKeys>{most}</MaxKeys>\
         <KeyCount>{}</KeyCount><IsTruncated>{is_truncated}</IsTruncated>",
        Place::SERVER_BUCKET,
        text(prefix),
        found.len(),
    );
    // Writing to a text does not fail.
    if !delimiter.is_empty() {
        let _ = write!(result, "<Delimiter>{}</Delimiter>", text(delimiter));
    }
    if is_escaped {
        result.push_str("<EncodingType>url</EncodingType>");
    }
    if let Some(last) = found.last().filter(|_| is_truncated) {
        // A token is not escaped by the encoding type.
        let (name, next) = match second {
            true => ("NextContinuationToken", escape(last.key())),
            false => ("NextMarker", text(last.key())),
        };
        let _ = write!(result, "<{name}>{next}</{name}>");
    }
    for entry in &found {
        let key = text(entry.key());
        let _ = match entry {
            Entry::Object(Described { info, etag }) => write!(
                result,
                "<Contents><Key>{key}</Key>{}<ETag>\"{etag}\"</ETag><Size>{}</Size></Contents>",
                last_modified(info),
                info.size
            ),
            Entry::Level(_) => write!(
                result,
                "<CommonPrefixes><Prefix>{key}</Prefix></CommonPrefixes>"
            ),
        };
    }
    result.push_str("</ListBucketResult>");
    Ok(xml(StatusCode::OK, &result))
}

/// What a listing shows.
enum Entry {
    Object(Described),
    /// What the keys of several objects begin with, up to the first delimiter.
    Level(String),
}

impl Entry {
    fn key(&self) -> &str {
        match self {
            Self::Object(object) => &object.info.key,
            Self::Level(level) => level,
        }
    }
}

/// At most so many entries of a listing that come after a key or a level.
async fn entries(
    front: &Front,
    prefix: &str,
    delimiter: &str,
    after: &str,
    most: usize,
) -> Result<Vec<Entry>, Refusal> {
    let level = |key: &str| {
        let rest = key.strip_prefix(prefix).filter(|_| !delimiter.is_empty())?;
        let end = rest.find(delimiter)? + delimiter.len();
        Some(format!("{prefix}{}", rest.get(..end)?))
    };
    let mut entries: Vec<Entry> = Vec::new();
    let mut after = after.to_owned();
    let mut passed = level(&after).filter(|level| *level == after);
    while entries.len() < most {
        let from = match &passed {
            // Hardly a key of the level comes after that.
            Some(level) => after.max(format!("{level}{}", char::MAX)),
            None => after,
        };
        let page = front.objects.page(prefix, &from, most).await?;
        let is_last = page.len() < most;
        after = page
            .last()
            .map(|last| last.info.key.clone())
            .unwrap_or(from);
        for object in page {
            match level(&object.info.key) {
                level @ Some(_) if level == passed => {}
                Some(level) => {
                    passed = Some(level.clone());
                    entries.push(Entry::Level(level));
                }
                None => {
                    passed = None;
                    entries.push(Entry::Object(object));
                }
            }
        }
        if is_last {
            break;
        }
    }
    entries.truncate(most);
    Ok(entries)
}

/// When an object was put, as a member of a listing.
fn last_modified(info: &ObjectInfo) -> String {
    let time = info
        .modified
        .and_then(|time| Timestamp::try_from(time).ok());
    time.map_or_else(String::new, |time| {
        let time = time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ");
        format!("<LastModified>{time}</LastModified>")
    })
}
