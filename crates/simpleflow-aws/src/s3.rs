//! A bucket as a place for objects.

mod client;

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::{Builder, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use simpleflow_objects::{Bytes, ObjectFuture, ObjectInfo, ObjectStore, Problem};
use simpleflow_service::ServiceError;

use crate::error;
pub(crate) use client::Client;
use client::Made;

/// How many bytes S3 takes in one request.
const MOST: u64 = 5 << 30;

/// How often a download is begun or taken up again that ends before its end.
const ATTEMPTS: u32 = 5;

/// A bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    client: Arc<Client>,
    name: String,
    /// Its region, once it is known to be another than that of the settings.
    region: Mutex<Option<Region>>,
    /// Whether it is known to be there.
    found: AtomicBool,
}

impl Bucket {
    pub(crate) fn new(client: Arc<Client>, name: &str) -> Self {
        Self {
            client,
            name: name.to_owned(),
            region: Mutex::default(),
            found: AtomicBool::default(),
        }
    }

    /// Makes a call, and once more in the region of the bucket if that is another.
    async fn call<T, E, F>(&self, call: impl Fn(&Made, Builder) -> F) -> Result<T, Problem>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let made = self.client.get().await?;
        let region = || self.region.lock().unwrap_or_else(PoisonError::into_inner);
        let known = region().clone();
        let error = match call(made, settings(known.as_ref())).await {
            Ok(done) => {
                self.found.store(true, Ordering::Relaxed);
                return Ok(done);
            }
            Err(error) => error,
        };
        let Some(other) = region_of(&error).filter(|other| known.as_ref() != Some(other)) else {
            return Err(self.problem(made, error));
        };
        tracing::debug!(bucket = self.name, region = %other, "the bucket is in another region");
        *region() = Some(other.clone());
        let done = call(made, settings(Some(&other))).await;
        done.map_err(|error| self.problem(made, error))
    }

    fn problem<E>(&self, made: &Made, error: SdkError<E, HttpResponse>) -> Problem
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let status = error
            .raw_response()
            .map(|response| response.status().as_u16());
        match error::service_error(error) {
            ServiceError::Refused { code, .. } if code == "NoSuchKey" => Problem::NotFound,
            // The server in the box says so of an object.
            ServiceError::Refused { code, message } if code == "ObjectDamaged" => {
                Problem::Damaged(message)
            }
            // Whatever a server answers that has no objects at all.
            ServiceError::Refused { .. } | ServiceError::Unreadable(_) if status == Some(404) => {
                let at = made.endpoint.as_deref().unwrap_or("Amazon S3");
                Problem::NoPlace(format!("there is no bucket {} at {at}", self.name))
            }
            ServiceError::Denied(why) => Problem::Denied(match why.as_str() {
                // The answer to a HEAD says no more.
                "" => "the answer was 403".to_owned(),
                _ => why,
            }),
            ServiceError::Config(why) => Problem::Config(why),
            error if error.is_retryable() => Problem::Unavailable(error.to_string()),
            error => Problem::Failed(error.to_string()),
        }
    }

    /// Writes an object to `to`. A download that ends before its end is taken up where it ended, if
    /// the object is the same still.
    async fn read(&self, key: &str, to: &mut (dyn Write + Send)) -> Result<u64, Problem> {
        let mut written = 0;
        let mut etag = None::<String>;
        let mut attempts = 1..ATTEMPTS;
        loop {
            let from = written;
            let object = self
                .call(|made, settings| {
                    let range = (from > 0).then(|| format!("bytes={from}-"));
                    made.sdk
                        .get_object()
                        .bucket(&self.name)
                        .key(key)
                        .set_range(range)
                        .set_if_match(etag.clone())
                        .customize()
                        .config_override(settings)
                        .send()
                })
                .await?;
            etag = object.e_tag;
            let mut body = object.body;
            let cut = loop {
                match body.next().await {
                    None => return Ok(written),
                    Some(Ok(piece)) => {
                        to.write_all(&piece).map_err(Problem::writing)?;
                        written += piece.len() as u64;
                    }
                    Some(Err(error)) => break error,
                }
            };
            let cut = error::causes(&cut);
            if etag.is_none() || attempts.next().is_none() {
                return Err(Problem::Unavailable(format!(
                    "the download was cut off after {written} bytes: {cut}"
                )));
            }
            tracing::info!(
                key,
                written,
                cut,
                "a download was cut off: it is taken up again"
            );
        }
    }

    /// Whether the bucket is there. Who may not ask that is told that it is.
    async fn find_bucket(&self) -> Result<(), Problem> {
        if self.found.load(Ordering::Relaxed) {
            return Ok(());
        }
        let head = self.call(|made, settings| {
            let head = made.sdk.head_bucket().bucket(&self.name);
            head.customize().config_override(settings).send()
        });
        match head.await {
            Ok(_) | Err(Problem::Denied(_)) => Ok(()),
            Err(problem) => Err(problem),
        }
    }

    async fn write(&self, key: &str, value: Bytes) -> Result<(), Problem> {
        let size = value.len() as u64;
        if size > MOST {
            return Err(Problem::TooLarge { size, limit: MOST });
        }
        self.call(|made, settings| {
            let encryption = made.encryption.as_ref();
            made.sdk
                .put_object()
                .bucket(&self.name)
                .key(key)
                .set_content_type(key.ends_with(".json").then(|| "application/json".into()))
                .set_server_side_encryption(encryption.map(|with| with.kind.clone()))
                .set_ssekms_key_id(encryption.and_then(|with| with.key.clone()))
                .body(ByteStream::from(value.clone()))
                .customize()
                .config_override(settings)
                .send()
        })
        .await
        .map(drop)
    }

    async fn find(&self, prefix: &str) -> Result<Vec<ObjectInfo>, Problem> {
        let mut found = Vec::new();
        let mut next = None::<String>;
        loop {
            let page = self
                .call(|made, settings| {
                    made.sdk
                        .list_objects_v2()
                        .bucket(&self.name)
                        .prefix(prefix)
                        .set_continuation_token(next.clone())
                        .customize()
                        .config_override(settings)
                        .send()
                })
                .await?;
            found.extend(page.contents.into_iter().flatten().map(|object| {
                ObjectInfo {
                    size: object
                        .size
                        .and_then(|size| u64::try_from(size).ok())
                        .unwrap_or(0),
                    key: object.key.unwrap_or_default(),
                    modified: object.last_modified.and_then(|at| at.try_into().ok()),
                }
            }));
            next = page.next_continuation_token;
            if next.is_none() {
                return Ok(found);
            }
        }
    }
}

/// What differs in the settings for a bucket, if its region does.
fn settings(region: Option<&Region>) -> Builder {
    let settings = aws_sdk_s3::Config::builder();
    match region {
        Some(region) => settings.region(region.clone()),
        // Not to be set to none: that would be an override too.
        None => settings,
    }
}

/// The region that an answer says the bucket is in.
fn region_of<E>(error: &SdkError<E, HttpResponse>) -> Option<Region> {
    let headers = error.raw_response()?.headers();
    let region = headers.get("x-amz-bucket-region")?;
    Some(Region::new(region.to_owned()))
}

impl ObjectStore for Bucket {
    fn url(&self) -> String {
        match self.client.server() {
            Some(server) => format!("{server}/{}", self.name),
            None => format!("s3://{}", self.name),
        }
    }

    fn get<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Bytes> {
        Box::pin(async move {
            let mut value = Vec::new();
            self.read(key, &mut value).await?;
            Ok(value.into())
        })
    }

    fn put<'a>(&'a self, key: &'a str, value: Bytes) -> ObjectFuture<'a, ()> {
        Box::pin(self.write(key, value))
    }

    fn delete<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, ()> {
        Box::pin(async move {
            let deleted = self
                .call(|made, settings| {
                    let delete = made.sdk.delete_object().bucket(&self.name).key(key);
                    delete.customize().config_override(settings).send()
                })
                .await;
            match deleted {
                Ok(_) | Err(Problem::NotFound) => Ok(()),
                Err(problem) => Err(problem),
            }
        })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> ObjectFuture<'a, Vec<ObjectInfo>> {
        Box::pin(self.find(prefix))
    }

    fn size<'a>(&'a self, key: &'a str) -> ObjectFuture<'a, Option<u64>> {
        Box::pin(async move {
            let head = self
                .call(|made, settings| {
                    let head = made.sdk.head_object().bucket(&self.name).key(key);
                    head.customize().config_override(settings).send()
                })
                .await;
            match head {
                Ok(head) => {
                    let size = head.content_length.unwrap_or_default();
                    Ok(Some(u64::try_from(size).unwrap_or_default()))
                }
                // Such an answer has no body that says what there is none of.
                Err(Problem::NotFound | Problem::NoPlace(_)) => {
                    self.find_bucket().await.map(|()| None)
                }
                Err(problem) => Err(problem),
            }
        })
    }

    fn download<'a>(
        &'a self,
        key: &'a str,
        to: &'a mut (dyn Write + Send),
    ) -> ObjectFuture<'a, u64> {
        Box::pin(self.read(key, to))
    }
}
