//! Catching the panics of user code, with the place in the source.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// A panic that was caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    /// What it said.
    pub message: String,
    /// Where it was, as `file:line:column`.
    pub location: String,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked at {}: {}", self.location, self.message)
    }
}

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static LOCATION: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The payload of a panic does not say where it was: only the hook is told. The hook keeps quiet
/// for panics that are caught here and passes on all others.
fn install_hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if CATCHING.get() {
                let place = info.location().map(ToString::to_string).unwrap_or_default();
                LOCATION.with(|location| *location.borrow_mut() = place);
            } else {
                previous(info);
            }
        }));
    });
}

/// Runs user code; a panic comes back as a value and prints nothing.
///
/// # Errors
/// [`Panic`], when the code panicked.
pub fn catch<T>(run: impl FnOnce() -> T) -> Result<T, Panic> {
    install_hook();
    let outer = CATCHING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    CATCHING.set(outer);
    result.map_err(|payload| Panic {
        message: message(&*payload),
        location: LOCATION.take(),
    })
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_back_with_its_place() {
        let n = 3;
        let panic = catch(|| panic!("no {n}")).unwrap_err();
        assert_eq!(panic.message, "no 3");
        assert!(panic.location.contains("panics.rs:"), "{panic}");
        assert_eq!(catch(|| 5), Ok(5));
    }
}
