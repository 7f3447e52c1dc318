//! A projection: what it is keyed by, and its handlers.

use proc_macro2::TokenStream;
use syn::{Ident, ItemImpl, Path};

use crate::attr::crate_or_default;
use crate::attr::projection::{KeyAttr, ProjectionAttr};
use crate::ctxt::Ctxt;
use crate::doc::Doc;
use crate::handler::{self, Handler, Rules};

pub(crate) const RULES: Rules = Rules {
    attr: "projection",
    mutable: true,
    example: "fn booked(&mut self, event: &RoomBooked)",
    more: "`&Metadata` if it wants, nothing else",
    max_more: 1,
};

pub(crate) struct ProjectionModel {
    /// The block, to be emitted again.
    pub(crate) block: ItemImpl,
    pub(crate) name: Option<Ident>,
    pub(crate) krate: Path,
    pub(crate) doc: Doc,
    pub(crate) key: KeyAttr,
    /// Where it says that it may be kept as a snapshot, if it does.
    pub(crate) snapshot: Option<Ident>,
    pub(crate) handlers: Vec<Handler>,
}

pub(crate) fn build(
    ctxt: &Ctxt,
    attr: ProjectionAttr,
    item: &TokenStream,
) -> Option<ProjectionModel> {
    let mut block = handler::block(ctxt, &RULES, item)?;
    let handlers = handler::read(ctxt, &RULES, &mut block);
    Some(ProjectionModel {
        name: handler::self_name(ctxt, &RULES, &block),
        krate: crate_or_default(attr.krate),
        doc: Doc::of(&block.attrs),
        key: attr.key,
        snapshot: attr.snapshot,
        handlers,
        block,
    })
}
