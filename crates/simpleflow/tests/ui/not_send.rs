use std::cell::Cell;
use std::rc::Rc;

use simpleflow::prelude::*;

#[activity]
async fn holds_an_rc(x: i64) -> Result<i64> {
    let shared = Rc::new(x);
    std::future::ready(()).await;
    Ok(*shared)
}

struct Counter(Cell<i64>);

#[activity]
impl Counter {
    fn execute(&self) -> i64 {
        self.0.get()
    }
}

fn main() {}
