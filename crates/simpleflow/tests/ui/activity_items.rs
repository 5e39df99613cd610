use simpleflow::prelude::*;

#[activity]
struct Resize {
    width: u32,
}

#[activity]
mod resize {}

#[activity]
impl std::fmt::Display for Resize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("resize")
    }
}

#[activity]
impl Resize {
    fn run(&self) {}
}

struct Mutable;

#[activity]
impl Mutable {
    fn execute(&mut self, x: i64) -> i64 {
        x
    }
}

struct Consumed;

#[activity]
impl Consumed {
    fn execute(self, x: i64) -> i64 {
        x
    }
}

struct Stateless;

#[activity]
impl Stateless {
    fn execute(x: i64) -> i64 {
        x
    }
}

struct Generic<T>(T);

#[activity]
impl<T> Generic<T> {
    fn execute(&self) {}
}

#[activity]
impl (Resize, Resize) {
    fn execute(&self) {}
}

impl Stateless {
    #[activity]
    fn method(&self, x: i64) -> i64 {
        x
    }
}

#[activity]
unsafe fn not_safe() {}

#[activity]
fn generic<T>(x: T) -> T {
    x
}

#[activity]
async fn lifetime<'a>(x: Option<&'a str>) {}

#[activity]
fn text(path: &str) -> u64 {
    path.len() as u64
}

#[activity]
fn slice(parts: &[String]) -> u64 {
    parts.len() as u64
}

#[activity]
fn reference(x: &mut Vec<i64>) {}

#[activity]
fn context(context: &ActivityContext) {}

#[activity]
fn any_type(x: impl Into<String>) {}

#[activity]
fn any_result() -> impl Iterator<Item = i64> {
    0..5
}

#[activity]
fn pattern((x, y): (i64, i64)) -> i64 {
    x + y
}

#[activity]
fn ignored(_: i64) {}

fn main() {}
