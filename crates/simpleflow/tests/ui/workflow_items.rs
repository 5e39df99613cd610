use simpleflow::prelude::*;

#[workflow]
enum Order {
    New,
}

#[workflow]
fn order(x: i64) {}

#[workflow]
struct Tuple(i64, i64);

#[workflow]
struct Generic<T> {
    x: T,
}

#[workflow]
struct Borrowed<'a> {
    x: &'a str,
}

fn main() {}
