//! A saga: steps that belong together. When one fails, or the execution is to be cancelled, those that
//! were done are undone, the last first.
//!
//! ```sh
//! simpleflow workflow.start --local examples.saga.Trip --input '["Rome"]'
//! simpleflow workflow.start --local examples.saga.Trip --input '["Atlantis"]'
//! ```

use simpleflow::prelude::*;

/// Books something, and gives the number of the booking.
#[activity(version = "example", idempotent = true)]
pub async fn book(what: String, place: String) -> Result<String> {
    if what == "hotel" && place == "Atlantis" {
        return Err(Error::msg(format_args!("there is no {what} in {place}")).non_retryable());
    }
    Ok(format!("{what}-{place}"))
}

/// Takes a booking back.
#[activity(version = "example", retry = 5)]
pub async fn cancel(booking: String) -> Result<String> {
    Ok(format!("without {booking}"))
}

/// Books a flight, a car and a hotel, or nothing.
#[workflow(name = "trip", version = "example")]
pub struct Trip {
    /// Where to.
    pub place: String,
}

impl Workflow for Trip {
    type Output = Vec<String>;

    async fn run(self, flow: Flow) -> Result<Vec<String>> {
        flow.saga(async |saga| {
            let mut bookings = Vec::new();
            for what in ["flight", "car", "hotel"] {
                let booking = saga.submit(book(what, &*self.place));
                // Said before the step is done: a booking that fails is none to undo.
                saga.undo(cancel(&booking));
                bookings.push(booking.await?);
            }
            Ok(bookings)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trip_is_booked() {
        let run = simpleflow::testing::run(Trip {
            place: "Rome".into(),
        });
        let bookings = run.result::<Vec<String>>().unwrap();
        assert_eq!(bookings, ["flight-Rome", "car-Rome", "hotel-Rome"]);
    }

    #[test]
    fn what_was_booked_is_taken_back_the_last_first() {
        let run = simpleflow::testing::Test::of(Trip {
            place: "Atlantis".into(),
        });
        let canceled = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = std::sync::Arc::clone(&canceled);
        let run = run
            .replace::<cancel, _>(move |(booking,): (String,)| {
                seen.lock().unwrap().push(booking.clone());
                Ok::<_, Error>(booking)
            })
            .run();
        let failure = run.failure().unwrap();
        assert!(failure.reason.contains("there is no hotel"), "{failure:?}");
        assert_eq!(
            *canceled.lock().unwrap(),
            ["car-Atlantis", "flight-Atlantis"]
        );
    }
}
