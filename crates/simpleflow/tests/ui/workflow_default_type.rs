use simpleflow::prelude::*;

#[workflow]
struct Defaults {
    x: i64,
    #[default("30")]
    t: f64,
}

impl Workflow for Defaults {
    type Output = f64;

    async fn run(self, _: Flow) -> Result<f64> {
        Ok(self.t)
    }
}

fn main() {}
