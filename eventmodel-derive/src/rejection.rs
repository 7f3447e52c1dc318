//! A rejection: its variants and their codes. A struct has one.

use heck::ToKebabCase;
use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Ident, Path};

use crate::attr::crate_or_default;
use crate::attr::rejection::{self as attr, RejectionAttr};
use crate::ctxt::Ctxt;
use crate::doc::Doc;

pub(crate) struct RejectionModel<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) krate: Path,
    pub(crate) doc: Doc,
    pub(crate) is_enum: bool,
    pub(crate) reasons: Vec<Reason>,
}

/// One reason to refuse.
pub(crate) struct Reason {
    pub(crate) ident: Ident,
    pub(crate) code: String,
    /// Where the code, or else the name that it follows from, stands.
    pub(crate) span: Span,
    pub(crate) doc: Doc,
    pub(crate) cfg: Vec<Attribute>,
}

pub(crate) fn build<'a>(ctxt: &Ctxt, input: &'a DeriveInput) -> RejectionModel<'a> {
    let mut reasons = Vec::new();
    let mut is_enum = false;
    let attr = match &input.data {
        Data::Enum(data) => {
            is_enum = true;
            for variant in &data.variants {
                let attr = attr::of_variant(ctxt, &variant.attrs);
                reasons.push(reason(&variant.ident, attr, &variant.attrs));
            }
            attr::of_enum(ctxt, &input.attrs)
        }
        Data::Struct(_) => {
            let attr = attr::of_struct(ctxt, &input.attrs);
            let krate = attr.krate.clone();
            reasons.push(reason(&input.ident, attr, &[]));
            RejectionAttr { code: None, krate }
        }
        Data::Union(data) => {
            ctxt.error(
                data.union_token,
                "a rejection is an enum, with one variant for each rule",
            );
            RejectionAttr::default()
        }
    };
    RejectionModel {
        input,
        krate: crate_or_default(attr.krate),
        doc: Doc::of(&input.attrs),
        is_enum,
        reasons,
    }
}

fn reason(ident: &Ident, attr: RejectionAttr, attrs: &[Attribute]) -> Reason {
    let (code, span) = match attr.code {
        Some(code) => (code.value(), code.span()),
        None => (ident.unraw().to_string().to_kebab_case(), ident.span()),
    };
    Reason {
        ident: ident.clone(),
        code,
        span,
        doc: Doc::of(attrs),
        cfg: cfg(attrs),
    }
}

/// The `#[cfg(..)]`s among the attributes.
pub(crate) fn cfg(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs
        .iter()
        .filter(|attr| attr.path().is_ident("cfg"))
        .cloned()
        .collect()
}
