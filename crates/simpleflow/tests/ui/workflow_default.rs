use simpleflow::prelude::*;

#[workflow]
struct Defaults {
    #[default]
    without: f64,
    #[default = 30.0]
    equals: f64,
    #[default()]
    empty: f64,
    #[default(1.0, 2.0)]
    two: f64,
    #[default(1.0)]
    #[default(2.0)]
    twice: f64,
}

impl Workflow for Defaults {
    type Output = f64;

    async fn run(self, _: Flow) -> Result<f64> {
        Ok(self.without)
    }
}

fn main() {}
