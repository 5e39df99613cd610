//! The engine in this process keeps to the trait.

use simpleflow_executor::InProcess;
use simpleflow_service::conformance::Suite;

#[tokio::test]
async fn the_engine_in_this_process() {
    let service = InProcess::new();
    let suite = Suite::prepare(service.clone(), "conformance".into()).await;
    tokio::select! {
        () = suite.all() => {}
        () = service.keep_time() => unreachable!("time has no end"),
    }
}
