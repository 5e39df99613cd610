//! Amazon Simple Workflow as a library.
