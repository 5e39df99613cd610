//! Lays the figures of several programs side by side: JSON lines in, a table out.

use std::io;

use anyhow::Result;
use measure::{Figure, table};

fn main() -> Result<()> {
    let figures: Vec<Figure> = io::stdin()
        .lines()
        .map(|line| Ok(serde_json::from_str(&line?)?))
        .collect::<Result<_>>()?;
    print!("{}", table(&figures));
    Ok(())
}
