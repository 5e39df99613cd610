//! What the compiler says of wrong uses of `#[activity]` and `#[workflow]`. Right ones stand in
//! `macros_forms`.
//!
//! A message is held in the `.stderr` beside its case, for the compiler that `rust-version`
//! names. `TRYBUILD=overwrite cargo test -p simpleflow --test macros_ui` writes them anew: read
//! the difference before you keep it.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
}
