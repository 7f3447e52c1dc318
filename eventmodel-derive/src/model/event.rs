//! An event: its fields, the streams it belongs to, and how it finds their keys.

use syn::{DeriveInput, Expr, LitInt, Path, Type};

use crate::attr::crate_or_default;
use crate::attr::event::EventAttr;
use crate::attr::overrides::Override;
use crate::ctxt::Ctxt;
use crate::doc::Doc;
use crate::field::{self, Field, Kind};

pub(crate) const KIND: Kind = Kind {
    name: "an event",
    attr: "event",
    instead_of_enum: "write one struct for each fact, with `#[derive(Event)]` on each",
    example: "struct RoomBooked { room: RoomId, date: Date }",
};

pub(crate) struct EventModel<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) krate: Path,
    pub(crate) doc: Doc,
    pub(crate) fields: Option<Vec<Field>>,
    pub(crate) streams: Vec<Type>,
    pub(crate) event_type: Option<Expr>,
    pub(crate) version: Option<LitInt>,
    pub(crate) codec: Option<Type>,
    pub(crate) overrides: Vec<Override>,
}

pub(crate) fn build<'a>(ctxt: &Ctxt, input: &'a DeriveInput, attr: EventAttr) -> EventModel<'a> {
    let fields = field::named(ctxt, input, &KIND);
    field::owned(ctxt, input, &KIND);
    if !attr.names_streams {
        ctxt.error(
            &input.ident,
            format_args!(
                "`{}` belongs to no stream: write `#[event(stream = ..)]`, or `#[event(streams(.., ..))]` for several",
                input.ident
            ),
        );
    }
    EventModel {
        input,
        krate: crate_or_default(attr.krate),
        doc: Doc::of(&input.attrs),
        fields,
        streams: attr.streams,
        event_type: attr.event_type,
        version: attr.version,
        codec: attr.codec,
        overrides: attr.overrides,
    }
}
