//! The engine as a service whose time stands still until somebody moves it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use simpleflow_engine::{Engine, Settings};
use simpleflow_model::Timestamp;
use simpleflow_service::table::*;
use simpleflow_service::{ServiceError, SwfService, for_each_operation};

/// The engine as a service. Its polls do not wait.
#[derive(Clone)]
pub(super) struct Still(Arc<Mutex<Engine>>);

impl Still {
    /// An engine with nothing in it, at a time. Two of one time give the same run ids.
    pub fn at(now: Timestamp) -> Self {
        let mut engine = Engine::new(Settings::default());
        engine.advance(now);
        Self(Arc::new(Mutex::new(engine)))
    }

    pub fn engine(&self) -> MutexGuard<'_, Engine> {
        // User code does not run under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

macro_rules! service {
    ($( $(#[$doc:meta])* $kind:ident $method:ident($request:ident) -> $answer:ty; )*) => {
        impl SwfService for Still {
            $(
                async fn $method(&self, request: $request) -> Result<$answer, ServiceError> {
                    let mut engine = self.engine();
                    let now = engine.now();
                    engine.$method(&request, now).map_err(ServiceError::from)
                }
            )*
        }
    };
}

for_each_operation!(service);
