//! End-to-end tests of the `simpleflow` command, run as a process.

mod bad_input;
mod cli;
mod common;
mod decider;
mod inspect;
mod new_project;
mod server;
mod standalone;
mod swf;
mod worker;
