use simpleflow::prelude::*;

struct Point;

#[derive(Debug)]
struct Broken;

#[activity]
async fn parameter(x: i64, point: Vec<Point>) {
    drop((x, point));
}

#[activity]
async fn result_in_a_result(x: i64) -> Result<Point> {
    drop(x);
    Ok(Point)
}

#[activity]
async fn error(x: i64) -> Result<i64, Broken> {
    Ok(x)
}

#[activity]
fn named_as_a_result() -> PointResult {
    PointResult
}

#[derive(serde::Serialize)]
struct PointResult;

struct Move;

#[activity]
impl Move {
    fn execute(&self, point: Option<Point>) -> Point {
        drop(point);
        Point
    }
}

#[workflow]
struct Journey {
    x: i64,
    point: Point,
}

impl Workflow for Journey {
    type Output = Point;

    async fn run(self, _: Flow) -> Result<Point> {
        Ok(self.point)
    }
}

fn main() {}
