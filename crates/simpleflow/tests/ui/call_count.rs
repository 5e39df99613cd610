use simpleflow::prelude::*;

#[activity]
async fn add(x: i64, context: ActivityContext, y: i64) -> Result<i64> {
    drop(context);
    Ok(x + y)
}

struct Scale;

#[activity]
impl Scale {
    fn execute(&self, x: f64) -> f64 {
        x
    }
}

fn workflow(flow: &Flow) {
    flow.submit(add(1));
    flow.submit(add(1, 2, 3));
    flow.submit(Scale::call());
}

fn main() {}
