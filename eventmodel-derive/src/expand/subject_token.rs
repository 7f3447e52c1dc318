//! `SubjectToken`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use crate::expand::{anonymous, at, has_types, located};
use crate::field::span_of;
use crate::subject_token::SubjectTokenModel;

pub(crate) fn expand(model: &SubjectTokenModel<'_>, errors: Option<&TokenStream>) -> TokenStream {
    let SubjectTokenModel {
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
                ) -> ::core::result::Result<Self, #krate::TokenError> {
                    #parse
                }
            }
        },
    )
}
