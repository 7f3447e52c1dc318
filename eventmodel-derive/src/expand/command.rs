//! `Command`, `Emits`, `HasField`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::stream::member_ident;
use super::{anonymous, at, body, bounded, has_fields, has_types, keys, option, schema, type_info};
use crate::model::command::{CommandModel, State};
use crate::model::field::span_of;
use crate::model::template::Part;
use crate::model::text;

pub(crate) fn expand(model: &CommandModel<'_>, errors: Option<&TokenStream>) -> TokenStream {
    let CommandModel {
        input,
        krate,
        doc,
        emits,
        ..
    } = model;
    let broken = errors.is_some();
    let ident = &input.ident;
    let fields = model.fields.as_deref().unwrap_or_default();
    let generics = bounded(&input.generics, &super::stored(krate));
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();

    let info = type_info(krate, ident, doc, fields);
    let address = option(model.name.as_ref().filter(|_| !broken));
    let id = option(
        model
            .id
            .as_ref()
            .map(|template| &template.literal)
            .filter(|_| !broken),
    );
    let schema = schema(krate, &input.generics);
    let state = state(model);
    let rejection = super::or(model.rejects.as_ref(), quote!(#krate::NoRejection));
    let emitted = emits.iter().map(|event| {
        let span = at(span_of(event));
        quote_spanned!(span=> <#event as #krate::Event>::INFO)
    });
    let names: Vec<String> = model.state.parts().iter().map(text::of).collect();
    let overrides = if broken {
        &[]
    } else {
        model.overrides.as_slice()
    };
    let asserts = keys::asserts(overrides, &names, "state", |i, field| {
        let part = &model.state.parts()[i];
        quote!(<#part as #krate::StatePart>::PART.__has_field(#field))
    });
    let keys = body(broken, build_keys(model));
    let id_fn = (!broken).then(|| id_fn(model));
    let validate_fn = (!broken).then(|| validate_fn(model));
    let emits_impls = emits.iter().map(|event| {
        quote! {
            #[automatically_derived]
            impl #impl_generics #krate::Emits<#event> for #ident #type_generics #where_clause {}
        }
    });
    let has_fields = has_fields(krate, ident, &input.generics, fields);
    let evaluated = (!has_types(&generics))
        .then(|| quote!(const _: &#krate::CommandInfo = <#ident as #krate::Command>::INFO;));

    anonymous(
        &input.attrs,
        errors,
        &quote! {
            #[automatically_derived]
            impl #impl_generics #krate::Command for #ident #type_generics #where_clause {
                const INFO: &'static #krate::CommandInfo = {
                    #asserts
                    &#krate::CommandInfo::__new(
                        #info,
                        #address,
                        #id,
                        <Self::State as #krate::DecisionState>::PARTS,
                        &[#(#emitted),*],
                        <Self::Rejection as #krate::Rejection>::INFO,
                        #schema,
                    )
                };

                type State = #state;
                type Rejection = #rejection;

                fn keys(&self) -> <Self::State as #krate::DecisionState>::Keys {
                    #keys
                }

                #id_fn
                #validate_fn
            }

            #(#emits_impls)*
            #has_fields
            #evaluated
        },
    )
}

fn state(model: &CommandModel<'_>) -> TokenStream {
    match &model.state {
        State::None => quote!(()),
        State::One(part) => quote!(#part),
        State::Tuple(parts) => quote!((#(#parts,)*)),
    }
}

fn build_keys(model: &CommandModel<'_>) -> TokenStream {
    let krate = &model.krate;
    let mut keys = model.state.parts().iter().enumerate().map(|(i, part)| {
        let span = span_of(part);
        let key = quote_spanned!(at(span)=> <#part as #krate::StatePart>::Key);
        keys::build(krate, &key, i, &model.overrides, &quote!(self), span)
    });
    match &model.state {
        State::None => quote!(()),
        State::One(_) => keys.next().unwrap_or_default(),
        State::Tuple(_) => quote!((#(#keys,)*)),
    }
}

fn id_fn(model: &CommandModel<'_>) -> Option<TokenStream> {
    let krate = &model.krate;
    let template = model.id.as_ref()?;
    let fields = model.fields.as_deref().unwrap_or_default();
    let parts = template.parts.iter().map(|part| match part {
        Part::Text(text) => quote!(__id.text(#text);),
        Part::Field(placeholder) => {
            let mut path: Vec<_> = placeholder
                .path
                .iter()
                .map(|name| member_ident(name))
                .collect();
            let field = fields
                .iter()
                .find(|field| field.name == placeholder.path[0]);
            let span = field.map_or_else(|| template.literal.span(), |field| span_of(&field.ty));
            if let Some(field) = field {
                path[0] = field.ident.clone();
            }
            quote_spanned!(at(span)=> __id.value(&self #(.#path)*);)
        }
    });
    let text = template.literal.value();
    Some(quote! {
        fn id(&self) -> ::core::option::Option<#krate::__private::String> {
            let mut __id =
                #krate::__private::IdWriter::new(<Self as #krate::Command>::INFO, #text);
            #(#parts)*
            ::core::option::Option::Some(__id.finish())
        }
    })
}

fn validate_fn(model: &CommandModel<'_>) -> Option<TokenStream> {
    let krate = &model.krate;
    let garde = model.garde.as_ref().map(|garde| {
        let span = at(garde.span());
        quote_spanned!(span=> #krate::__private::garde_validate(self))
    });
    let own = model.validate.as_ref().map(|path| {
        quote! {
            ::core::result::Result::map_err(
                #path(self),
                <#krate::Violations as ::core::convert::From<_>>::from,
            )
        }
    });
    let body = match (garde, own) {
        (None, None) => return None,
        (Some(garde), Some(own)) => quote!(#krate::__private::both_valid(#garde, #own)),
        (Some(one), None) | (None, Some(one)) => one,
    };
    Some(quote! {
        fn validate(&self) -> ::core::result::Result<(), #krate::Violations> {
            #body
        }
    })
}
