//! What a panic says, and where.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static CAUGHT: RefCell<Option<Option<String>>> = const { RefCell::new(None) };
}

/// The text of the panic in `f`, and the line of this workspace that it points at.
#[track_caller]
pub(crate) fn panic_of(f: impl FnOnce()) -> (String, String) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            let wanted = CAUGHT.with_borrow_mut(|caught| match caught {
                Some(at) => {
                    *at = info.location().map(ToString::to_string);
                    true
                }
                None => false,
            });
            if !wanted {
                usual(info);
            }
        }));
    });
    CAUGHT.set(Some(None));
    let caught = catch_unwind(AssertUnwindSafe(f));
    let at = CAUGHT.take().flatten().unwrap_or_default();
    let panic = caught.expect_err("a panic");
    let text = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
    (text.expect("a panic with a text"), at)
}

/// The text of the panic in `f`, which must point at the file of the caller.
#[track_caller]
pub(crate) fn failure_of(f: impl FnOnce()) -> String {
    let here = std::panic::Location::caller().file();
    let (text, at) = panic_of(f);
    assert!(at.starts_with(here), "it points at {at}: {text}");
    text
}
