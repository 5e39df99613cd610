//! Long values on S3, which is moto: encode and decode, cold and cached, beside the Python original on
//! the same moto in the same run. Then the cache on disk: a read from it beside a read of the file,
//! and what an eviction costs as it grows.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::Duration;

use simpleflow::jumbo::{DiskCache, DiskCacheSettings, Jumbo, Settings, Signature};
use simpleflow::objects::Places;
use simpleflow_benches::{Times, ended, paired, ratio, timed, verdict};
use tokio::runtime::{Builder, Runtime};

/// How often each is measured.
const ROUNDS: usize = 15;

/// The longest that a field takes.
const LIMIT: usize = 32_768;

const BUCKET: &str = "jumbo";

/// How often evictions are measured.
const EVICTION_ROUNDS: usize = 3;

/// How many bytes the values have that are evicted.
const VALUE: usize = 100;

/// How much more an eviction may cost in a cache with a hundred times as many entries.
const FLAT: f64 = 1.5;

fn main() -> ExitCode {
    let python = std::env::var("SIMPLEFLOW_BENCH_PYTHON").unwrap_or_else(|_| "python3".into());
    let dir = tempfile::tempdir().expect("a directory");
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    assert!(
        std::env::var_os("AWS_ENDPOINT_URL_S3").is_some(),
        "AWS_ENDPOINT_URL_S3 names a moto that runs: see scripts/lib/bench-jumbo"
    );
    beside_the_original(&runtime, &python, dir.path());
    beside_the_file(dir.path());
    eviction(dir.path());
    ended()
}

fn beside_the_original(runtime: &Runtime, python: &str, dir: &Path) {
    let mut original = Original::start(python, &dir.join("original"));
    println!("long values on moto's S3, ms at best (in the middle); the original in the same run");
    println!(
        "{:<16} {:>7} {:>18} {:>18} {:>7}",
        "what", "chars", "this", "original", "ratio"
    );
    for size in [64 << 10, 1 << 20, 5 << 20] {
        let text = text(size);
        let plain = on_s3(None, 0);
        let memory = on_s3(None, 64 << 20);
        let disk = on_s3(Some(&dir.join("cache")), 0);
        let encode = |jumbo: &Jumbo| {
            let sent = runtime.block_on(jumbo.encode(&text, LIMIT));
            sent.expect("it is written").expect("it is long")
        };
        let decode = |jumbo: &Jumbo, signature: &str| {
            let value = runtime
                .block_on(jumbo.decode(signature))
                .expect("it is read");
            assert_eq!(value.map(|value| value.len()), Some(text.len()));
        };
        let signature = encode(&memory);
        decode(&disk, &signature);
        let sides: [(&str, &dyn Fn()); 4] = [
            ("encode", &|| drop(encode(&plain))),
            ("decode cold", &|| decode(&plain, &signature)),
            ("decode disk", &|| decode(&disk, &signature)),
            ("decode memory", &|| decode(&memory, &signature)),
        ];
        for (name, ours) in sides {
            let (mut these, mut those) = (Vec::new(), Vec::new());
            ours();
            original.time(name, size);
            for _ in 0..ROUNDS {
                these.push(timed(ours));
                those.push(original.time(name, size));
            }
            let (these, those) = (Times::new(these), Times::new(those));
            println!(
                "{name:<16} {size:>7} {} {} {:>7.2}",
                shown(&these),
                shown(&those),
                ratio(these.min(), those.min())
            );
        }
    }
}

/// A read of what is in the cache, beside a read of a file with the same text.
fn beside_the_file(dir: &Path) {
    let text = text(5 << 20);
    let cache = DiskCache::new(dir.join("cache"), 1 << 30);
    let signature = signature(0, text.len());
    cache.put(&signature, &text);
    let file = dir.join("text");
    fs::write(&file, &text).expect("it is written");
    let (cached, read) = paired(
        4 * ROUNDS,
        || cache.get(&signature).expect("it is there"),
        || fs::read_to_string(&file).expect("it is read"),
    );
    let figure = ratio(cached.min(), read.min());
    println!(
        "cached read of 5 MB: {} ms, reading the file {} ms: {figure:.2}; bound 2: {}",
        shown(&cached).trim(),
        shown(&read).trim(),
        verdict(figure, 2.0)
    );
}

fn signature(number: u64, length: usize) -> Signature {
    let id = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let id = format!("{id:032x}");
    let id = [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-");
    Signature::parse(&format!("simpleflow+s3://b/{id} {length}")).expect("it is one")
}

/// What it costs to put something into a cache that is full, with all evictions that it leads to: in a
/// small one and in a large one, by turns.
fn eviction(dir: &Path) {
    let mut sides = [1_000_u64, 100_000].map(|entries| Full::new(dir, entries));
    for _ in 0..EVICTION_ROUNDS {
        sides.iter_mut().for_each(Full::put_some);
    }
    let [small, large] = sides.map(|side| side.best.as_secs_f64() * 1e6);
    let figure = large / small;
    println!(
        "a put with its evictions: {small:.0} us among 1,000 entries, {large:.0} us among 100,000: \
         {figure:.2}; bound {FLAT}: {}",
        verdict(figure, FLAT)
    );
}

/// A cache that is full.
struct Full {
    cache: DiskCache,
    entries: u64,
    /// How many were put so far.
    put: u64,
    /// What a put took in the best round.
    best: Duration,
}

impl Full {
    fn new(dir: &Path, entries: u64) -> Self {
        let value = "x".repeat(VALUE);
        let entry = (VALUE + signature(0, VALUE).to_string().len() + 20) as u64;
        let cache = DiskCache::new(dir.join(format!("evict-{entries}")), entries * entry);
        for number in 0..entries {
            cache.put(&signature(number, VALUE), &value);
        }
        Self {
            cache,
            entries,
            put: entries,
            best: Duration::MAX,
        }
    }

    /// Puts so many that there are several evictions, at either size.
    fn put_some(&mut self) {
        let (value, puts) = ("x".repeat(VALUE), self.entries / 3);
        let took = timed(|| {
            for number in self.put..self.put + puts {
                self.cache.put(&signature(number, VALUE), &value);
            }
        });
        self.put += puts;
        self.best = self
            .best
            .min(took / u32::try_from(puts).expect("they are few"));
    }
}

fn text(size: usize) -> String {
    // The original takes no more than 5 MiB with the quotes.
    let digits = "0123456789abcdef".repeat(size / 16);
    format!("\"{}\"", &digits[..size - 2])
}

fn shown(times: &Times) -> String {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    format!("{:>9.2} ({:>6.2})", ms(times.min()), ms(times.median()))
}

/// The environment names the endpoint.
fn on_s3(cache: Option<&Path>, memory: usize) -> Jumbo {
    let settings = Settings {
        place: Some(format!("s3://{BUCKET}").parse().expect("it is a place")),
        memory,
        disk_cache: cache.map(|dir| DiskCacheSettings {
            dir: dir.to_owned(),
            bytes: 1 << 30,
        }),
        ..Settings::default()
    };
    let places = Places::new();
    Jumbo::new(settings, move |place| places.open(place)).expect("the settings fit")
}

/// The original, in a process that does what it is told and says how long it took.
struct Original {
    process: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Original {
    fn start(python: &str, cache: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/jumbo.py");
        let mut process = Command::new(python)
            .arg(script)
            .args([BUCKET.as_ref(), cache.as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the original starts");
        let asks = process.stdin.take().expect("it has a stdin");
        let answers = process.stdout.take().expect("it has a stdout");
        let mut answers = BufReader::new(answers);
        // The bucket is there then.
        answers
            .read_line(&mut String::new())
            .expect("it says that it is ready");
        Self {
            process,
            asks,
            answers,
        }
    }

    fn time(&mut self, what: &str, size: usize) -> Duration {
        writeln!(self.asks, "{what},{size}").expect("it listens");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("it answers");
        let seconds = answer.trim().parse().expect("it answers seconds");
        Duration::from_secs_f64(seconds)
    }
}

impl Drop for Original {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
