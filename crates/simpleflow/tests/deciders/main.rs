//! Several deciders over one service: what they keep, how they stop, and what they bear; and how a
//! worker polls.

mod faults;
mod sticky;
mod stop;
mod tapped;
mod worker;
mod world;
