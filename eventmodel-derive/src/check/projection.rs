//! The handlers of a projection fold, and each event gives the whole key.

use syn::ReturnType;
use syn::Type;
use syn::ext::IdentExt;

use crate::attr::projection::{KeyAttr, KeyField};
use crate::check::handlers;
use crate::ctxt::Ctxt;
use crate::field::bare;
use crate::handler::Handler;
use crate::model::projection::ProjectionModel;
use crate::suggest;

/// As many as `Key` is implemented for.
pub(crate) const MAX_PARTS: usize = 4;

pub(crate) fn check(ctxt: &Ctxt, model: &ProjectionModel) {
    if let KeyAttr::Fields(fields) = &model.key {
        check_fields(ctxt, model, fields);
    }
    check_snapshot(ctxt, model);
    for handler in &model.handlers {
        if handler.is_async {
            ctxt.error(
                &handler.name,
                "a projection is a pure fold, so its handlers are not `async`; what reacts to events is an `#[automation]`",
            );
        }
        if let ReturnType::Type(_, ty) = &handler.output
            && !matches!(bare(ty), Type::Tuple(tuple) if tuple.elems.is_empty())
        {
            ctxt.error(
                ty,
                "a handler of a projection returns nothing: it changes `self`",
            );
        }
        check_overrides(ctxt, model, handler);
    }
    handlers::check(ctxt, &model.handlers);
}

fn check_snapshot(ctxt: &Ctxt, model: &ProjectionModel) {
    let Some(snapshot) = &model.snapshot else {
        return;
    };
    if !matches!(model.key, KeyAttr::Stream(_)) {
        ctxt.error(
            snapshot,
            "only the state of a decision is kept as a snapshot, and that is keyed by a stream: `key = Booking, snapshot`",
        );
    }
    for ty in model.handlers.iter().flat_map(|handler| &handler.more) {
        ctxt.error(
            ty,
            "a snapshot is made before its last event is recorded, so the handlers cannot be given what is recorded \
             with an event; let the event say it, or remove `snapshot`",
        );
    }
}

fn check_fields(ctxt: &Ctxt, model: &ProjectionModel, fields: &[KeyField]) {
    if fields.is_empty() {
        ctxt.error(
            &model.block.self_ty,
            "`key()` names no field: write `#[projection]` for a projection that has one instance",
        );
    }
    for (i, field) in fields.iter().enumerate() {
        if fields[..i]
            .iter()
            .any(|other| other.name.unraw() == field.name.unraw())
        {
            ctxt.error(
                &field.name,
                format_args!("`{}` is named twice", field.name.unraw()),
            );
        }
    }
    if let Some(field) = fields.get(MAX_PARTS) {
        ctxt.error(
            &field.name,
            format_args!("a key has at most {MAX_PARTS} parts"),
        );
    }
}

fn check_overrides(ctxt: &Ctxt, model: &ProjectionModel, handler: &Handler) {
    for over in &handler.overrides {
        let name = over.field.unraw().to_string();
        if let Some((_, index)) = &over.index {
            ctxt.error(
                index,
                format_args!("a projection has one key: write `{name} = ..`"),
            );
        }
        match &model.key {
            KeyAttr::None => ctxt.error(
                &over.field,
                "this projection has no key; say it on the block: `#[projection(key(room: RoomId))]`",
            ),
            KeyAttr::Fields(fields) => {
                let names: Vec<String> = fields.iter().map(|f| f.name.unraw().to_string()).collect();
                if !names.contains(&name) {
                    let hint = suggest::or_known(&name, "it has", names.iter().map(String::as_str));
                    ctxt.error(&over.field, format_args!("the key has no part `{name}`{hint}"));
                }
            }
            KeyAttr::Stream(_) => {}
        }
    }
}
