use simpleflow::prelude::*;

#[activity]
async fn increment(x: i64) -> Result<i64> {
    Ok(x + 1)
}

#[activity]
async fn name(x: i64) -> Result<String> {
    Ok(x.to_string())
}

#[activity]
async fn point(point: Point) -> Result<()> {
    drop(point);
    Ok(())
}

#[activity]
async fn wait(seconds: f64) {
    drop(seconds);
}

#[derive(serde::Deserialize)]
struct Point;

fn workflow(flow: &Flow) {
    flow.submit(increment("one"));
    let name = flow.submit(name(1));
    flow.submit(increment(&name));
    flow.submit(increment(Some(1)));
    flow.submit(wait(1));
    flow.submit(point(Point));
    flow.submit(increment::run(1));
}

fn main() {}
