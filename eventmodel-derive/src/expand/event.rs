//! `Event`, `BelongsTo`, `HasField`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;

use super::{anonymous, at, body, bounded, has_fields, has_types, keys, schema, type_info};
use crate::model::event::EventModel;
use crate::model::field::span_of;
use crate::model::text;

pub(crate) fn expand(model: &EventModel<'_>, errors: Option<&TokenStream>) -> TokenStream {
    let EventModel {
        input,
        krate,
        doc,
        streams,
        overrides,
        ..
    } = model;
    let broken = errors.is_some();
    let ident = &input.ident;
    let name = ident.unraw().to_string();
    let fields = model.fields.as_deref().unwrap_or_default();
    let generics = bounded(&input.generics, &super::stored(krate));
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();

    let info = type_info(krate, ident, doc, fields);
    let event_type = super::or(model.event_type.as_ref(), quote!(#name));
    let version = model
        .version
        .as_ref()
        .filter(|_| !broken)
        .map_or(quote!(1), |version| quote!(#version));
    let schema = schema(krate, &input.generics);
    let codec = super::or(model.codec.as_ref(), quote!(#krate::Json));
    let infos = streams.iter().map(|stream| {
        let span = at(span_of(stream));
        quote_spanned!(span=> <#stream as #krate::Stream>::INFO)
    });
    let names: Vec<String> = streams.iter().map(text::of).collect();
    let asserts = keys::asserts(
        if broken { &[] } else { overrides },
        &names,
        "stream",
        |i, field| {
            let stream = &streams[i];
            quote!(<#stream as #krate::Stream>::INFO.__has_field(#field))
        },
    );
    let subjects = streams.iter().map(|stream| {
        let span = at(span_of(stream));
        quote_spanned! {span=>
            #krate::Stream::subject(&<Self as #krate::BelongsTo<#stream>>::stream_key(self))?
        }
    });
    let subjects = body(
        broken,
        quote!(::core::result::Result::Ok(#krate::__private::Vec::from([#(#subjects),*]))),
    );
    let belongs = streams.iter().enumerate().map(|(i, stream)| {
        let key = keys::build(
            krate,
            &quote!(#stream),
            i,
            overrides,
            &quote!(self),
            span_of(stream),
        );
        let key = body(broken, key);
        quote! {
            #[automatically_derived]
            impl #impl_generics #krate::BelongsTo<#stream> for #ident #type_generics #where_clause {
                fn stream_key(&self) -> #stream {
                    #key
                }
            }
        }
    });
    let has_fields = has_fields(krate, ident, &input.generics, fields);
    let evaluated = (!has_types(&generics))
        .then(|| quote!(const _: &#krate::EventInfo = <#ident as #krate::Event>::INFO;));

    anonymous(
        &input.attrs,
        errors,
        &quote! {
            #[automatically_derived]
            impl #impl_generics #krate::Event for #ident #type_generics #where_clause {
                const INFO: &'static #krate::EventInfo = {
                    #asserts
                    &#krate::EventInfo::__new::<Self>(#info, #event_type, #version, &[#(#infos),*], #schema)
                };

                type Codec = #codec;

                fn subjects(
                    &self,
                ) -> ::core::result::Result<#krate::__private::Vec<#krate::Subject>, #krate::SubjectError> {
                    #subjects
                }
            }

            #(#belongs)*
            #has_fields
            #evaluated
        },
    )
}
