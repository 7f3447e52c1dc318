//! `Rejection`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;

use crate::expand::{anonymous, body, bounded, located, type_info};
use crate::rejection::RejectionModel;

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
