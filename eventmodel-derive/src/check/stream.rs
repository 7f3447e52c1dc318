//! A key is wholly determined by its subject, and the subject by the key.

use syn::Type;

use crate::ctxt::Ctxt;
use crate::field::{Field, bare};
use crate::model::stream::StreamModel;
use crate::suggest;
use crate::template::{Placeholder, Report, Template};
use crate::text;

pub(crate) fn check(ctxt: &Ctxt, model: &StreamModel<'_>) {
    if !model.input.generics.params.is_empty() {
        ctxt.error(
            &model.input.generics,
            "a stream has no generic parameters: streams of two types would share one template, and so their subjects",
        );
    }
    if let Some(log) = &model.log {
        let text = log.value();
        if text.is_empty()
            || text.contains(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
        {
            ctxt.error(
                log,
                "the name of a log has letters, digits, `-` and `_`, and is not empty",
            );
        }
    }
    if let (Some(template), Some(fields)) = (&model.template, &model.fields) {
        check_template(ctxt, model, template, fields);
    }
}

fn check_template(ctxt: &Ctxt, model: &StreamModel<'_>, template: &Template, fields: &[Field]) {
    let text = template.literal.value();
    let report = Report {
        ctxt,
        literal: &template.literal,
        text: &text,
    };
    let mut seen: Vec<&Placeholder> = Vec::new();
    for placeholder in template.placeholders() {
        let range = placeholder.range.clone();
        let path = placeholder.text();
        let head = placeholder.path[0].as_str();
        let Some(field) = fields.iter().find(|field| field.name == head) else {
            let hint = suggest::or_known(head, "it has", fields.iter().map(|f| f.name.as_str()));
            report.at(
                range,
                format_args!("`{}` has no field `{head}`{hint}", model.input.ident),
            );
            continue;
        };
        if placeholder.path.len() > 2 {
            report.at(
                range,
                format_args!(
                    "a path has at most one dot: the type of `{head}.{}` is not known here, so `{path}` could not be \
                     read back; derive `SubjectToken` for it, or give the key a field of its own",
                    placeholder.path[1]
                ),
            );
            continue;
        }
        if placeholder.path.len() == 2 && struct_path(&field.ty).is_none() {
            report.at(
                range,
                format_args!(
                    "`{head}` is a `{}`, which is not a struct with named fields",
                    text::of(&field.ty)
                ),
            );
            continue;
        }
        if seen.iter().any(|other| other.path == placeholder.path) {
            report.at(range, format_args!("`{path}` stands in the subject twice"));
        } else if seen
            .iter()
            .any(|other| other.path[0] == head && other.path.len() != placeholder.path.len())
        {
            report.at(
                range,
                format_args!("`{head}` stands in the subject as a whole and by its parts"),
            );
        }
        seen.push(placeholder);
    }
    for field in fields {
        // A misspelled placeholder leaves a field over. One error is enough for both.
        let named = template.placeholders().any(|p| p.path[0] == field.name);
        let misspelled = template
            .placeholders()
            .any(|p| !fields.iter().any(|f| f.name == p.path[0]));
        if !named && !misspelled {
            let name = &field.name;
            ctxt.error(
                &field.ident,
                format_args!(
                    "`{name}` does not stand in the subject, so two keys that differ in it would share one; \
                     add `{{{name}}}` to the template, or remove the field"
                ),
            );
        }
    }
}

/// The type as the path of a struct literal.
pub(crate) fn struct_path(ty: &Type) -> Option<syn::Path> {
    match bare(ty) {
        Type::Path(path) if path.qself.is_none() => {
            let mut path = path.path.clone();
            for segment in &mut path.segments {
                if let syn::PathArguments::AngleBracketed(arguments) = &mut segment.arguments {
                    arguments.colon2_token = Some(syn::Token![::](arguments.lt_token.span));
                }
            }
            Some(path)
        }
        _ => None,
    }
}
