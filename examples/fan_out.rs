//! Fan-out and fan-in: one task for each part, and one for all their results.
//!
//! ```sh
//! simpleflow workflow.start --local examples.fan_out.WordCount \
//!     --input '[["the quick brown fox", "the lazy dog", "the end"]]'
//! ```

use std::collections::BTreeMap;

use simpleflow::prelude::*;

/// How often each word stands in a text.
pub type Counts = BTreeMap<String, u64>;

/// Counts the words of one part. A plain function may block: it gets a thread of its own.
#[activity]
pub fn count_words(text: String) -> Counts {
    let mut counts = Counts::new();
    for word in text.split_whitespace() {
        *counts.entry(word.to_lowercase()).or_default() += 1;
    }
    counts
}

/// Adds two counts.
#[activity]
pub async fn merge(mut left: Counts, right: Counts) -> Result<Counts> {
    for (word, count) in right {
        *left.entry(word).or_default() += count;
    }
    Ok(left)
}

/// Counts the words of many texts at once, and merges the counts as a tree: each merge starts as
/// soon as its own two inputs are there.
#[workflow(name = "word_count", version = "example")]
pub struct WordCount {
    /// The texts.
    pub texts: Vec<String>,
}

impl Workflow for WordCount {
    type Output = Counts;

    async fn run(self, flow: Flow) -> Result<Counts> {
        let mut level: Vec<Future<Counts>> = self
            .texts
            .into_iter()
            .map(|text| flow.submit(count_words(text)))
            .collect();
        while level.len() > 1 {
            level = level
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => flow.submit(merge(left, right)),
                    single => single[0].clone(),
                })
                .collect();
        }
        match level.pop() {
            Some(total) => Ok(total.await?),
            None => Ok(Counts::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use simpleflow::testing::explore;

    use super::*;

    #[test]
    fn counts_over_all_parts() {
        let texts = ["the quick brown fox", "the lazy dog", "The end"]
            .map(str::to_owned)
            .to_vec();
        let run = simpleflow::testing::run(WordCount { texts });
        let counts = run.result::<Counts>().unwrap();
        assert_eq!(counts["the"], 3);
        assert_eq!(counts["dog"], 1);
        assert_eq!(run.scheduled_activities().len(), 5);
    }

    #[test]
    fn counts_the_same_in_every_order() {
        let texts = ["a b", "b c", "c"].map(str::to_owned).to_vec();
        let explored = explore(WordCount { texts }).run();
        assert!(explored.is_exhaustive());
        let counts = explored.assert_same_result().result::<Counts>().unwrap();
        assert_eq!(counts["c"], 2);
    }

    #[test]
    fn no_part_is_no_task() {
        let run = simpleflow::testing::run(WordCount { texts: Vec::new() });
        assert_eq!(run.result::<Counts>().unwrap(), Counts::new());
        assert!(run.scheduled_activities().is_empty());
    }
}
