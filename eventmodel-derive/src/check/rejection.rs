//! A code names one reason.

use crate::check::command::is_kebab;
use crate::ctxt::Ctxt;
use crate::rejection::RejectionModel;

pub(crate) fn check(ctxt: &Ctxt, model: &RejectionModel<'_>) {
    for (i, reason) in model.reasons.iter().enumerate() {
        let code = &reason.code;
        if !is_kebab(code) {
            ctxt.error_at(
                reason.span,
                format_args!(
                    "the code `{code}` is a part of addresses: small letters, digits and single `-`; \
                     say another: `#[rejection(code = \"already-booked\")]`"
                ),
            );
        }
        let twin = model.reasons[..i]
            .iter()
            .find(|other| other.code == *code && other.cfg.is_empty());
        if let (Some(twin), true) = (twin, reason.cfg.is_empty()) {
            ctxt.error_at(
                reason.span,
                format_args!(
                    "`{}` has the code `{code}` too; give this one another: `#[rejection(code = \"..\")]`",
                    twin.ident
                ),
            );
        }
    }
}
