//! `Event`, `BelongsTo`, `HasField`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Path, Type};

use crate::expand::{
    self, anonymous, at, body, bounded, evaluated, has_fields, located, schema, type_info,
};
use crate::field::{self, span_of};
use crate::model::event::EventModel;
use crate::overrides;
use crate::text;

pub(crate) fn expand(model: &EventModel<'_>, errors: Option<&TokenStream>) -> TokenStream {
    let EventModel {
        input,
        krate,
        doc,
        overrides,
        ..
    } = model;
    let streams = field::unique(&model.streams);
    let broken = errors.is_some();
    if input.generics.lifetimes().next().is_some() {
        // No impl would help: a type that borrows cannot have it.
        return quote!(#errors);
    }
    let ident = &input.ident;
    let name = ident.unraw().to_string();
    let fields = model.fields.as_deref().unwrap_or_default();
    let generics = bounded(&input.generics, &expand::stored(krate));
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();

    let event = located(quote!(#krate::Event), ident.span());
    let info = type_info(krate, ident, doc, fields);
    let event_type = expand::or(model.event_type.as_ref(), quote!(#name));
    let version = model
        .version
        .as_ref()
        .filter(|_| !broken)
        .map_or(quote!(1), |version| quote!(#version));
    let schema = schema(krate, &input.generics);
    let codec = expand::or(model.codec.as_ref(), quote!(#krate::Json));
    let infos = streams
        .iter()
        .map(|stream| quote!(#krate::__private::Probe::<#stream>::STREAM));
    let names: Vec<String> = streams.iter().map(text::of).collect();
    let asserts = overrides::asserts(
        if broken { &[] } else { overrides },
        &names,
        "stream",
        |i, field| {
            let stream = streams[i];
            quote!(#krate::__private::Probe::<#stream>::STREAM.__has_field(#field))
        },
    );
    let subjects = streams.iter().map(|stream| {
        quote! {
            #krate::__private::Probe::<#stream>::subject(
                &<Self as #krate::BelongsTo<#stream>>::stream_key(self),
            )?
        }
    });
    let subjects = body(
        broken,
        quote!(::core::result::Result::Ok(#krate::__private::Vec::from([#(#subjects),*]))),
    );
    let equals = equals(krate, &streams, broken);
    let belongs = streams.iter().enumerate().map(|(i, stream)| {
        let span = span_of(stream);
        let belongs = located(quote!(#krate::BelongsTo::<#stream>), span);
        let is_stream = located(quote!(#krate::__private::stream::<#stream>();), span);
        let parts = quote!(#krate::__private::Probe::<#stream>::parts());
        let key = body(broken, overrides::build(&parts, i, overrides, "self", span));
        quote_spanned! {at(span)=>
            #[automatically_derived]
            impl #impl_generics #belongs for #ident #type_generics #where_clause {
                fn stream_key(&self) -> #stream {
                    #is_stream
                    #key
                }
            }
        }
    });
    let has_fields = has_fields(krate, ident, &input.generics, fields);
    let evaluated = evaluated(
        &generics,
        &quote!(#krate::__private::Probe::<#ident>::EVENT),
    );

    anonymous(
        krate,
        &input.attrs,
        errors,
        &quote! {
            #[automatically_derived]
            impl #impl_generics #event for #ident #type_generics #where_clause {
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

                #equals
            }

            #(#belongs)*
            #has_fields
            #evaluated
        },
    )
}

/// Whether two events are equal, and whether their keys are, as far as their types tell.
fn equals(krate: &Path, streams: &[&Type], broken: bool) -> TokenStream {
    let probe = quote!(#krate::__private::Probe::<Self>::equals(self, other));
    let equals = body(broken, probe);
    let keys = streams.iter().map(|stream| {
        let key = quote!(<Self as #krate::BelongsTo<#stream>>::stream_key);
        quote! {
            ::core::matches!(
                #krate::__private::Probe::<#stream>::equals(&#key(self), &#key(other)),
                ::core::option::Option::Some(true)
            )
        }
    });
    let has_same_keys = body(broken, quote!(#(#keys)&&*));
    quote! {
        fn __has_same_keys(&self, other: &Self) -> ::core::primitive::bool {
            #has_same_keys
        }

        fn __equals(&self, other: &Self) -> ::core::option::Option<::core::primitive::bool> {
            #equals
        }
    }
}
