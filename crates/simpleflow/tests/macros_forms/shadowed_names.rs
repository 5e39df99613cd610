//! What the user's module calls `Result` or `Vec` is the user's.

#![deny(unused_qualifications, clippy::all)]

/// Names that the prelude has, and more.
pub mod shadowed {
    #![allow(dead_code, non_camel_case_types)]

    use simpleflow::{Flow, Workflow, activity, workflow};

    mod std {}
    mod core {}
    mod alloc {}

    struct Result;
    struct Option;
    struct Vec;
    struct String;
    struct Box;
    struct Arguments;
    struct Arc;
    struct str;
    trait Default {}
    trait Into {}
    trait Clone {}

    #[allow(non_snake_case)]
    fn Ok() {}
    #[allow(non_snake_case)]
    fn Err() {}
    #[allow(non_snake_case)]
    fn Some() {}
    #[allow(non_upper_case_globals)]
    const None: u8 = 0;

    macro_rules! vec {
        () => {};
    }
    macro_rules! concat {
        () => {};
    }
    vec![];
    concat!();

    /// An activity.
    #[activity(name = "x", task_priority = 1, meta = "{}", heartbeat_timeout = "NONE")]
    pub fn plain(x: i64) -> i64 {
        x
    }

    /// A fallible one.
    #[activity(task_list = "x")]
    pub async fn fallible(x: i64) -> simpleflow::Result<i64> {
        ::core::result::Result::Ok(x)
    }

    /// A state.
    pub struct State;

    #[activity]
    impl State {
        /// What it does.
        pub fn execute(&self, x: i64) -> i64 {
            x
        }
    }

    /// A workflow.
    #[workflow(name = "x", task_list = "x", tag_list = ["a"], child_policy = "ABANDON")]
    pub struct Shadowed {
        #[default(30.0)]
        t: f64,
    }

    impl Workflow for Shadowed {
        type Output = f64;

        async fn run(self, flow: Flow) -> simpleflow::Result<f64> {
            flow.submit(plain(1));
            flow.submit(fallible(2));
            flow.submit(State::call(3));
            ::core::result::Result::Ok(self.t)
        }
    }
}

/// No prelude at all.
pub mod bare {
    #![no_implicit_prelude]

    /// An activity.
    #[::simpleflow::activity]
    pub async fn bare(x: ::std::string::String) -> ::std::string::String {
        x
    }

    /// A workflow.
    #[::simpleflow::workflow]
    pub struct Bare {
        x: ::std::option::Option<i64>,
    }

    impl ::simpleflow::Workflow for Bare {
        type Output = ::std::option::Option<i64>;

        async fn run(self, _: ::simpleflow::Flow) -> ::simpleflow::Result<Self::Output> {
            ::std::result::Result::Ok(self.x)
        }
    }
}
