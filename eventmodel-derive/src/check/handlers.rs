//! One handler for one event.

use crate::ctxt::Ctxt;
use crate::field;
use crate::handler::Handler;
use crate::text;

/// Two names of one type look different here; the expansion compares the types of the events again.
pub(crate) fn check(ctxt: &Ctxt, handlers: &[Handler]) {
    for (i, handler) in handlers.iter().enumerate() {
        let twin = handlers[..i].iter().find(|other| {
            other.cfg.is_empty()
                && handler.cfg.is_empty()
                && field::same(&other.event, &handler.event)
        });
        if let Some(twin) = twin {
            ctxt.error(
                &handler.event,
                format_args!(
                    "`{}` is handled by `{}` already; an event has one handler",
                    text::of(&handler.event),
                    twin.name
                ),
            );
        }
    }
}
