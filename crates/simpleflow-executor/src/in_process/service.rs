//! The operations: each is the engine's method of its name, and a poll waits.

use simpleflow_engine::{Engine, Ready, TaskKind};
use simpleflow_service::table::*;
use simpleflow_service::{ServiceError, SwfService, for_each_operation};

use super::InProcess;

macro_rules! service {
    ($( $(#[$doc:meta])* $kind:ident $method:ident($request:ident) -> $answer:ty; )*) => {
        impl SwfService for InProcess {
            fn takes_tasks_back(&self) -> bool {
                true
            }

            $(
                async fn $method(&self, request: $request) -> Result<$answer, ServiceError> {
                    service!(@ $kind self, request, |engine: &mut Engine, now| {
                        engine.$method(&request, now)
                    })
                }
            )*
        }
    };
    (@ task $service:ident, $request:ident, $run:expr) => {
        match $request.awaited() {
            Some(list) => $service.poll(list, $run).await,
            None => $service.call($run),
        }
    };
    (@ $kind:ident $service:ident, $request:ident, $run:expr) => { $service.call($run) };
}

for_each_operation!(service);

trait Poll {
    /// The list whose next task the poll waits for, if it does wait.
    fn awaited(&self) -> Option<Ready>;
}

impl Poll for PollForDecisionTask {
    fn awaited(&self) -> Option<Ready> {
        self.next_page_token.is_none().then(|| Ready {
            domain: self.domain.clone(),
            kind: TaskKind::Decision,
            task_list: self.task_list.name.clone(),
        })
    }
}

impl Poll for PollForActivityTask {
    fn awaited(&self) -> Option<Ready> {
        Some(Ready {
            domain: self.domain.clone(),
            kind: TaskKind::Activity,
            task_list: self.task_list.name.clone(),
        })
    }
}
