use simpleflow::prelude::*;

struct Basic {
    x: i64,
}

impl Workflow for Basic {
    type Output = i64;

    async fn run(self, _: Flow) -> Result<i64> {
        Ok(self.x)
    }
}

fn main() {}
