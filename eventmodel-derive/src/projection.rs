//! `Projection`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Ident, ItemImpl, Path, ReturnType, Token, Type, token};

use crate::attr::{Keys, crate_or_default, crate_path, flag, group, value, whole};
use crate::ctxt::Ctxt;
use crate::doc::Doc;
use crate::expand::{anonymous, at, body, bounded, evaluated, located, type_info};
use crate::handler::{self, Handler, Rules};
use crate::key_parts::{self, Owner, source_trait};
use crate::overrides::{self, Override};
use crate::suggest;
use crate::ty::{self, bare, span_of};

/// What a projection is keyed by.
pub(crate) enum KeyAttr {
    /// `()`
    None,
    Stream(Box<Type>),
    Fields(Vec<KeyField>),
}

pub(crate) struct KeyField {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
}

impl Parse for KeyField {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = Ident::parse_any(input)?;
        if !input.peek(Token![:]) {
            return Err(syn::Error::new(
                name.span(),
                format_args!("write `{name}: Type`"),
            ));
        }
        input.parse::<Token![:]>()?;
        Ok(Self {
            name,
            ty: whole(input, Type::parse)?,
        })
    }
}

pub(crate) struct ProjectionAttr {
    pub(crate) key: KeyAttr,
    pub(crate) snapshot: Option<Ident>,
    pub(crate) krate: Option<Path>,
}

pub(crate) fn read(ctxt: &Ctxt, args: TokenStream) -> ProjectionAttr {
    let mut attr = ProjectionAttr {
        key: KeyAttr::None,
        snapshot: None,
        krate: None,
    };
    Keys::new(ctxt, "projection", &["key", "snapshot", "crate"]).tokens(args, |key, input| {
        if key == "crate" {
            attr.krate = Some(crate_path(key, input)?);
        } else if key == "snapshot" {
            attr.snapshot = Some(flag(key, input)?);
        } else if input.peek(token::Paren) {
            let group = group(key, input, "key(room: RoomId)")?;
            let fields = Punctuated::<KeyField, Token![,]>::parse_terminated;
            attr.key = KeyAttr::Fields(fields.parse2(group.stream())?.into_iter().collect());
        } else {
            let example = "key = Booking` for a stream, or `key(room: RoomId)";
            attr.key = KeyAttr::Stream(Box::new(value(key, input, example)?));
        }
        Ok(())
    });
    attr
}

pub(crate) const RULES: Rules = Rules {
    attr: "projection",
    mutable: true,
    example: "fn booked(&mut self, event: &RoomBooked)",
    more: "`&Metadata` if it wants, nothing else",
    max_more: 1,
};

pub(crate) struct ProjectionModel {
    /// The block, to be emitted again.
    pub(crate) block: ItemImpl,
    pub(crate) name: Option<Ident>,
    pub(crate) krate: Path,
    pub(crate) doc: Doc,
    pub(crate) key: KeyAttr,
    /// Where it says that it may be kept as a snapshot, if it does.
    pub(crate) snapshot: Option<Ident>,
    pub(crate) handlers: Vec<Handler>,
}

pub(crate) fn build(
    ctxt: &Ctxt,
    attr: ProjectionAttr,
    item: &TokenStream,
) -> Option<ProjectionModel> {
    let mut block = handler::block(ctxt, &RULES, item)?;
    let handlers = handler::read(ctxt, &RULES, &mut block);
    Some(ProjectionModel {
        name: handler::self_name(ctxt, &RULES, &block),
        krate: crate_or_default(attr.krate),
        doc: Doc::of(&block.attrs),
        key: attr.key,
        snapshot: attr.snapshot,
        handlers,
        block,
    })
}

/// As many as `Key` is implemented for.
pub(crate) const MAX_PARTS: usize = 4;

pub(crate) fn check(ctxt: &Ctxt, model: &ProjectionModel) {
    if let KeyAttr::Fields(fields) = &model.key {
        check_fields(ctxt, model, fields);
    }
    check_snapshot(ctxt, model);
    for handler in &model.handlers {
        if handler.is_async {
            ctxt.error(
                &handler.name,
                "a projection is a pure fold, so its handlers are not `async`; what reacts to events is an `#[automation]`",
            );
        }
        if let ReturnType::Type(_, ty) = &handler.output
            && !matches!(bare(ty), Type::Tuple(tuple) if tuple.elems.is_empty())
        {
            ctxt.error(
                ty,
                "a handler of a projection returns nothing: it changes `self`",
            );
        }
        check_overrides(ctxt, model, handler);
    }
    handler::check(ctxt, &model.handlers);
}

fn check_snapshot(ctxt: &Ctxt, model: &ProjectionModel) {
    let Some(snapshot) = &model.snapshot else {
        return;
    };
    if !matches!(model.key, KeyAttr::Stream(_)) {
        ctxt.error(
            snapshot,
            "only the state of a decision is kept as a snapshot, and that is keyed by a stream: `key = Booking, snapshot`",
        );
    }
    for ty in model.handlers.iter().flat_map(|handler| &handler.more) {
        ctxt.error(
            ty,
            "a snapshot is made before its last event is recorded, so the handlers cannot be given what is recorded \
             with an event; let the event say it, or remove `snapshot`",
        );
    }
}

fn check_fields(ctxt: &Ctxt, model: &ProjectionModel, fields: &[KeyField]) {
    if fields.is_empty() {
        ctxt.error(
            &model.block.self_ty,
            "`key()` names no field: write `#[projection]` for a projection that has one instance",
        );
    }
    for (i, field) in fields.iter().enumerate() {
        if fields[..i]
            .iter()
            .any(|other| other.name.unraw() == field.name.unraw())
        {
            ctxt.error(
                &field.name,
                format_args!("`{}` is named twice", field.name.unraw()),
            );
        }
    }
    if let Some(field) = fields.get(MAX_PARTS) {
        ctxt.error(
            &field.name,
            format_args!("a key has at most {MAX_PARTS} parts"),
        );
    }
}

fn check_overrides(ctxt: &Ctxt, model: &ProjectionModel, handler: &Handler) {
    for over in &handler.overrides {
        let name = over.field.unraw().to_string();
        if let Some((_, index)) = &over.index {
            ctxt.error(
                index,
                format_args!("a projection has one key: write `{name} = ..`"),
            );
        }
        match &model.key {
            KeyAttr::None => ctxt.error(
                &over.field,
                "this projection has no key; say it on the block: `#[projection(key(room: RoomId))]`",
            ),
            KeyAttr::Fields(fields) => {
                let names: Vec<String> = fields.iter().map(|f| f.name.unraw().to_string()).collect();
                if !names.contains(&name) {
                    let hint = suggest::or_known(&name, "it has", names.iter().map(String::as_str));
                    ctxt.error(&over.field, format_args!("the key has no part `{name}`{hint}"));
                }
            }
            KeyAttr::Stream(_) => {}
        }
    }
}

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
    let infos = handler::infos(krate, handlers, by_stream);
    let snapshot = model.snapshot.as_ref().map(|_| quote!(.__with_snapshot()));
    let distinct = (!broken).then(|| handler::distinct(krate, handlers));
    let (key, names, sources) = key(model, name);
    let choose_key = handler::choose(krate, handlers, |handler| key_of(model, handler));
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
    let choose_handler = handler::choose(krate, handlers, |handler| apply(model, handler));
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
    let allowed = handler::prescribed();
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
    let names = [ty::text(stream)];
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
            let value = overrides::value(&over.value);
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
