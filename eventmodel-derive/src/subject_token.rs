//! A type that stands in a subject as its one field does.

use syn::{Data, DeriveInput, Fields, Member, Path, Type};

use crate::attr::crate_or_default;
use crate::ctxt::Ctxt;

pub(crate) struct SubjectTokenModel<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) krate: Path,
    pub(crate) field: Option<(Member, Type)>,
}

pub(crate) fn build<'a>(
    ctxt: &Ctxt,
    input: &'a DeriveInput,
    krate: Option<Path>,
) -> SubjectTokenModel<'a> {
    let field = match &input.data {
        Data::Struct(data) => one_field(ctxt, input, &data.fields),
        Data::Enum(data) => {
            ctxt.error(
                data.enum_token,
                "`SubjectToken` can be derived for a struct with one field; for an enum implement it by hand: \
                 `write_token` writes the name of the variant, `parse_token` reads it",
            );
            None
        }
        Data::Union(data) => {
            ctxt.error(
                data.union_token,
                "`SubjectToken` can be derived for a struct with one field, not for a union",
            );
            None
        }
    };
    SubjectTokenModel {
        input,
        krate: crate_or_default(krate),
        field,
    }
}

fn one_field(ctxt: &Ctxt, input: &DeriveInput, fields: &Fields) -> Option<(Member, Type)> {
    if let (1, Some(field)) = (fields.len(), fields.iter().next()) {
        let member = fields.members().next()?;
        return Some((member, field.ty.clone()));
    }
    let message = "`SubjectToken` can be derived for a struct with exactly one field";
    match fields {
        Fields::Unit => ctxt.error(&input.ident, format_args!("{message}; this one has none")),
        Fields::Named(named) => {
            let paths: Vec<String> = named
                .named
                .iter()
                .filter_map(|field| Some(format!("{{key.{}}}", field.ident.as_ref()?)))
                .collect();
            let paths = paths.join(".");
            ctxt.error(
                fields,
                format_args!(
                    "{message}; this one has {}: name them in the template of the stream, `{paths}`, or implement it by hand",
                    fields.len()
                ),
            );
        }
        Fields::Unnamed(_) => ctxt.error(
            fields,
            format_args!(
                "{message}; this one has {}: implement it by hand",
                fields.len()
            ),
        ),
    }
    None
}
