//! Task lists that nobody else knows.

use simpleflow_model::{SmolStr, TaskListName};
use uuid::Uuid;

/// The longest name of a task list, in characters.
const LENGTH: usize = 256;

/// A task list for one purpose: `NAME-RANDOM`, as the original names them.
pub(crate) fn own_list(name: &str) -> TaskListName {
    let random = Uuid::new_v4().simple().to_string();
    format!("{}-{random}", prefix(name, random.len())).into()
}

/// Whether a task list is one that [`own_list`] made for that name.
pub(crate) fn is_own_list(task_list: &TaskListName, name: &str) -> bool {
    let parts = task_list.as_str().rsplit_once('-');
    parts.is_some_and(|(start, random)| {
        Uuid::try_parse(random).is_ok() && start == prefix(name, random.len())
    })
}

/// A task list beside one that [`own_list`] made, for another purpose: the same at each call.
pub(crate) fn beside(task_list: &TaskListName, name: &str) -> TaskListName {
    let random = task_list.as_str().rsplit_once('-');
    let random = random.map_or(task_list.as_str(), |(_, random)| random);
    format!("{}-{random}", prefix(name, random.len())).into()
}

fn prefix(name: &str, random: usize) -> SmolStr {
    name.chars()
        .take((LENGTH - 1).saturating_sub(random))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_one_s_own_is_known_again() {
        let list = own_list("basic");
        assert!(is_own_list(&list, "basic"), "{list}");
        assert!(!is_own_list(&list, "other"), "{list}");
        assert!(!is_own_list(&"basic-example".into(), "basic"));
        let other = beside(&list, "repaired");
        assert!(is_own_list(&other, "repaired"), "{other}");
        assert_eq!(other, beside(&list, "repaired"));
        let long = "w".repeat(256);
        let list = own_list(&long);
        assert_eq!(list.as_str().chars().count(), LENGTH);
        assert!(is_own_list(&list, &long));
    }
}
