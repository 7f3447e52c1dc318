//! `#[derive(Command)]`: `Command`, `Emits` for each event, and `HasField` for each field.

use heck::ToKebabCase;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{DeriveInput, Ident, LitStr, Path, Type};

use crate::attr::{self, CratePath, Key};
use crate::ctxt::Ctxt;
use crate::doc::Doc;
use crate::expand::{
    self, anonymous, at, body, bounded, constant, evaluated, has_fields, located, option, schema,
    type_info,
};
use crate::field::{self, Field, Kind};
use crate::overrides::{self, Override};
use crate::template::{self, Part, Report, Template};
use crate::ty::{self, span_of};

/// As many states as `DecisionState` is implemented for.
const MAX_STATES: usize = 6;

pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let ctxt = Ctxt::new();
    let attr = attr::read(&ctxt, KIND.attr, KEYS, &input.attrs);
    let model = Model::new(&ctxt, input, attr);
    check(&ctxt, &model);
    expand(&model, ctxt.finish().as_ref())
}

const KIND: Kind = Kind {
    name: "a command",
    attr: "command",
    instead_of_enum: "write one struct for each intent, with `#[derive(Command)]` on each",
    example: "struct BookRoom { room: RoomId, date: Date }",
};

#[derive(Default)]
struct Attr {
    state: Option<Type>,
    emits: Vec<Type>,
    rejects: Option<Type>,
    id: Option<LitStr>,
    name: Option<LitStr>,
    overrides: Vec<Override>,
    validate: Option<Path>,
    garde: Option<Ident>,
    krate: CratePath,
}

const KEYS: &[Key<Attr>] = &[
    ("state", |attr, arg| arg.value(&mut attr.state, "RoomDay")),
    ("emits", |attr, arg| {
        attr.emits = attr::types(&arg.group("RoomBooked")?)?;
        Ok(())
    }),
    ("rejects", |attr, arg| {
        arg.value(&mut attr.rejects, "BookingRejection")
    }),
    ("id", |attr, arg| arg.string(&mut attr.id, "{order}")),
    ("name", |attr, arg| arg.string(&mut attr.name, "book-room")),
    ("key", |attr, arg| {
        overrides::read_arg(arg, &mut attr.overrides)
    }),
    ("validate", |attr, arg| {
        arg.value(&mut attr.validate, "Self::check")
    }),
    ("garde", |attr, arg| arg.flag(&mut attr.garde)),
    ("crate", |attr, arg| arg.crate_path(&mut attr.krate)),
];

struct Model<'a> {
    input: &'a DeriveInput,
    attr: Attr,
    doc: Doc,
    /// `None` if the type is not a struct with named fields.
    fields: Option<Vec<Field>>,
    state: State,
    /// `None` if there is none, or it is wrong.
    id: Option<Template>,
}

impl<'a> Model<'a> {
    fn new(ctxt: &Ctxt, input: &'a DeriveInput, attr: Attr) -> Self {
        field::owned(ctxt, input, &KIND);
        let id = attr.id.as_ref();
        Self {
            input,
            doc: Doc::of(&input.attrs),
            fields: field::named(ctxt, input, &KIND),
            state: State::of(attr.state.as_ref()),
            id: id.and_then(|literal| template::id(ctxt, literal)),
            attr,
        }
    }
}

/// What a command decides on.
enum State {
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

    fn parts(&self) -> &[Type] {
        match self {
            Self::None => &[],
            Self::One(ty) => std::slice::from_ref(ty),
            Self::Tuple(parts) => parts,
        }
    }
}

fn check(ctxt: &Ctxt, model: &Model<'_>) {
    let attr = &model.attr;
    let states = model.state.parts();
    ty::named_once(ctxt, &attr.emits);
    if let Some(state) = states.get(MAX_STATES) {
        ctxt.error(
            state,
            format_args!("a command decides on at most {MAX_STATES} states"),
        );
    }
    if let Some(name) = &attr.name
        && !attr::is_kebab(&name.value())
    {
        ctxt.error(
            name,
            format_args!(
                "the name of a command is a part of addresses: small letters, digits and single `-`, as in `{}`",
                proposal(&name.value())
            ),
        );
    }
    if let (Some(template), Some(fields)) = (&model.id, &model.fields) {
        let report = Report::new(ctxt, &template.literal);
        for placeholder in template.placeholders() {
            if placeholder.field(fields).is_none() {
                report.no_field(placeholder, &model.input.ident, fields);
            }
        }
    }
    overrides::check(ctxt, &attr.overrides, states.len(), "state");
}

fn proposal(name: &str) -> String {
    let kebab = name.to_kebab_case();
    if attr::is_kebab(&kebab) {
        kebab
    } else {
        "book-room".to_owned()
    }
}

fn expand(model: &Model<'_>, errors: Option<&TokenStream>) -> TokenStream {
    let Model {
        input, attr, doc, ..
    } = model;
    let krate = &attr.krate;
    let emits = ty::unique(&attr.emits);
    let broken = errors.is_some();
    if input.generics.lifetimes().next().is_some() {
        // No impl would help: a type that borrows cannot be a command.
        return quote!(#errors);
    }
    let ident = &input.ident;
    let fields = model.fields.as_deref().unwrap_or_default();
    let generics = bounded(&input.generics, &expand::stored(krate));
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();

    let command = located(quote!(#krate::Command), ident.span());
    let info = type_info(krate, ident, doc, fields);
    let address = option(attr.name.as_ref().filter(|_| !broken));
    let id = option(
        model
            .id
            .as_ref()
            .map(|template| &template.literal)
            .filter(|_| !broken),
    );
    let schema = schema(krate, &input.generics);
    let state = state(model);
    let rejection = expand::or(attr.rejects.as_ref(), quote!(#krate::NoRejection));
    let emitted = emits
        .iter()
        .map(|event| quote!(#krate::__private::Probe::<#event>::EVENT));
    let names: Vec<String> = model.state.parts().iter().map(ty::text).collect();
    let overrides = if broken {
        &[]
    } else {
        attr.overrides.as_slice()
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
        let emits = located(quote!(#krate::__private::Emits::<#event>), span_of(event));
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
                const INFO: &'static #krate::__private::CommandInfo = {
                    #asserts
                    #keyed
                    &#krate::__private::CommandInfo::__new(
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

fn state(model: &Model<'_>) -> TokenStream {
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

/// All of it has the span of the state, so that the compiler reports there that a type is no state.
fn keys_fn(model: &Model<'_>, state: &TokenStream, broken: bool) -> TokenStream {
    let krate = &model.attr.krate;
    let parts = model.state.parts();
    let span = parts.first().map_or_else(Span::call_site, span_of);
    let decision_state = located(quote!(#krate::__private::DecisionState), span);
    let keys = body(broken, build_keys(model));
    // Of a tuple the compiler reports only that it is no state. These calls report which part is none.
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

fn build_keys(model: &Model<'_>) -> TokenStream {
    let krate = &model.attr.krate;
    let mut keys = model.state.parts().iter().enumerate().map(|(i, part)| {
        let parts = quote!(#krate::__private::Probe::<#part>::key_parts());
        overrides::build(&parts, i, &model.attr.overrides, "self", span_of(part))
    });
    match &model.state {
        State::None => TokenStream::new(),
        State::One(_) => keys.next().unwrap_or_default(),
        State::Tuple(_) => quote!((#(#keys,)*)),
    }
}

fn id_fn(model: &Model<'_>) -> Option<TokenStream> {
    let krate = &model.attr.krate;
    let template = model.id.as_ref()?;
    let fields = model.fields.as_deref().unwrap_or_default();
    let part = |part: &Part| match part {
        Part::Text(text) => Some(quote!(__id.text(#text);)),
        Part::Field(placeholder) => {
            let Field { ident, ty, .. } = placeholder.field(fields)?;
            let tail = placeholder.tail();
            Some(quote_spanned!(at(span_of(ty))=> __id.value(&self.#ident #(.#tail)*);))
        }
    };
    let parts: Vec<_> = template.parts.iter().map(part).collect::<Option<_>>()?;
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

fn validate_fn(model: &Model<'_>) -> Option<TokenStream> {
    let krate = &model.attr.krate;
    let garde = model.attr.garde.as_ref().map(|garde| {
        let span = garde.span();
        let validate = located(quote!(#krate::__private::garde_validate), span);
        quote_spanned!(at(span)=> #validate(self))
    });
    let own = model.attr.validate.as_ref().map(|path| {
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
