//! An automation: its handlers.

use proc_macro2::TokenStream;
use syn::{Ident, ItemImpl, Path};

use crate::attr::crate_or_default;
use crate::ctxt::Ctxt;
use crate::doc::Doc;
use crate::handler::{self, Handler, Rules};

pub(crate) const RULES: Rules = Rules {
    attr: "automation",
    mutable: false,
    example: "async fn room_booked(&self, event: &RoomBooked) -> Option<ScheduleCleaning>",
    more: "`&Metadata` and `&App` if it wants, nothing else",
    max_more: 2,
};

pub(crate) struct AutomationModel {
    /// The block, to be emitted again.
    pub(crate) block: ItemImpl,
    pub(crate) name: Option<Ident>,
    pub(crate) krate: Path,
    pub(crate) doc: Doc,
    pub(crate) handlers: Vec<Handler>,
}

pub(crate) fn build(
    ctxt: &Ctxt,
    krate: Option<Path>,
    item: &TokenStream,
) -> Option<AutomationModel> {
    let mut block = handler::block(ctxt, &RULES, item)?;
    let handlers = handler::read(ctxt, &RULES, &mut block);
    Some(AutomationModel {
        name: handler::self_name(ctxt, &RULES, &block),
        krate: crate_or_default(krate),
        doc: Doc::of(&block.attrs),
        handlers,
        block,
    })
}
