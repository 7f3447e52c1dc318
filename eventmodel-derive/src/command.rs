//! `Command`, `Emits`, `HasField`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::check::command::MAX_STATES;
use crate::expand::{
    self, anonymous, at, body, bounded, constant, evaluated, has_fields, located, option, schema,
    type_info,
};
use crate::field::{self, span_of};
use crate::model::command::{CommandModel, State};
use crate::overrides;
use crate::stream::member_ident;
use crate::template::Part;
use crate::text;

pub(crate) fn expand(model: &CommandModel<'_>, errors: Option<&TokenStream>) -> TokenStream {
    let CommandModel {
        input, krate, doc, ..
    } = model;
    let emits = field::unique(&model.emits);
    let broken = errors.is_some();
    if input.generics.lifetimes().next().is_some() {
        // No impl would help: a type that borrows cannot have it.
        return quote!(#errors);
    }
    let ident = &input.ident;
    let fields = model.fields.as_deref().unwrap_or_default();
    let generics = bounded(&input.generics, &expand::stored(krate));
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();

    let command = located(quote!(#krate::Command), ident.span());
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
    let rejection = expand::or(model.rejects.as_ref(), quote!(#krate::NoRejection));
    let emitted = emits
        .iter()
        .map(|event| quote!(#krate::__private::Probe::<#event>::EVENT));
    let names: Vec<String> = model.state.parts().iter().map(text::of).collect();
    let overrides = if broken {
        &[]
    } else {
        model.overrides.as_slice()
    };
    let asserts = overrides::asserts(overrides, &names, "state", |i, field| {
        let part = &model.state.parts()[i];
        quote!(#krate::__private::Probe::<#part>::STATE.__has_field(#field))
    });
    let keyed = model.state.parts().iter().filter(|_| !broken).map(|part| {
        let span = at(span_of(part));
        let probe = quote!(#krate::__private::Probe::<#part>);
        let name = text::of(part);
        let message = format!(
            "`{name}` cannot be the state of a command: a handler of it says with `#[key(..)]` which instance its \
             event is for, and a state is loaded from the events of its own instance"
        );
        quote_spanned!(span=> ::core::assert!(#probe::STATE.__is_keyed_by_its_events(), #message);)
    });
    let keyed = constant(quote!(#(#keyed)*));
    let keys_fn = keys_fn(model, &state, broken);
    let id_fn = (!broken).then(|| id_fn(model));
    let validate_fn = (!broken).then(|| validate_fn(model));
    let emits_impls = emits.iter().map(|event| {
        let emits = located(quote!(#krate::Emits::<#event>), span_of(event));
        quote! {
            #[automatically_derived]
            impl #impl_generics #emits for #ident #type_generics #where_clause {}
        }
    });
    let has_fields = has_fields(krate, ident, &input.generics, fields);
    let evaluated = evaluated(
        &generics,
        &quote!(#krate::__private::Probe::<#ident>::COMMAND),
    );

    anonymous(
        krate,
        &input.attrs,
        errors,
        &quote! {
            #[automatically_derived]
            impl #impl_generics #command for #ident #type_generics #where_clause {
                const INFO: &'static #krate::CommandInfo = {
                    #asserts
                    #keyed
                    &#krate::CommandInfo::__new(
                        #info,
                        #address,
                        #id,
                        #krate::__private::Probe::<#state>::STATES,
                        &[#(#emitted),*],
                        #krate::__private::Probe::<#rejection>::REJECTION,
                        #schema,
                    )
                };

                type State = #state;
                type Rejection = #rejection;

                #keys_fn

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
        State::Tuple(parts) => {
            let parts = parts.iter().take(MAX_STATES);
            let span = parts.clone().next().map_or_else(Span::call_site, span_of);
            quote_spanned!(at(span)=> (#(#parts,)*))
        }
    }
}

/// All of it stands at the token of the state, where it is reported that there is no such state.
fn keys_fn(model: &CommandModel<'_>, state: &TokenStream, broken: bool) -> TokenStream {
    let krate = &model.krate;
    let parts = model.state.parts();
    let span = parts.first().map_or_else(Span::call_site, span_of);
    let decision_state = located(quote!(#krate::DecisionState), span);
    let keys = body(broken, build_keys(model));
    // The compiler says of a tuple only that it is no state, and not which part of it is none.
    let state_part = quote!(#krate::__private::state_part);
    let asserted = (parts.len() > 1).then(|| {
        let parts = parts
            .iter()
            .map(|part| located(quote!(#state_part::<#part>();), span_of(part)));
        quote!(#(#parts)*)
    });
    quote_spanned! {at(span)=>
        fn keys(&self) -> <#state as #decision_state>::Keys {
            #asserted
            #keys
        }
    }
}

fn build_keys(model: &CommandModel<'_>) -> TokenStream {
    let krate = &model.krate;
    let mut keys = model.state.parts().iter().enumerate().map(|(i, part)| {
        let parts = quote!(#krate::__private::Probe::<#part>::key_parts());
        overrides::build(&parts, i, &model.overrides, "self", span_of(part))
    });
    match &model.state {
        State::None => TokenStream::new(),
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
        let span = garde.span();
        let validate = located(quote!(#krate::__private::garde_validate), span);
        quote_spanned!(at(span)=> #validate(self))
    });
    let own = model.validate.as_ref().map(|path| {
        let span = path
            .segments
            .last()
            .map_or_else(Span::call_site, |s| s.ident.span());
        let valid = located(quote!(#krate::__private::valid), span);
        quote_spanned!(at(span)=> #valid(#path(self)))
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
