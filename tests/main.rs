//! End-to-end tests of the `simpleflow` command, run as a process.

mod backends;
mod bad_input;
mod cli;
mod common;
mod decider;
mod examples;
mod faults;
mod fleet;
mod inspect;
mod jumbo;
mod kills;
mod new_project;
mod proxy;
mod resources;
mod running;
mod server;
mod standalone;
mod steps;
mod swf;
mod worker;
