//! Strings in, strings out.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use simpleflow_objects::{Bytes, ObjectError, Objects, Place};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::disk::DiskCache;
use crate::flights::Flights;
use crate::memory::MemoryCache;
use crate::{JumboError, Settings, SettingsError, Signature, compression, settings};

/// The place of values that end with the program.
const MEMORY: &str = "memory:";

/// The first pause before something is tried again that may yet go well.
const PAUSE: Duration = Duration::from_millis(100);

/// How often it is tried again, with pauses that double, beside what the place itself tries.
const AGAIN: usize = 4;

/// Encodes and decodes strings. A handle: clones have the same caches and the same downloads.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use simpleflow_jumbo::{Jumbo, Settings};
/// use simpleflow_objects::{Folder, Objects, Place};
///
/// // With S3 this is `simpleflow_aws::Places::open`.
/// let open = |place: &Place| match place {
///     Place::Folder(path) => Objects::new(Folder::new(path)),
///     place => Objects::nowhere(format!("there is no way to {place}")),
/// };
/// let jumbo = Jumbo::new(Settings::from_env()?, open)?;
/// let sent = jumbo.encode("a long text", 8).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Jumbo(Arc<Inner>);

type Open = Box<dyn Fn(&Place) -> Objects + Send + Sync>;

struct Inner {
    ceiling: usize,
    compression: Option<i32>,
    /// Where values go.
    own: Option<Own>,
    open: Open,
    memory: MemoryCache,
    disk: Option<DiskCache>,
    flights: Flights,
}

struct Own {
    url: String,
    objects: Objects,
}

impl Jumbo {
    /// With these settings; `open` gives the objects of a place. It is asked each time that a value of
    /// another place than the settings' is read.
    ///
    /// # Errors
    /// [`SettingsError`]: bucket and prefix are longer than signatures can have.
    pub fn new(
        settings: Settings,
        open: impl Fn(&Place) -> Objects + Send + Sync + 'static,
    ) -> Result<Self, SettingsError> {
        let own = match &settings.place {
            None => None,
            Some(place) => Some(Own {
                url: settings::url(place)?,
                objects: open(place),
            }),
        };
        Ok(Self::with(settings, own, Box::new(open)))
    }

    /// With values that end with the program.
    pub fn in_memory() -> Self {
        Self::in_memory_with(Settings::default())
    }

    /// The same with these settings, but for the place and the caches.
    pub fn in_memory_with(settings: Settings) -> Self {
        let own = Own {
            url: MEMORY.to_owned(),
            objects: Objects::memory(),
        };
        // The place is as fast as the cache of it would be.
        let settings = Settings {
            memory: 0,
            disk_cache: None,
            ..settings
        };
        let nowhere = |place: &Place| {
            Objects::nowhere(format!(
                "values are in memory here: there is no way to {place}"
            ))
        };
        Self::with(settings, Some(own), Box::new(nowhere))
    }

    fn with(settings: Settings, own: Option<Own>, open: Open) -> Self {
        Self(Arc::new(Inner {
            ceiling: settings.ceiling,
            compression: settings.compression,
            own,
            open,
            memory: MemoryCache::new(settings.memory),
            disk: settings
                .disk_cache
                .map(|cache| DiskCache::new(cache.dir, cache.bytes)),
            flights: Flights::default(),
        }))
    }

    /// The URL of the place where values go; none if they go nowhere.
    pub fn place(&self) -> Option<&str> {
        self.0.own.as_ref().map(|own| own.url.as_str())
    }

    /// The objects of that place, which have the keys of [signatures](Signature::key).
    pub fn objects(&self) -> Option<&Objects> {
        self.0.own.as_ref().map(|own| &own.objects)
    }

    /// The cache on disk, if there is one.
    pub fn disk_cache(&self) -> Option<&DiskCache> {
        self.0.disk.as_ref()
    }

    /// How many characters a value may have whose field takes `limit`: more, if there is a place.
    pub fn ceiling(&self, limit: usize) -> usize {
        match self.0.own {
            Some(_) => self.0.ceiling.max(limit),
            None => limit,
        }
    }

    /// What goes in the place of a text that has more characters than its field takes; none if the
    /// text goes as it is. The value is there when this comes back. Each time it is another object, but
    /// [in memory](Self::in_memory), where one text has one signature.
    ///
    /// # Errors
    /// [`JumboError`]: the text is too long, or cannot be put where it belongs.
    pub async fn encode(&self, text: &str, limit: usize) -> Result<Option<String>, JumboError> {
        // Counting is not free, and no text has more characters than bytes.
        if text.len() <= limit {
            return Ok(None);
        }
        let length = text.chars().count();
        if length <= limit {
            return Ok(None);
        }
        let inner = &*self.0;
        let Some(own) = &inner.own else {
            return Err(JumboError::NoPlace { length, limit });
        };
        if length > inner.ceiling {
            return Err(JumboError::TooLong {
                length,
                ceiling: inner.ceiling,
            });
        }
        let id = match own.url.as_str() {
            MEMORY => id_of(text),
            _ => Uuid::new_v4(),
        };
        let signature = Signature::new(&own.url, id, length);
        let written = signature.to_string();
        if written.chars().count() > limit {
            return Err(JumboError::SignatureTooLong {
                signature: written,
                limit,
            });
        }
        let bytes = compression::to_bytes(text, inner.compression);
        let key = signature.key();
        again(|| own.objects.put(&key, bytes.clone()))
            .await
            .map_err(|source| JumboError::Write { length, source })?;
        tracing::debug!(length, signature = written, "a long value is elsewhere");
        let value = Arc::from(text);
        inner.keep(&signature, &value).await;
        inner.memory.put(written.clone(), value);
        Ok(Some(written))
    }

    /// The value of a signature; none if the text is no signature, and so the value itself. Who asks
    /// for one value at the same time gets it from one download.
    ///
    /// # Errors
    /// [`JumboError`] names the signature.
    pub async fn decode(&self, text: &str) -> Result<Option<Arc<str>>, JumboError> {
        let Some(signature) = Signature::parse(text) else {
            return Ok(None);
        };
        let inner = &*self.0;
        if let Some(value) = inner.memory.get(text) {
            return Ok(Some(value));
        }
        let value = inner.flights.join(text, inner.read(signature)).await?;
        Ok(Some(value))
    }
}

impl Inner {
    /// A value from the cache on disk, or from where it is.
    async fn read(&self, signature: Signature) -> Result<Arc<str>, JumboError> {
        let text = signature.to_string();
        // Somebody may have had it just before.
        if let Some(value) = self.memory.get(&text) {
            return Ok(value);
        }
        if let Some(value) = self.cached(&signature).await {
            self.memory.put(text, Arc::clone(&value));
            return Ok(value);
        }
        let objects = self.objects(&signature)?;
        let key = signature.key();
        let bytes: Bytes =
            again(|| objects.get(&key))
                .await
                .map_err(|source| JumboError::Read {
                    signature: text.clone(),
                    source,
                })?;
        let value = compression::to_text(bytes, signature.length()).map_err(|problem| {
            JumboError::Damaged {
                signature: text.clone(),
                problem,
            }
        })?;
        let value = Arc::from(value);
        self.keep(&signature, &value).await;
        self.memory.put(text, Arc::clone(&value));
        Ok(value)
    }

    /// The objects of the place that a signature names.
    fn objects(&self, signature: &Signature) -> Result<Objects, JumboError> {
        let url = signature.place();
        if let Some(own) = self.own.as_ref().filter(|own| own.url == url) {
            return Ok(own.objects.clone());
        }
        let unknown = |problem: String| JumboError::UnknownPlace {
            signature: signature.to_string(),
            problem,
        };
        if url.starts_with(MEMORY) {
            return Err(unknown("it was in the memory of another program".into()));
        }
        let place: Place = url
            .parse()
            .map_err(|error: simpleflow_objects::PlaceError| unknown(error.to_string()))?;
        Ok((self.open)(&place))
    }

    async fn cached(&self, signature: &Signature) -> Option<Arc<str>> {
        let (disk, signature) = (self.disk.clone()?, signature.clone());
        blocking(move || disk.get(&signature).map(Arc::from)).await?
    }

    async fn keep(&self, signature: &Signature, value: &Arc<str>) {
        if let Some(disk) = self.disk.clone() {
            let (signature, value) = (signature.clone(), Arc::clone(value));
            blocking(move || disk.put(&signature, &value)).await;
        }
    }
}

/// The id of a text, which no other text has.
fn id_of(text: &str) -> Uuid {
    let half = |number: u64| {
        let mut hasher = DefaultHasher::new();
        (number, text).hash(&mut hasher);
        hasher.finish()
    };
    Uuid::from_u64_pair(half(0), half(1))
}

/// Does what blocks on a thread for it, if there is a runtime that has some. There is nothing when
/// the runtime ends.
async fn blocking<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    match Handle::try_current() {
        Ok(runtime) => runtime.spawn_blocking(run).await.ok(),
        Err(_) => Some(run()),
    }
}

/// Tries until it goes well, or will not, for a few seconds.
async fn again<T, F: Future<Output = Result<T, ObjectError>>>(
    mut attempt: impl FnMut() -> F,
) -> Result<T, ObjectError> {
    let mut pauses = ExponentialBuilder::default()
        .with_min_delay(PAUSE)
        .with_max_times(AGAIN)
        .with_jitter()
        .build();
    loop {
        let error = match attempt().await {
            Err(error) if error.is_retryable() => error,
            outcome => return outcome,
        };
        // Without a runtime there is no clock.
        let Some(pause) = pauses.next().filter(|_| Handle::try_current().is_ok()) else {
            return Err(error);
        };
        tracing::warn!(?pause, "trying again: {error}");
        tokio::time::sleep(pause).await;
    }
}

impl fmt::Debug for Jumbo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jumbo")
            .field("place", &self.place())
            .field("ceiling", &self.0.ceiling)
            .field("compression", &self.0.compression)
            .field("disk_cache", &self.0.disk)
            .finish_non_exhaustive()
    }
}
