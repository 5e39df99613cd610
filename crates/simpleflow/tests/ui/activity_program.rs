use simpleflow::prelude::*;

#[activity]
fn nameless(x: i64) -> Result<i64>;

#[activity(program = "convert")]
fn with_a_body(x: i64) -> Result<i64> {
    Ok(x)
}

#[activity(program = "convert")]
async fn waits(x: i64) -> Result<i64>;

#[activity(program = "convert")]
fn with_context(context: ActivityContext, x: i64) -> Result<i64>;

#[activity(program = [])]
fn empty(x: i64);

#[activity(program = 3)]
fn number(x: i64);

#[activity(program = "convert")]
fn borrows(x: &str);

struct NotJson;

#[activity(program = "convert")]
fn not_json(x: i64) -> Result<NotJson>;

fn main() {}
