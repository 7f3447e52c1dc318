//! An event belongs to each of its streams once.

use syn::{Expr, ExprLit, Lit};

use crate::check::overrides;
use crate::ctxt::Ctxt;
use crate::field;
use crate::model::event::EventModel;
use crate::text;

pub(crate) fn check(ctxt: &Ctxt, model: &EventModel<'_>) {
    for (i, stream) in model.streams.iter().enumerate() {
        if model.streams[..i]
            .iter()
            .any(|other| field::same(other, stream))
        {
            ctxt.error(
                stream,
                format_args!("`{}` is named twice", text::of(stream)),
            );
        }
    }
    if let Some(version) = &model.version
        && !matches!(version.base10_parse::<u32>(), Ok(1..))
    {
        ctxt.error(version, "a version is a number from 1");
    }
    if let Some(Expr::Lit(ExprLit {
        lit: Lit::Str(name),
        ..
    })) = &model.event_type
        && (name.value().is_empty() || name.value().contains(char::is_control))
    {
        ctxt.error(
            name,
            "the type of an event is a name: it is not empty, and has no control characters",
        );
    }
    if !model.streams.is_empty() {
        overrides::check(ctxt, &model.overrides, model.streams.len(), "stream");
    }
}
