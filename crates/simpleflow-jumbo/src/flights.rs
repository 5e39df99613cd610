//! One way for all who want the same value at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use crate::JumboError;

/// A value that is being read.
#[derive(Debug, Default)]
struct Flight {
    value: Arc<OnceCell<Arc<str>>>,
    /// How many wait for it.
    seats: usize,
}

/// What is being read, by signature.
#[derive(Debug, Default)]
pub(crate) struct Flights(Mutex<HashMap<String, Flight>>);

impl Flights {
    /// Reads a value, or waits for who reads it already. Where that fails, the next who waits tries.
    pub async fn join(
        &self,
        signature: &str,
        read: impl Future<Output = Result<Arc<str>, JumboError>>,
    ) -> Result<Arc<str>, JumboError> {
        let value = {
            let mut flights = self.lock();
            let flight = flights.entry(signature.to_owned()).or_default();
            flight.seats += 1;
            Arc::clone(&flight.value)
        };
        let _seat = Seat {
            flights: self,
            signature,
        };
        value.get_or_try_init(|| read).await.cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody's part in a flight. The last who leaves forgets it.
struct Seat<'a> {
    flights: &'a Flights,
    signature: &'a str,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut flights = self.flights.lock();
        let Some(flight) = flights.get_mut(self.signature) else {
            return;
        };
        flight.seats -= 1;
        if flight.seats == 0 {
            flights.remove(self.signature);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use futures::executor::block_on;
    use futures::future::join_all;

    use super::*;

    fn damaged() -> JumboError {
        JumboError::Damaged {
            signature: "s".into(),
            problem: "p".into(),
        }
    }

    #[test]
    fn all_who_want_one_value_read_it_once() {
        let (flights, reads) = (Flights::default(), Mutex::new(0));
        let read = async || {
            *reads.lock().unwrap() += 1;
            tokio::task::yield_now().await;
            Ok(Arc::from("value"))
        };
        let all = block_on(join_all((0..10).map(|_| flights.join("s", read()))));
        assert!(all.iter().all(|value| value.as_deref() == Ok("value")));
        assert_eq!(*reads.lock().unwrap(), 1);
        assert!(flights.lock().is_empty());
    }

    #[test]
    fn who_fails_or_leaves_lets_the_next_one_try() {
        block_on(async {
            let flights = Flights::default();
            let failed = flights.join("s", async { Err(damaged()) }).await;
            assert_eq!(failed, Err(damaged()));
            let mut first = flights.join("s", std::future::pending()).boxed_local();
            let mut second = flights
                .join("s", async { Ok("value".into()) })
                .boxed_local();
            assert!((&mut first).now_or_never().is_none());
            assert!((&mut second).now_or_never().is_none());
            drop(first);
            assert_eq!(second.await.as_deref(), Ok("value"));
            assert!(flights.lock().is_empty());
        });
    }
}
