//! Opening places for objects.

use std::sync::{Arc, Mutex, PoisonError};

use simpleflow_objects::{Folder, Objects, Place};

use crate::s3::{Bucket, Client};

/// How many buckets, servers and folders are kept open.
const OPEN: usize = 64;

/// Opens places for objects, with connections that those of S3 have in common. A handle: clones have
/// the same connections, and remember the same of buckets: in which region they are, and that they are
/// there. Those that were used last are remembered, up to 64.
///
/// S3 is set up as for any program on the AWS SDK: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`,
/// `AWS_REGION`, `AWS_PROFILE` and all else that it looks at. An endpoint that is not Amazon's is
/// asked with the bucket in the path. A bucket in another region is found. `SIMPLEFLOW_S3_SSE`, a
/// setting of the Python original, has S3 encrypt what is put: `true` or `AES256` with a key of S3,
/// `aws:kms` with a key of KMS: the account's, or the one of `SIMPLEFLOW_S3_SSE_KMS_KEY_ID`.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use simpleflow_aws::Places;
///
/// let metrics = Places::new().open(&"s3://metrics/simpleflow".parse()?);
/// metrics.put("today.json", "[]").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Places {
    s3: Arc<Client>,
    /// Places without a prefix; the one that was used last is the last.
    open: Arc<Mutex<Vec<(Place, Objects)>>>,
}

impl Places {
    /// Places, none of which is open yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The objects of a place. Nobody is asked before something is done with them.
    pub fn open(&self, place: &Place) -> Objects {
        match place {
            Place::S3 { bucket, prefix } => {
                let root = Place::S3 {
                    bucket: bucket.clone(),
                    prefix: String::new(),
                };
                let make = || Objects::new(Bucket::new(Arc::clone(&self.s3), bucket));
                self.root(root, make).under(prefix)
            }
            Place::Folder(path) => self.root(place.clone(), || Objects::new(Folder::new(path))),
            // It speaks enough of S3's protocol.
            Place::Server { endpoint, prefix } => {
                let root = Place::Server {
                    endpoint: endpoint.clone(),
                    prefix: String::new(),
                };
                let client = || Arc::new(Client::of_server(endpoint));
                let make = || Objects::new(Bucket::new(client(), Place::SERVER_BUCKET));
                self.root(root, make).under(prefix)
            }
        }
    }

    /// What is open, or is opened now.
    fn root(&self, root: Place, make: impl FnOnce() -> Objects) -> Objects {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let objects = match open.iter().position(|(known, _)| *known == root) {
            Some(place) => open.remove(place).1,
            None => make(),
        };
        if open.len() == OPEN {
            open.remove(0);
        }
        open.push((root, objects.clone()));
        objects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(places: &Places) -> Vec<String> {
        let open = places.open.lock().unwrap();
        open.iter().map(|(place, _)| place.to_string()).collect()
    }

    #[test]
    fn the_places_that_were_used_last_are_remembered() {
        let places = Places::new();
        let open = |place: &str| places.clone().open(&place.parse().unwrap()).url();
        assert_eq!(open("s3://bucket/a"), "s3://bucket/a");
        open("http://localhost:8042/objects/values");
        open("file:///tmp/values");
        assert_eq!(open("s3://bucket/b"), "s3://bucket/b");
        let kept = [
            "http://localhost:8042/objects",
            "/tmp/values",
            "s3://bucket",
        ];
        assert_eq!(opened(&places), kept);
        for other in 1..OPEN {
            open(&format!("s3://bucket-{other}"));
        }
        let kept = opened(&places);
        assert_eq!((kept.len(), kept[0].as_str()), (OPEN, "s3://bucket"));
    }
}
