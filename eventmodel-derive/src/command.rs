//! `Command`, `Emits`, `HasField`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{DeriveInput, Ident, LitStr, Path, Type};

use crate::attr::{Keys, crate_or_default, crate_path, flag, group, string, types, value};
use crate::ctxt::Ctxt;
use crate::doc::Doc;
use crate::expand::{
    self, anonymous, at, body, bounded, constant, evaluated, has_fields, located, option, schema,
    type_info,
};
use crate::field::{self, Field, Kind};
use crate::overrides::{self, Override};
use crate::stream::member_ident;
use crate::suggest;
use crate::template::{self, Part, Report, Template};
use crate::ty::{self, span_of};

#[derive(Default)]
pub(crate) struct CommandAttr {
    pub(crate) state: Option<Type>,
    pub(crate) emits: Vec<Type>,
    pub(crate) rejects: Option<Type>,
    pub(crate) id: Option<LitStr>,
    pub(crate) name: Option<LitStr>,
    pub(crate) overrides: Vec<Override>,
    pub(crate) validate: Option<Path>,
    pub(crate) garde: Option<Ident>,
    pub(crate) krate: Option<Path>,
}

pub(crate) fn read(ctxt: &Ctxt, input: &DeriveInput) -> CommandAttr {
    let mut attr = CommandAttr::default();
    let known = &[
        "state", "emits", "rejects", "id", "name", "key", "validate", "garde", "crate",
    ];
    let mut keys = Keys::new(ctxt, "command", known);
    keys.attributes(&input.attrs, |key, input| {
        match key.to_string().as_str() {
            "state" => attr.state = Some(value(key, input, "state = RoomDay")?),
            "emits" => {
                let group = group(key, input, "emits(RoomBooked)")?;
                attr.emits = types(&group)?;
            }
            "rejects" => attr.rejects = Some(value(key, input, "rejects = BookingRejection")?),
            "id" => attr.id = Some(string(key, input, "id = \"{order}\"")?),
            "name" => attr.name = Some(string(key, input, "name = \"book-room\"")?),
            "key" => {
                let group = group(key, input, "key(room = self.booking.room)")?;
                attr.overrides = overrides::read(ctxt, group.stream());
            }
            "validate" => attr.validate = Some(value(key, input, "validate = Self::check")?),
            "garde" => attr.garde = Some(flag(key, input)?),
            _ => attr.krate = Some(crate_path(key, input)?),
        }
        Ok(())
    });
    attr
}

pub(crate) const KIND: Kind = Kind {
    name: "a command",
    attr: "command",
    instead_of_enum: "write one struct for each intent, with `#[derive(Command)]` on each",
    example: "struct BookRoom { room: RoomId, date: Date }",
};

pub(crate) struct CommandModel<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) krate: Path,
    pub(crate) doc: Doc,
    pub(crate) fields: Option<Vec<Field>>,
    pub(crate) state: State,
    pub(crate) emits: Vec<Type>,
    pub(crate) rejects: Option<Type>,
    pub(crate) id: Option<Template>,
    pub(crate) name: Option<LitStr>,
    pub(crate) overrides: Vec<Override>,
    pub(crate) validate: Option<Path>,
    pub(crate) garde: Option<Ident>,
}

/// What a command decides on.
pub(crate) enum State {
    None,
    One(Box<Type>),
    Tuple(Vec<Type>),
}

impl State {
    fn of(ty: Option<&Type>) -> Self {
        match ty.map(ty::bare) {
            None => Self::None,
            Some(Type::Tuple(tuple)) if tuple.elems.is_empty() => Self::None,
            Some(Type::Tuple(tuple)) => Self::Tuple(tuple.elems.iter().cloned().collect()),
            Some(ty) => Self::One(Box::new(ty.clone())),
        }
    }

    pub(crate) fn parts(&self) -> &[Type] {
        match self {
            Self::None => &[],
            Self::One(ty) => std::slice::from_ref(ty),
            Self::Tuple(parts) => parts,
        }
    }
}

pub(crate) fn build<'a>(
    ctxt: &Ctxt,
    input: &'a DeriveInput,
    attr: CommandAttr,
) -> CommandModel<'a> {
    field::owned(ctxt, input, &KIND);
    CommandModel {
        input,
        krate: crate_or_default(attr.krate),
        doc: Doc::of(&input.attrs),
        fields: field::named(ctxt, input, &KIND),
        state: State::of(attr.state.as_ref()),
        emits: attr.emits,
        rejects: attr.rejects,
        id: attr
            .id
            .as_ref()
            .and_then(|literal| template::id(ctxt, literal)),
        name: attr.name,
        overrides: attr.overrides,
        validate: attr.validate,
        garde: attr.garde,
    }
}

/// As many as `DecisionState` is implemented for.
pub(crate) const MAX_STATES: usize = 6;

pub(crate) fn check(ctxt: &Ctxt, model: &CommandModel<'_>) {
    for (i, event) in model.emits.iter().enumerate() {
        if model.emits[..i].iter().any(|other| ty::same(other, event)) {
            ctxt.error(event, format_args!("`{}` is named twice", ty::text(event)));
        }
    }
    if let Some(state) = model.state.parts().get(MAX_STATES) {
        ctxt.error(
            state,
            format_args!("a command decides on at most {MAX_STATES} states"),
        );
    }
    if let Some(name) = &model.name {
        let text = name.value();
        if !is_kebab(&text) {
            ctxt.error(
                name,
                format_args!(
                    "the name of a command is a part of addresses: small letters, digits and single `-`, as in `{}`",
                    proposal(&text)
                ),
            );
        }
    }
    check_id(ctxt, model);
    overrides::check(ctxt, &model.overrides, model.state.parts().len(), "state");
}

fn check_id(ctxt: &Ctxt, model: &CommandModel<'_>) {
    let (Some(template), Some(fields)) = (&model.id, &model.fields) else {
        return;
    };
    let text = template.literal.value();
    let report = Report {
        ctxt,
        literal: &template.literal,
        text: &text,
    };
    for placeholder in template.placeholders() {
        let head = placeholder.path[0].as_str();
        if !fields.iter().any(|field| field.name == head) {
            let hint = suggest::or_known(head, "it has", fields.iter().map(|f| f.name.as_str()));
            report.at(
                placeholder.range.clone(),
                format_args!("`{}` has no field `{head}`{hint}", model.input.ident),
            );
        }
    }
}

pub(crate) fn is_kebab(text: &str) -> bool {
    !text.is_empty()
        && text.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

fn proposal(text: &str) -> String {
    use heck::ToKebabCase;
    let kebab = text.to_kebab_case();
    if is_kebab(&kebab) {
        kebab
    } else {
        "book-room".to_owned()
    }
}

pub(crate) fn expand(model: &CommandModel<'_>, errors: Option<&TokenStream>) -> TokenStream {
    let CommandModel {
        input, krate, doc, ..
    } = model;
    let emits = ty::unique(&model.emits);
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
    let names: Vec<String> = model.state.parts().iter().map(ty::text).collect();
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
        let name = ty::text(part);
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

#[cfg(test)]
mod tests {
    use super::is_kebab;

    #[test]
    fn a_name_is_a_part_of_an_address() {
        for (text, good) in [
            ("book-room", true),
            ("book-room-2", true),
            ("", false),
            ("BookRoom", false),
            ("book--room", false),
            ("-book", false),
            ("book-", false),
            ("book room", false),
            ("büchen", false),
        ] {
            assert_eq!(is_kebab(text), good, "{text}");
        }
    }
}
