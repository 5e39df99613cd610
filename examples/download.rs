//! Programs that an activity needs, and that its worker downloads: here another version for each task.
//!
//! ```sh
//! simpleflow server.start
//! printf '#!/bin/sh\necho "$1, said version 1"\n' > greet
//! curl -T greet http://127.0.0.1:8042/objects/tools/1/greet
//! simpleflow standalone examples.download.DownloadWorkflow \
//!     --input '["http://127.0.0.1:8042/objects/tools", [1], "hello"]'
//! ```

use simpleflow::prelude::*;

/// Says something by way of a program. Where that is the same for each task,
/// `binaries = ["greet=s3://tools/1/greet"]` stands here.
#[activity(program = "greet", version = "example", task_list = "quickstart")]
pub fn greet(text: String) -> String;

/// Has each version of the program say something.
#[workflow(name = "download_binaries", version = "example", task_list = "example")]
pub struct DownloadWorkflow {
    /// Where the programs are: `s3://BUCKET/PREFIX`, or `http://HOST:PORT/objects/PREFIX`.
    pub tools: String,
    /// The versions.
    pub versions: Vec<u32>,
    /// What they say.
    pub text: String,
}

impl Workflow for DownloadWorkflow {
    type Output = Vec<String>;

    async fn run(self, flow: Flow) -> Result<Vec<String>> {
        let said: Vec<_> = self
            .versions
            .iter()
            .map(|version| {
                let location = format!("{}/{version}/greet", self.tools);
                flow.submit(greet(&*self.text).binary("greet", location))
            })
            .collect();
        Ok(flow.wait_all(said).await?)
    }
}

#[cfg(test)]
mod tests {
    use simpleflow::WorkflowEntry;
    use simpleflow::local::{Local, Outcome, StartOptions};
    use simpleflow::objects::{Binaries, Objects, Resources};

    use super::*;

    fn greeted(versions: &str) -> Outcome {
        let objects = Objects::memory();
        for version in [1, 2] {
            let program = format!("#!/bin/sh\necho \"$1, said version {version}\"\n");
            let key = format!("tools/{version}/greet");
            futures::executor::block_on(objects.put(&key, program)).unwrap();
        }
        let directory = tempfile::tempdir().unwrap();
        // Whatever place is named is this one.
        let binaries = Binaries::new(directory.path(), {
            let objects = objects.clone();
            move |_| objects.clone()
        });
        let mut local = Local::with_virtual_time(Registry::linked())
            .unwrap()
            .resources(Resources::new(objects).binaries(binaries));
        let input = format!(r#"["s3://any/tools", {versions}, "hello"]"#);
        let entry = WorkflowEntry::of::<DownloadWorkflow>();
        let run = local.run(&entry, &input, StartOptions::default());
        run.unwrap().outcome
    }

    #[test]
    fn each_version_is_downloaded_and_run() {
        let said = r#"["hello, said version 1","hello, said version 2"]"#;
        assert_eq!(greeted("[1, 2]"), Outcome::Completed(said.into()));
    }

    #[test]
    fn a_version_that_is_not_there_fails_its_task() {
        let Outcome::Failed { reason, .. } = greeted("[1, 3]") else {
            panic!("there is no version 3");
        };
        assert!(reason.contains("binary greet: object"), "{reason}");
    }
}
