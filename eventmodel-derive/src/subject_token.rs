//! `#[derive(SubjectToken)]`: `SubjectToken` for a struct, which stands in a subject as its one field does.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput, Fields, Member, Type};

use crate::attr::{self, CratePath, Key};
use crate::ctxt::Ctxt;
use crate::expand::{anonymous, at, has_types, located};
use crate::ty::span_of;

pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let ctxt = Ctxt::new();
    let krate = attr::read(&ctxt, "subject_token", KEYS, &input.attrs);
    let model = Model::new(&ctxt, input, krate);
    expand(&model, ctxt.finish().as_ref())
}

const KEYS: &[Key<CratePath>] = &[("crate", |krate, arg| arg.crate_path(krate))];

struct Model<'a> {
    input: &'a DeriveInput,
    krate: CratePath,
    /// `None` if the type is no struct with exactly one field.
    field: Option<(Member, Type)>,
}

impl<'a> Model<'a> {
    fn new(ctxt: &Ctxt, input: &'a DeriveInput, krate: CratePath) -> Self {
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
        Self {
            input,
            krate,
            field,
        }
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

fn expand(model: &Model<'_>, errors: Option<&TokenStream>) -> TokenStream {
    let Model {
        input,
        krate,
        field,
    } = model;
    let ident = &input.ident;
    let mut generics = input.generics.clone();
    let (write, parse) = match field {
        Some((member, ty)) => {
            if has_types(&generics) {
                generics
                    .make_where_clause()
                    .predicates
                    .push(syn::parse_quote!(#ty: #krate::SubjectToken));
            }
            let span = span_of(ty);
            let token = located(quote!(#krate::SubjectToken), span);
            let span = at(span);
            (
                quote_spanned!(span=> <#ty as #token>::write_token(&self.#member, __out)),
                quote_spanned! {span=>
                    ::core::result::Result::Ok(Self {
                        #member: <#ty as #token>::parse_token(__text)?,
                    })
                },
            )
        }
        None => (
            quote!(::core::unreachable!()),
            quote!(::core::unreachable!()),
        ),
    };
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let implemented = located(quote!(#krate::SubjectToken), ident.span());
    anonymous(
        krate,
        &input.attrs,
        errors,
        &quote! {
            #[automatically_derived]
            impl #impl_generics #implemented for #ident #type_generics #where_clause {
                fn write_token(&self, __out: &mut dyn ::core::fmt::Write) -> ::core::fmt::Result {
                    #write
                }

                fn parse_token(
                    __text: &::core::primitive::str,
                ) -> ::core::result::Result<Self, #krate::__private::TokenError> {
                    #parse
                }
            }
        },
    )
}
