//! A stream: the fields of its key and the template of its subjects.

use syn::{DeriveInput, LitStr, Path};

use crate::attr::crate_or_default;
use crate::attr::stream::StreamAttr;
use crate::ctxt::Ctxt;
use crate::doc::Doc;
use crate::field::{self, Field, Kind};
use crate::template::{self, Template};

pub(crate) const KIND: Kind = Kind {
    name: "the key of a stream",
    attr: "stream",
    instead_of_enum: "one stream has one template and one key; write one struct for each stream",
    example: "struct Booking { room: RoomId, date: Date }",
};

pub(crate) struct StreamModel<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) krate: Path,
    pub(crate) doc: Doc,
    /// `None` if the type is not a struct with named fields.
    pub(crate) fields: Option<Vec<Field>>,
    /// `None` if it is missing or wrong.
    pub(crate) template: Option<Template>,
    pub(crate) log: Option<LitStr>,
}

pub(crate) fn build<'a>(ctxt: &Ctxt, input: &'a DeriveInput, attr: StreamAttr) -> StreamModel<'a> {
    let fields = field::named(ctxt, input, &KIND);
    if !attr.names_subject {
        ctxt.error(
            &input.ident,
            format_args!(
                "`{}` has no subject: write `#[stream(subject = \"{}\")]`",
                input.ident,
                proposal(input, fields.as_deref().unwrap_or_default()),
            ),
        );
    }
    StreamModel {
        input,
        krate: crate_or_default(attr.krate),
        doc: Doc::of(&input.attrs),
        template: attr
            .subject
            .as_ref()
            .and_then(|literal| template::subject(ctxt, literal)),
        fields,
        log: attr.log,
    }
}

/// A template that has all fields.
fn proposal(input: &DeriveInput, fields: &[Field]) -> String {
    use heck::ToKebabCase;
    let mut text = input.ident.to_string().to_kebab_case();
    for field in fields {
        text.push_str(".{");
        text.push_str(&field.name);
        text.push('}');
    }
    text
}
