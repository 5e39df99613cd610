//! Room for the values that are on their way: clients that are slow, or many, must not fill the memory.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::body::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::refusal::Refusal;
use super::{BODY, OBJECT_BYTES};

/// How many bytes a value has at most that is small: it does not wait for those that are large.
const SMALL: u64 = 1 << 20;

/// How many bytes of small values may be on their way at once, in requests and answers, in KiB.
const SMALL_ON_THEIR_WAY: usize = 64 << 10;

/// How many bytes of the others, in KiB. Beyond that a request waits, for as long as a body may take.
const LARGE_ON_THEIR_WAY: usize = 512 << 10;

/// Room for values.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self {
            small: Arc::new(Semaphore::new(SMALL_ON_THEIR_WAY)),
            large: Arc::new(Semaphore::new(LARGE_ON_THEIR_WAY)),
        }
    }

    /// Waits for room for a value.
    pub(super) async fn take(&self, bytes: u64) -> Result<Taken, Refusal> {
        let kib = u32::try_from(bytes.min(OBJECT_BYTES).div_ceil(1 << 10)).unwrap_or(u32::MAX);
        let room = if bytes <= SMALL {
            &self.small
        } else {
            &self.large
        };
        let room = Arc::clone(room).acquire_many_owned(kib);
        match tokio::time::timeout(BODY, room).await {
            Ok(Ok(_room)) => Ok(Taken { _room }),
            _ => Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "SlowDown",
                "Too many values are on their way: please try again later",
            )),
        }
    }
}

/// Room that is taken.
#[derive(Debug)]
pub(super) struct Taken {
    _room: OwnedSemaphorePermit,
}

impl Taken {
    /// The value, which has the room for as long as anybody has it.
    pub(super) fn with(self, value: Bytes) -> Bytes {
        struct Held {
            value: Bytes,
            _room: Taken,
        }
        impl AsRef<[u8]> for Held {
            fn as_ref(&self) -> &[u8] {
                &self.value
            }
        }
        Bytes::from_owner(Held { value, _room: self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_value_has_its_room_until_it_is_gone() {
        let room = Room::new();
        let taken = room.take(OBJECT_BYTES).await.unwrap();
        let left = LARGE_ON_THEIR_WAY - (OBJECT_BYTES >> 10) as usize;
        assert_eq!(room.large.available_permits(), left);
        let value = taken.with("value".into());
        let part = value.slice(1..2);
        drop(value);
        assert_eq!(room.large.available_permits(), left);
        drop(part);
        assert_eq!(room.large.available_permits(), LARGE_ON_THEIR_WAY);
    }

    #[tokio::test]
    async fn a_small_value_does_not_wait_for_large_ones() {
        let room = Room::new();
        let mut taken = Vec::new();
        for _ in 0..LARGE_ON_THEIR_WAY / (OBJECT_BYTES >> 10) as usize {
            taken.push(room.take(OBJECT_BYTES).await.unwrap());
        }
        room.take(SMALL).await.unwrap();
        tokio::select! {
            biased;
            _ = room.take(SMALL + 1) => panic!("there is no room"),
            () = std::future::ready(()) => {}
        }
        drop(taken);
        room.take(SMALL + 1).await.unwrap();
    }
}
