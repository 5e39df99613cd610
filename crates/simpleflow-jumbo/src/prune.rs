//! Removing values that nobody needs any more.

use std::time::SystemTime;

use simpleflow_objects::{ObjectError, ObjectInfo, Objects};
use uuid::Uuid;

/// What was found at the place of values, and what was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many values were removed.
    pub removed: u64,
    /// How many bytes they had.
    pub bytes: u64,
    /// How many are left, since they are younger.
    pub left: u64,
    /// How many are left, since the place does not tell how old they are.
    pub ageless: u64,
}

/// Removes the values at a place that were put there before a time; with `look_only`, only tells what
/// would be removed. Objects that are no values are left alone, and so is what is below the place.
///
/// ```
/// use std::time::SystemTime;
///
/// use simpleflow_jumbo::{Jumbo, prune};
///
/// # futures::executor::block_on(async {
/// let jumbo = Jumbo::in_memory();
/// jumbo.encode(&"x".repeat(40_000), 32_768).await?;
/// let objects = jumbo.objects().expect("they are in memory");
/// let pruned = prune(objects, SystemTime::now(), false).await?;
/// assert_eq!((pruned.removed, pruned.bytes), (1, 40_000));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// What goes wrong at the place, with the key. Some may be removed then.
pub async fn prune(
    objects: &Objects,
    before: SystemTime,
    look_only: bool,
) -> Result<Pruned, ObjectError> {
    let mut pruned = Pruned::default();
    let listed = objects.list("").await?;
    for ObjectInfo {
        key,
        size,
        modified,
    } in listed.into_iter().filter(is_value)
    {
        match modified {
            None => pruned.ageless += 1,
            Some(modified) if modified >= before => pruned.left += 1,
            Some(_) => {
                if !look_only {
                    objects.delete(&key).await?;
                }
                pruned.removed += 1;
                pruned.bytes += size;
            }
        }
    }
    Ok(pruned)
}

fn is_value(object: &ObjectInfo) -> bool {
    object.key.len() == 36 && Uuid::try_parse(&object.key).is_ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::executor::block_on;

    use super::*;
    use crate::Jumbo;

    #[test]
    fn what_is_young_or_no_value_is_left() {
        block_on(async {
            let jumbo = Jumbo::in_memory();
            let objects = jumbo.objects().unwrap();
            let text = "a".repeat(300);
            let sent = jumbo.encode(&text, 256).await.unwrap().unwrap();
            objects.put("report.csv", "1").await.unwrap();
            objects
                .put("steps/735471c1-ac26-4c5d-a4ba-f85c7c5fb211", "1")
                .await
                .unwrap();
            let now = SystemTime::now();
            let young = prune(objects, now - Duration::from_secs(60), false)
                .await
                .unwrap();
            assert_eq!((young.removed, young.left), (0, 1));
            let later = now + Duration::from_secs(60);
            let looked = prune(objects, later, true).await.unwrap();
            assert_eq!((looked.removed, looked.bytes), (1, 300));
            assert!(jumbo.decode(&sent).await.is_ok());
            assert_eq!(prune(objects, later, false).await.unwrap(), looked);
            assert!(jumbo.decode(&sent).await.unwrap_err().is_lost());
            assert_eq!(objects.list("").await.unwrap().len(), 2);
        });
    }
}
