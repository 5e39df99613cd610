//! Opening places for objects.

use std::sync::Arc;

use simpleflow_objects::{Folder, Objects, Place};

use crate::s3::{Bucket, Client};

/// Opens places for objects, with connections that those of S3 have in common. A handle: clones have
/// the same connections.
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
                let bucket = Bucket::new(Arc::clone(&self.s3), bucket);
                Objects::new(bucket).under(prefix)
            }
            Place::Folder(path) => Objects::new(Folder::new(path)),
            // It speaks enough of S3's protocol.
            Place::Server { endpoint, prefix } => {
                let client = Arc::new(Client::of_server(endpoint));
                Objects::new(Bucket::new(client, Place::SERVER_BUCKET)).under(prefix)
            }
        }
    }
}
