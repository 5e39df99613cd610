//! Markers: notes in the history, for those who read it and for the workflow itself.
//!
//! ```sh
//! simpleflow workflow.start --local examples.marker.MarkerWorkflow
//! ```

use simpleflow::prelude::*;
use simpleflow::{Chain, FuncGroup, Marker};

/// The markers of a workflow, each as its name and its details.
#[derive(serde::Serialize)]
pub struct Markers {
    /// The last of each name.
    pub last: Vec<(String, String)>,
    /// All.
    pub all: Vec<(String, String)>,
}

impl Markers {
    fn of(flow: &Flow) -> Self {
        let texts = |markers: Vec<Marker>| {
            let texts = markers
                .into_iter()
                .map(|m| (m.name.into(), m.details.into()));
            texts.collect()
        };
        Self {
            last: texts(flow.list_markers()),
            all: texts(flow.list_all_markers()),
        }
    }
}

/// Records markers. That does not wait.
#[workflow(name = "marker", version = "example", task_list = "example")]
pub struct MarkerWorkflow;

impl Workflow for MarkerWorkflow {
    type Output = Markers;

    async fn run(self, flow: Flow) -> Result<Markers> {
        flow.record_marker("marker 1", ());
        flow.record_marker("marker 1", "some details");
        flow.record_marker("marker 2", "2nd marker's details");
        Ok(Markers::of(&flow))
    }
}

/// Records markers when their turn comes.
#[workflow(name = "marker-in-chain", version = "example", task_list = "example")]
pub struct MarkerInChainWorkflow;

impl Workflow for MarkerInChainWorkflow {
    type Output = Markers;

    async fn run(self, flow: Flow) -> Result<Markers> {
        let chain = Chain::new()
            .append(FuncGroup::new(|flow| flow.record_marker("marker 1", ())))
            .append(FuncGroup::new(|flow| {
                flow.record_marker("marker 1", "some details");
            }))
            .append(FuncGroup::new(|flow| {
                flow.record_marker("marker 2", "2nd marker's details");
            }));
        flow.submit(chain).await?;
        Ok(Markers::of(&flow))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_last_marker_of_a_name_counts() {
        let [first, second, third] = [
            json!(["marker 1", "null"]),
            json!(["marker 1", "\"some details\""]),
            json!(["marker 2", "\"2nd marker's details\""]),
        ];
        let markers = json!({"last": [second, third], "all": [first, second, third]});
        let run = simpleflow::testing::run(MarkerWorkflow);
        assert_eq!(run.result::<Value>().unwrap(), markers);
        let run = simpleflow::testing::run(MarkerInChainWorkflow);
        assert_eq!(run.result::<Value>().unwrap(), markers);
    }
}
