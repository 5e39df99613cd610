//! Several deciders over one service: what they keep, how they stop, and what they bear.

mod faults;
mod sticky;
mod stop;
mod tapped;
mod world;
