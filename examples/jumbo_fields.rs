//! Values that are longer than SWF takes: what one activity gives the next has 50,000 letters.
//!
//! Nothing here knows of it. With the server in the box, and locally, such values travel through a
//! folder or memory; on Amazon SWF through the bucket that is named:
//!
//! ```sh
//! simpleflow standalone examples.jumbo_fields.JumboFieldsWorkflow --input '["ab"]'
//! export SIMPLEFLOW_JUMBO_FIELDS_BUCKET=my-bucket/jumbo-fields
//! simpleflow standalone --domain TestDomain jumbo_fields --input '["ab"]'
//! simpleflow task.info --decode TestDomain jumbo_fields activity-examples.jumbo_fields.length-1
//! ```

use simpleflow::prelude::*;

/// Repeats a text 50,000 times: its result is longer than the 32,768 characters of a field.
#[activity]
pub async fn repeat_50k(text: String) -> String {
    text.repeat(50_000)
}

/// How many characters a text has.
#[activity]
pub async fn length(text: String) -> usize {
    text.chars().count()
}

/// Has a text repeated, and counts what came of it.
#[workflow(name = "jumbo_fields", version = "example")]
pub struct JumboFieldsWorkflow {
    /// The text.
    pub text: String,
}

impl Workflow for JumboFieldsWorkflow {
    type Output = usize;

    async fn run(self, flow: Flow) -> Result<usize> {
        let long = flow.submit(repeat_50k(self.text));
        Ok(flow.submit(length(long)).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_goes_from_activity_to_activity() {
        let text = "aé".to_owned();
        let run = simpleflow::testing::run(JumboFieldsWorkflow { text });
        assert_eq!(run.result::<usize>().unwrap(), 100_000);
    }
}
