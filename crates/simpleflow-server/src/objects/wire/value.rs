//! The value in a request.

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderMap};
use simpleflow_objects::Problem;

use super::chunks::unpack;
use super::refusal::Refusal;
use super::room::Room;
use super::said::Said;
use super::{BODY, OBJECT_BYTES};

/// Reads the value of a request, which must be what was said of it.
pub(super) async fn read(
    room: &Room,
    headers: &HeaderMap,
    said: Said,
    body: Incoming,
) -> Result<Bytes, Refusal> {
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let length = match &said.chunks {
        Some((length, _)) => Some(*length),
        None => length,
    };
    if length.is_some_and(|length| length > OBJECT_BYTES) {
        return Err(Refusal::too_large());
    }
    let mut length = length.unwrap_or(OBJECT_BYTES);
    let room = room.take(length).await?;
    if said.chunks.is_some() {
        // What stands between chunks of a kilobyte, and after the last one.
        length += length / 64 + (4 << 10);
    }
    let body = match tokio::time::timeout(BODY, collect(body, length)).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Refusal::too_large()),
        Ok(Err(error)) => return Err(incomplete(error.to_string())),
        Err(_) => {
            let message = "The body did not arrive in time";
            return Err(Refusal::bad("RequestTimeout", message));
        }
    };
    let checked = match said.is_silent() {
        true => Ok(body.into()),
        // That takes a while for a long one.
        false => tokio::task::spawn_blocking(move || check(said, body))
            .await
            .unwrap_or_else(|error| Err(Problem::Failed(error.to_string()).into())),
    };
    checked.map(|value| room.with(value))
}

/// A body of so many bytes at most, in the memory that was made for it: no byte is there twice.
async fn collect(
    body: Incoming,
    most: u64,
) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    // What is not used yet takes no memory.
    let mut value = Vec::with_capacity(most);
    let mut body = Limited::new(body, most);
    while let Some(frame) = body.frame().await {
        if let Some(data) = frame?.data_ref() {
            value.extend_from_slice(data);
        }
    }
    Ok(value)
}

/// The value in a body, held to what was said of it.
fn check(mut said: Said, mut body: Vec<u8>) -> Result<Bytes, Refusal> {
    if let Some((length, after)) = &said.chunks {
        let last = unpack(&mut body);
        let last = last.ok_or_else(|| incomplete("The chunks cannot be read to their end"))?;
        if body.len() as u64 != *length {
            let message = format!("{} bytes arrived instead of {length}", body.len());
            return Err(incomplete(message));
        }
        if let Some(missing) = after.iter().find(|name| !last.contains_key(name.as_str())) {
            return Err(incomplete(format!(
                "{missing} did not come after the value"
            )));
        }
        said.add(&last)?;
    }
    said.check(&body)?;
    Ok(body.into())
}

fn incomplete(message: impl Into<String>) -> Refusal {
    Refusal::bad("IncompleteBody", message)
}
