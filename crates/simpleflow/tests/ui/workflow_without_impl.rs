use simpleflow::prelude::*;

#[workflow]
struct Basic {
    x: i64,
}

fn main() {}
