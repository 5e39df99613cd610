use simpleflow::prelude::*;

struct Resize;

impl Resize {
    #[activity]
    fn resize(width: u32) -> u32 {
        width
    }
}

fn main() {}
