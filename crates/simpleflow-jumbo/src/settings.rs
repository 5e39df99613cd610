//! The settings, and the variables of the environment that say them.

use std::env;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use simpleflow_objects::Place;

use crate::SettingsError;

/// Where values go that are longer than their fields.
pub(crate) const PLACE_VARIABLE: &str = "SIMPLEFLOW_JUMBO_FIELDS_BUCKET";

/// How many characters they may have.
pub(crate) const CEILING_VARIABLE: &str = "SIMPLEFLOW_JUMBO_FIELDS_MAX_SIZE";

/// Whether they are compressed.
const COMPRESSION_VARIABLE: &str = "SIMPLEFLOW_JUMBO_FIELDS_COMPRESSION";

/// Whether there is a cache on disk.
const DISK_CACHE_VARIABLE: &str = "SIMPLEFLOW_ENABLE_DISK_CACHE";

/// Where it is.
const DISK_CACHE_DIR_VARIABLE: &str = "SIMPLEFLOW_DISK_CACHE_DIR";

/// How many bytes it may have.
const DISK_CACHE_SIZE_VARIABLE: &str = "SIMPLEFLOW_DISK_CACHE_SIZE";

/// How many characters a value may have unless another ceiling is set: 64 Mi. The original's is 5 Mi
/// when it writes; it reads whatever is there. A value is in memory as a whole, several times over:
/// beyond this it is better kept as a file that is named.
pub const VALUE_LENGTH: usize = 64 << 20;

/// How many characters the bucket may have with the prefix of keys, so that a signature fits into the
/// shortest fields, of 256 characters: the original's rule.
pub const PLACE_LENGTH: usize = 165;

/// How many bytes of values are kept in memory by default.
const MEMORY_BYTES: usize = 64 << 20;

/// How many bytes the cache on disk may have by default.
const DISK_CACHE_BYTES: u64 = 1 << 30;

/// The level of zstd when none is named: its own default.
const ZSTD_LEVEL: i32 = 3;

/// What paths have escaped in a URL of theirs, beside what is no ASCII.
const IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`');

/// How values travel that are longer than their fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where they go. Without a place they are refused; values that others wrote are read all the
    /// same.
    pub place: Option<Place>,
    /// How many characters a value may have: [`VALUE_LENGTH`] by default.
    pub ceiling: usize,
    /// The level of zstd, 1 to 19, to compress what is written. The Python original cannot read it
    /// then. What is compressed is read in any case.
    pub compression: Option<i32>,
    /// How many bytes of values to keep in memory: 64 MiB by default.
    pub memory: usize,
    /// The cache on disk, if there is one.
    pub disk_cache: Option<DiskCacheSettings>,
}

/// Where the cache on disk is, and how large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskCacheSettings {
    /// Its directory, which is made when it is needed.
    pub dir: PathBuf,
    /// How many bytes its entries may have: 1 GiB by default.
    pub bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            place: None,
            ceiling: VALUE_LENGTH,
            compression: None,
            memory: MEMORY_BYTES,
            disk_cache: None,
        }
    }
}

impl Settings {
    /// What the environment says. A variable that is empty says nothing.
    ///
    /// - `SIMPLEFLOW_JUMBO_FIELDS_BUCKET`: where values go: `bucket[/prefix]` of S3, or the URL of any
    ///   place, as `file:///var/lib/values`. Unset: nowhere.
    /// - `SIMPLEFLOW_JUMBO_FIELDS_MAX_SIZE`: how many characters they may have: 64 Mi unless it is
    ///   set. The original writes up to 5 Mi: `5242880`.
    /// - `SIMPLEFLOW_JUMBO_FIELDS_COMPRESSION`: `off` (the default), `zstd`, or `zstd:LEVEL` with a
    ///   level of 1 to 19. Python readers do not understand it.
    /// - `SIMPLEFLOW_ENABLE_DISK_CACHE`: `true` or `false` (the default).
    /// - `SIMPLEFLOW_DISK_CACHE_DIR`: where that cache is: `simpleflow` in the user's directory for
    ///   caches unless it is set. It must be if there is a cache and nothing says where the user's
    ///   directories are.
    /// - `SIMPLEFLOW_DISK_CACHE_SIZE`: how many bytes it may have, as `500M` or `2G`: 1 GiB unless it
    ///   is set.
    ///
    /// # Errors
    /// [`SettingsError`] names the variable.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from_vars(var)
    }

    /// What the environment says of the cache on disk, whether it is enabled or not.
    ///
    /// # Errors
    /// [`SettingsError`] names the variable.
    pub fn disk_cache_from_env() -> Result<DiskCacheSettings, SettingsError> {
        Ok(DiskCacheSettings {
            dir: cache_dir(&var)?,
            bytes: disk_cache_bytes(&var)?,
        })
    }

    fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut settings = Self::default();
        if let Some(place) = var(PLACE_VARIABLE) {
            settings.place = Some(Place::of_bucket(&place)?);
        }
        if let Some(value) = var(CEILING_VARIABLE) {
            let ceiling = value.parse().ok().filter(|ceiling| *ceiling > 0);
            settings.ceiling = ceiling.ok_or(SettingsError::Variable {
                variable: CEILING_VARIABLE,
                value,
                expected: "a number of characters, as 5242880",
            })?;
        }
        if let Some(value) = var(COMPRESSION_VARIABLE) {
            settings.compression = compression(&value).ok_or(SettingsError::Variable {
                variable: COMPRESSION_VARIABLE,
                value,
                expected: "off, zstd, or zstd:LEVEL with a level of 1 to 19",
            })?;
        }
        let bytes = disk_cache_bytes(&var)?;
        if let Some(value) = var(DISK_CACHE_VARIABLE) {
            let enabled = switch(&value).ok_or(SettingsError::Variable {
                variable: DISK_CACHE_VARIABLE,
                value,
                expected: "true or false",
            })?;
            if enabled {
                let dir = cache_dir(&var)?;
                settings.disk_cache = Some(DiskCacheSettings { dir, bytes });
            }
        }
        settings.check()?;
        Ok(settings)
    }

    /// Checks what can be checked before anything is written.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        self.place
            .as_ref()
            .map_or(Ok(()), |place| url(place).map(drop))
    }
}

/// The URL of a place as signatures have it, without blanks.
pub(crate) fn url(place: &Place) -> Result<String, SettingsError> {
    let url = match place {
        Place::Folder(path) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            let Some(path) = path.to_str() else {
                return Err(SettingsError::Path(path.display().to_string()));
            };
            let path = path.trim_end_matches('/');
            format!("file://{}", utf8_percent_encode(path, IN_PATHS))
        }
        place => place.to_string(),
    };
    let (_, name) = url.split_once("://").unwrap_or(("", &url));
    match name.chars().count() {
        0..=PLACE_LENGTH => Ok(url),
        _ => Err(SettingsError::PlaceTooLong {
            place: name.to_owned(),
        }),
    }
}

fn var(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn disk_cache_bytes(var: &impl Fn(&str) -> Option<String>) -> Result<u64, SettingsError> {
    match var(DISK_CACHE_SIZE_VARIABLE) {
        None => Ok(DISK_CACHE_BYTES),
        Some(value) => bytes(&value).ok_or(SettingsError::Variable {
            variable: DISK_CACHE_SIZE_VARIABLE,
            value,
            expected: "a number of bytes, as 500M or 2G",
        }),
    }
}

/// The directory of the cache: the user's own, so that nobody else puts anything there. One that all
/// users have, as `/tmp`, will not do.
fn cache_dir(var: &impl Fn(&str) -> Option<String>) -> Result<PathBuf, SettingsError> {
    if let Some(named) = var(DISK_CACHE_DIR_VARIABLE) {
        return Ok(named.into());
    }
    let absolute = |dir: &PathBuf| dir.is_absolute();
    let caches = var("XDG_CACHE_HOME").map(PathBuf::from).filter(absolute);
    let home = || var("HOME").map(|home| Path::new(&home).join(".cache"));
    let Some(caches) = caches.or_else(home) else {
        return Err(SettingsError::Variable {
            variable: DISK_CACHE_DIR_VARIABLE,
            value: String::new(),
            expected: "a directory, since neither HOME nor XDG_CACHE_HOME says where that of the \
                       user's caches is",
        });
    };
    Ok(caches.join("simpleflow"))
}

fn switch(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn compression(value: &str) -> Option<Option<i32>> {
    match value.split_once(':') {
        Some(("zstd", level)) => {
            let level = level.parse().ok()?;
            (1..=19).contains(&level).then_some(Some(level))
        }
        None if value == "zstd" => Some(Some(ZSTD_LEVEL)),
        None if switch(value) == Some(false) => Some(None),
        _ => None,
    }
}

/// A number of bytes, maybe with a unit, each 1,024 times the one before.
fn bytes(value: &str) -> Option<u64> {
    let value = value.trim_end_matches(['B', 'b']).trim_end_matches('i');
    let units = ['K', 'M', 'G', 'T'];
    let unit = value.chars().last().map(|unit| unit.to_ascii_uppercase());
    let unit = units.iter().position(|known| Some(*known) == unit);
    let (number, factor) = match unit {
        Some(place) => (&value[..value.len() - 1], 1 << (10 * (place + 1))),
        None => (value, 1),
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(vars: &[(&str, &str)]) -> Result<Settings, String> {
        let var = |name: &str| {
            let found = vars.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Settings::from_vars(var).map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_environment_says_nothing() {
        assert_eq!(settings(&[]), Ok(Settings::default()));
    }

    #[test]
    fn variables_are_the_originals_and_a_few_more() {
        let read = settings(&[
            (PLACE_VARIABLE, "values/of/us/"),
            (CEILING_VARIABLE, "5242880"),
            (COMPRESSION_VARIABLE, "zstd:9"),
            (DISK_CACHE_VARIABLE, "True"),
            (DISK_CACHE_DIR_VARIABLE, "/c"),
            (DISK_CACHE_SIZE_VARIABLE, "500M"),
        ])
        .unwrap();
        assert_eq!(read.place, Some("s3://values/of/us".parse().unwrap()));
        assert_eq!((read.ceiling, read.compression), (5_242_880, Some(9)));
        let cache = DiskCacheSettings {
            dir: "/c".into(),
            bytes: 500 << 20,
        };
        assert_eq!(read.disk_cache, Some(cache));
        // In the original every text was true.
        let off = settings(&[(DISK_CACHE_VARIABLE, "0")]).unwrap();
        assert_eq!(off.disk_cache, None);
        let home = settings(&[(DISK_CACHE_VARIABLE, "1"), ("HOME", "/h")]).unwrap();
        let dir = home.disk_cache.unwrap().dir;
        assert_eq!(dir, Path::new("/h/.cache/simpleflow"));
    }

    #[test]
    fn without_a_home_a_cache_needs_a_directory() {
        let error = settings(&[(DISK_CACHE_VARIABLE, "1")]).unwrap_err();
        assert!(error.contains(DISK_CACHE_DIR_VARIABLE), "{error}");
        assert!(error.contains("HOME"), "{error}");
        // A directory that is relative means nothing.
        let relative = [(DISK_CACHE_VARIABLE, "1"), ("XDG_CACHE_HOME", "caches")];
        assert!(settings(&relative).is_err());
        assert!(settings(&[(DISK_CACHE_VARIABLE, "0")]).is_ok());
        let named = [(DISK_CACHE_VARIABLE, "1"), (DISK_CACHE_DIR_VARIABLE, "/c")];
        assert!(settings(&named).is_ok());
    }

    #[test]
    fn a_variable_that_means_nothing_is_named() {
        for (variable, value) in [
            (PLACE_VARIABLE, "gs://b"),
            (CEILING_VARIABLE, "0"),
            (CEILING_VARIABLE, "many"),
            (COMPRESSION_VARIABLE, "zstd:20"),
            (COMPRESSION_VARIABLE, "gzip"),
            (DISK_CACHE_VARIABLE, "maybe"),
            (DISK_CACHE_SIZE_VARIABLE, "1Q"),
            (DISK_CACHE_SIZE_VARIABLE, "G"),
        ] {
            let error = settings(&[(variable, value)]).unwrap_err();
            assert!(error.contains(variable) && error.contains(value), "{error}");
        }
    }

    #[test]
    fn bucket_and_prefix_have_at_most_165_characters() {
        let longest = format!("bucket/{}", "p".repeat(PLACE_LENGTH - 7));
        assert!(settings(&[(PLACE_VARIABLE, &longest)]).is_ok());
        let error = settings(&[(PLACE_VARIABLE, &format!("{longest}p"))]).unwrap_err();
        assert!(error.contains("has 166 characters"), "{error}");
    }

    #[test]
    fn the_url_of_a_folder_has_no_blank_and_leads_back() {
        let folder = Place::Folder("/a b/ü%20".into());
        let url = url(&folder).unwrap();
        assert_eq!(url, "file:///a%20b/%C3%BC%2520");
        assert_eq!(url.parse(), Ok(folder));
    }
}
