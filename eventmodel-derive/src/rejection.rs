//! A rejection: its variants and their codes. A struct has one.

use heck::ToKebabCase;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Ident, LitStr, Path};

use crate::attr::{Keys, crate_or_default, crate_path, string};
use crate::command::is_kebab;
use crate::ctxt::Ctxt;
use crate::doc::Doc;
use crate::expand::{anonymous, body, bounded, located, type_info};

#[derive(Default)]
pub(crate) struct RejectionAttr {
    pub(crate) code: Option<LitStr>,
    pub(crate) krate: Option<Path>,
}

/// Of an enum.
pub(crate) fn of_enum(ctxt: &Ctxt, attrs: &[Attribute]) -> RejectionAttr {
    read(ctxt, attrs, &["crate"])
}

/// Of a variant of an enum.
pub(crate) fn of_variant(ctxt: &Ctxt, attrs: &[Attribute]) -> RejectionAttr {
    read(ctxt, attrs, &["code"])
}

/// Of a struct.
pub(crate) fn of_struct(ctxt: &Ctxt, attrs: &[Attribute]) -> RejectionAttr {
    read(ctxt, attrs, &["code", "crate"])
}

fn read(ctxt: &Ctxt, attrs: &[Attribute], known: &'static [&'static str]) -> RejectionAttr {
    let mut attr = RejectionAttr::default();
    Keys::new(ctxt, "rejection", known).attributes(attrs, |key, input| {
        if key == "code" {
            attr.code = Some(string(key, input, "code = \"already-booked\"")?);
        } else {
            attr.krate = Some(crate_path(key, input)?);
        }
        Ok(())
    });
    attr
}

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
                let attr = of_variant(ctxt, &variant.attrs);
                reasons.push(reason(&variant.ident, attr, &variant.attrs));
            }
            of_enum(ctxt, &input.attrs)
        }
        Data::Struct(_) => {
            let attr = of_struct(ctxt, &input.attrs);
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

pub(crate) fn expand(model: &RejectionModel<'_>, errors: Option<&TokenStream>) -> TokenStream {
    let RejectionModel {
        input,
        krate,
        doc,
        reasons,
        ..
    } = model;
    let broken = errors.is_some();
    let ident = &input.ident;
    let bounds = quote! {
        ::core::error::Error + #krate::__private::Serialize + ::core::marker::Send + ::core::marker::Sync + 'static
    };
    let generics = bounded(&input.generics, &bounds);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let info = type_info(krate, ident, doc, &[]);
    let variants = reasons.iter().map(|reason| {
        let (name, code, doc, cfg) = (
            reason.ident.unraw().to_string(),
            &reason.code,
            &reason.doc,
            &reason.cfg,
        );
        quote!(#(#cfg)* #krate::VariantInfo::__new(#name, #code, #doc))
    });
    let code = if model.is_enum && reasons.is_empty() {
        quote!(match *self {})
    } else if model.is_enum {
        let arms = reasons.iter().map(|reason| {
            let (ident, code, cfg) = (&reason.ident, &reason.code, &reason.cfg);
            quote!(#(#cfg)* Self::#ident { .. } => #code)
        });
        quote!(match self { #(#arms,)* })
    } else {
        let code = reasons.iter().map(|reason| &reason.code);
        quote!(#(#code)*)
    };
    let code = body(broken, code);
    let implemented = located(quote!(#krate::Rejection), ident.span());
    anonymous(
        krate,
        &input.attrs,
        errors,
        &quote! {
            #[automatically_derived]
            impl #impl_generics #implemented for #ident #type_generics #where_clause {
                const INFO: &'static #krate::RejectionInfo =
                    &#krate::RejectionInfo::__new(#info, &[#(#variants),*]);

                fn code(&self) -> &'static str {
                    #code
                }
            }
        },
    )
}
