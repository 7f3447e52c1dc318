//! `#[derive(Rejection)]`: `Rejection`, with a code for each variant of an enum, or one for a struct.

use heck::ToKebabCase;
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Ident, LitStr};

use crate::attr::{self, CratePath, Key, cfg, is_kebab};
use crate::ctxt::Ctxt;
use crate::doc::Doc;
use crate::expand::{anonymous, body, bounded, located, type_info};

pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let ctxt = Ctxt::new();
    let model = Model::new(&ctxt, input);
    check(&ctxt, &model);
    expand(&model, ctxt.finish().as_ref())
}

#[derive(Default)]
struct Attr {
    code: Option<LitStr>,
    krate: CratePath,
}

const CODE: Key<Attr> = ("code", |attr, arg| {
    arg.string(&mut attr.code, "already-booked")
});
const CRATE: Key<Attr> = ("crate", |attr, arg| arg.crate_path(&mut attr.krate));

fn read(ctxt: &Ctxt, keys: &[Key<Attr>], attrs: &[Attribute]) -> Attr {
    attr::read(ctxt, "rejection", keys, attrs)
}

struct Model<'a> {
    input: &'a DeriveInput,
    krate: CratePath,
    doc: Doc,
    is_enum: bool,
    reasons: Vec<Reason>,
}

/// One reason to refuse a command.
struct Reason {
    ident: Ident,
    code: String,
    /// Where the code stands, or the name that it follows from.
    span: Span,
    doc: Doc,
    cfg: Vec<Attribute>,
}

impl<'a> Model<'a> {
    fn new(ctxt: &Ctxt, input: &'a DeriveInput) -> Self {
        let mut reasons = Vec::new();
        let attr = match &input.data {
            Data::Enum(data) => {
                for variant in &data.variants {
                    let attr = read(ctxt, &[CODE], &variant.attrs);
                    reasons.push(Reason::new(&variant.ident, attr.code, &variant.attrs));
                }
                read(ctxt, &[CRATE], &input.attrs)
            }
            Data::Struct(_) => {
                let mut attr = read(ctxt, &[CODE, CRATE], &input.attrs);
                reasons.push(Reason::new(&input.ident, attr.code.take(), &[]));
                attr
            }
            Data::Union(data) => {
                ctxt.error(
                    data.union_token,
                    "a rejection is an enum, with one variant for each rule",
                );
                Attr::default()
            }
        };
        Self {
            input,
            krate: attr.krate,
            doc: Doc::of(&input.attrs),
            is_enum: matches!(input.data, Data::Enum(_)),
            reasons,
        }
    }
}

impl Reason {
    fn new(ident: &Ident, code: Option<LitStr>, attrs: &[Attribute]) -> Self {
        let (code, span) = match code {
            Some(code) => (code.value(), code.span()),
            None => (ident.unraw().to_string().to_kebab_case(), ident.span()),
        };
        Self {
            ident: ident.clone(),
            code,
            span,
            doc: Doc::of(attrs),
            cfg: cfg(attrs),
        }
    }
}

fn check(ctxt: &Ctxt, model: &Model<'_>) {
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

fn expand(model: &Model<'_>, errors: Option<&TokenStream>) -> TokenStream {
    let Model {
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
        quote!(#(#cfg)* #krate::__private::VariantInfo::__new(#name, #code, #doc))
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
                const INFO: &'static #krate::__private::RejectionInfo =
                    &#krate::__private::RejectionInfo::__new(#info, &[#(#variants),*]);

                fn code(&self) -> &'static str {
                    #code
                }
            }
        },
    )
}
