//! `Projection`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Ident, Type};

use crate::attr::overrides::Override;
use crate::attr::projection::{KeyAttr, KeyField};
use crate::check::projection::MAX_PARTS;
use crate::expand::{anonymous, at, body, bounded, evaluated, handlers, located, type_info};
use crate::field::span_of;
use crate::handler::Handler;
use crate::key_parts::{self, Owner, source_trait};
use crate::model::projection::ProjectionModel;
use crate::overrides::{self, value};

pub(crate) fn expand(model: &ProjectionModel, errors: Option<&TokenStream>) -> TokenStream {
    let ProjectionModel {
        block,
        krate,
        doc,
        handlers,
        ..
    } = model;
    let Some(name) = &model.name else {
        return quote!(#errors #block);
    };
    let broken = errors.is_some();
    let ty = &block.self_ty;
    let bounds = quote! {
        ::core::default::Default + ::core::clone::Clone + #krate::__private::Serialize
            + #krate::__private::DeserializeOwned + ::core::marker::Send + ::core::marker::Sync + 'static
    };
    let generics = bounded(&block.generics, &bounds);
    let (impl_generics, _, where_clause) = generics.split_for_impl();

    let projection = located(quote!(#krate::Projection), span_of(ty));
    let info = type_info(krate, name, doc, &[]);
    let by_stream = matches!(model.key, KeyAttr::Stream(_));
    let infos = handlers::infos(krate, handlers, by_stream);
    let snapshot = model.snapshot.as_ref().map(|_| quote!(.__with_snapshot()));
    let distinct = (!broken).then(|| handlers::distinct(krate, handlers));
    let (key, names, sources) = key(model, name);
    let choose_key = handlers::choose(krate, handlers, |handler| key_of(model, handler));
    let choose_key = quote! {
        let __type = __recorded.event_type();
        #(#choose_key)*
        ::core::result::Result::Ok(::core::option::Option::None)
    };
    let is_stream = match &model.key {
        KeyAttr::Stream(stream) => located(
            quote!(#krate::__private::stream_key::<#stream>();),
            span_of(stream),
        ),
        _ => TokenStream::new(),
    };
    let choose_key = body(broken, quote!(#is_stream #choose_key));
    let choose_handler = handlers::choose(krate, handlers, |handler| apply(model, handler));
    let choose_handler = quote! {
        let __type = __recorded.event_type();
        #(#choose_handler)*
        ::core::result::Result::Ok(false)
    };
    let choose_handler = body(broken, choose_handler);
    let evaluated = evaluated(
        &generics,
        &quote!(#krate::__private::Probe::<#ty>::PROJECTION),
    );

    let expanded = anonymous(
        krate,
        &[],
        errors,
        &quote! {
            #sources

            #[automatically_derived]
            impl #impl_generics #projection for #ty #where_clause {
                const INFO: &'static #krate::ProjectionInfo = {
                    #distinct
                    &#krate::ProjectionInfo::__new(#info, &[#(#names),*], #infos) #snapshot
                };

                type Key = #key;

                #[allow(unused_variables)]
                fn key_of(
                    __recorded: &#krate::RecordedEvent,
                ) -> ::core::result::Result<::core::option::Option<#key>, #krate::DecodeError> {
                    #choose_key
                }

                fn apply(
                    &mut self,
                    __recorded: &#krate::RecordedEvent,
                ) -> ::core::result::Result<::core::primitive::bool, #krate::DecodeError> {
                    #choose_handler
                }
            }

            #evaluated
        },
    );
    let allowed = handlers::prescribed();
    quote!(#allowed #block #expanded)
}

/// The type of the key, the names of its parts, and the traits that give them.
fn key(model: &ProjectionModel, name: &Ident) -> (TokenStream, Vec<String>, TokenStream) {
    match &model.key {
        KeyAttr::None => (quote!(()), Vec::new(), TokenStream::new()),
        KeyAttr::Stream(stream) => (quote!(#stream), Vec::new(), TokenStream::new()),
        KeyAttr::Fields(fields) => {
            let fields = usable(fields);
            let types: Vec<&Type> = fields.iter().map(|field| &field.ty).collect();
            let names = fields
                .iter()
                .map(|field| field.name.unraw().to_string())
                .collect();
            let owner = format!("the key of the projection `{}`", name.unraw());
            let sources = fields.iter().map(|field| {
                let remedy = format!("`#[key({} = event...)]` on the handler", field.name.unraw());
                let owner = Owner {
                    name: &owner,
                    remedy: &remedy,
                };
                key_parts::source(&model.krate, &field.name, &field.ty, &owner)
            });
            let key = match types.as_slice() {
                [ty] => quote!(#ty),
                types => quote!((#(#types),*)),
            };
            (key, names, quote!(#(#sources)*))
        }
    }
}

/// The fields of the key, without those that are an error.
fn usable(fields: &[KeyField]) -> Vec<&KeyField> {
    let mut usable: Vec<&KeyField> = Vec::new();
    for field in fields {
        if !usable
            .iter()
            .any(|other| other.name.unraw() == field.name.unraw())
        {
            usable.push(field);
        }
    }
    usable.truncate(MAX_PARTS);
    usable
}

/// Reads the event.
fn decode(handler: &Handler) -> TokenStream {
    let event = &handler.event;
    let span = at(span_of(event));
    quote_spanned!(span=> let __event: &#event = __recorded.decode::<#event>()?;)
}

/// The key for an event of this handler.
fn key_of(model: &ProjectionModel, handler: &Handler) -> TokenStream {
    let Handler {
        event, overrides, ..
    } = handler;
    let krate = &model.krate;
    let span = span_of(event);
    let key = match &model.key {
        KeyAttr::None => {
            return quote!(return ::core::result::Result::Ok(::core::option::Option::Some(())););
        }
        KeyAttr::Stream(stream) if overrides.is_empty() => {
            let key_of = quote!(#krate::__private::Probe::<#stream>::key_of(__event));
            located(key_of, span)
        }
        KeyAttr::Stream(stream) => {
            let parts = quote!(#krate::__private::Probe::<#stream>::parts());
            overrides::build(&parts, 0, overrides, "__event", span)
        }
        KeyAttr::Fields(fields) => {
            let fields = usable(fields);
            let parts = fields.iter().map(|field| part(model, handler, field));
            if fields.len() == 1 {
                quote!(#(#parts)*)
            } else {
                quote!((#(#parts),*))
            }
        }
    };
    let decode = decode(handler);
    let names = event_names(handler);
    let asserts = match &model.key {
        KeyAttr::Stream(stream) => asserts(model, stream, overrides),
        _ => TokenStream::new(),
    };
    quote! {
        #asserts
        #decode
        #names
        return ::core::result::Result::Ok(::core::option::Option::Some(#key));
    }
}

/// The event under the names that an override may use: that of the handler's parameter, and `event`.
fn event_names(handler: &Handler) -> TokenStream {
    if handler.overrides.is_empty() {
        return TokenStream::new();
    }
    let param = handler
        .param
        .as_ref()
        .map(|param| quote!(let #param = __event;));
    quote!(let event = __event; #param)
}

fn asserts(model: &ProjectionModel, stream: &Type, overrides: &[Override]) -> TokenStream {
    let krate = &model.krate;
    let names = [crate::text::of(stream)];
    overrides::asserts(
        overrides,
        &names,
        "stream",
        |_, field| quote!(#krate::__private::Probe::<#stream>::STREAM.__has_field(#field)),
    )
}

/// One part of a key that is made of fields.
fn part(model: &ProjectionModel, handler: &Handler, field: &KeyField) -> TokenStream {
    let krate = &model.krate;
    let ty = &field.ty;
    let handler_span = span_of(&handler.event);
    let span = at(handler_span);
    let mut source = source_trait(&field.name);
    source.set_span(span);
    let named = |over: &&Override| over.field.unraw() == field.name.unraw();
    handler.overrides.iter().find(named).map_or_else(
        || {
            let by_name = located(quote!(#krate::__private::ByName), handler_span);
            quote_spanned!(span=> #source::take(#by_name, __event))
        },
        |over| {
            let value = value(&over.value);
            quote!({ let __part: #ty = #value; __part })
        },
    )
}

/// Calls the handler.
fn apply(model: &ProjectionModel, handler: &Handler) -> TokenStream {
    let krate = &model.krate;
    let name = &handler.name;
    let decode = decode(handler);
    let more = handler.more.iter().map(|ty| {
        let span = syn::spanned::Spanned::span(ty);
        let from = located(quote!(#krate::__private::FromRecorded), span);
        quote_spanned!(at(span)=> , #from::from_recorded(__recorded))
    });
    quote! {
        #decode
        Self::#name(self, __event #(#more)*);
        return ::core::result::Result::Ok(true);
    }
}
