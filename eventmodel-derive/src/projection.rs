//! `#[projection]`: `Projection` from the handlers in an `impl` block.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Ident, ReturnType, Token, Type, token};

use crate::attr::{self, CratePath, Key, whole};
use crate::ctxt::Ctxt;
use crate::expand::{anonymous, at, body, bounded, evaluated, located, type_info};
use crate::handler::{self, Block, Handler, Rules};
use crate::key_parts::{self, Owner, source_trait};
use crate::overrides::{self, Override};
use crate::suggest;
use crate::ty::{self, bare, span_of};

/// As many parts as `Key` is implemented for.
const MAX_PARTS: usize = 4;

pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    let ctxt = Ctxt::new();
    let attr = attr::read_args(&ctxt, RULES.attr, KEYS, args);
    let Some(block) = Block::read(&ctxt, &RULES, item) else {
        let errors = ctxt.finish();
        return quote!(#errors #item);
    };
    check(&ctxt, &attr, &block);
    expand(&attr, &block, ctxt.finish().as_ref())
}

const RULES: Rules = Rules {
    attr: "projection",
    mutable: true,
    example: "fn booked(&mut self, event: &RoomBooked)",
    more: "`&Metadata` if it wants, nothing else",
    max_more: 1,
};

#[derive(Default)]
struct Attr {
    key: KeyAttr,
    /// The word `snapshot`, if the user wrote it.
    snapshot: Option<Ident>,
    krate: CratePath,
}

/// What a projection is keyed by.
#[derive(Default)]
enum KeyAttr {
    /// `()`
    #[default]
    None,
    Stream(Box<Type>),
    Fields(Vec<KeyField>),
}

struct KeyField {
    name: Ident,
    ty: Type,
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

const KEYS: &[Key<Attr>] = &[
    ("key", |attr, arg| {
        attr.key = if arg.input.peek(token::Paren) {
            let fields = Punctuated::<KeyField, Token![,]>::parse_terminated;
            let fields = fields.parse2(arg.group("room: RoomId")?.stream())?;
            KeyAttr::Fields(fields.into_iter().collect())
        } else {
            let example = "Booking` for a stream, or `key(room: RoomId)";
            KeyAttr::Stream(Box::new(arg.parse(example)?))
        };
        Ok(())
    }),
    ("snapshot", |attr, arg| arg.flag(&mut attr.snapshot)),
    ("crate", |attr, arg| arg.crate_path(&mut attr.krate)),
];

fn check(ctxt: &Ctxt, attr: &Attr, block: &Block) {
    if let KeyAttr::Fields(fields) = &attr.key {
        check_fields(ctxt, block, fields);
    }
    if let Some(snapshot) = &attr.snapshot {
        check_snapshot(ctxt, attr, block, snapshot);
    }
    for handler in &block.handlers {
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
        check_overrides(ctxt, &attr.key, handler);
    }
    block.check(ctxt);
}

fn check_snapshot(ctxt: &Ctxt, attr: &Attr, block: &Block, snapshot: &Ident) {
    if !matches!(attr.key, KeyAttr::Stream(_)) {
        ctxt.error(
            snapshot,
            "only the state of a decision is kept as a snapshot, and that is keyed by a stream: `key = Booking, snapshot`",
        );
    }
    for ty in block.handlers.iter().flat_map(|handler| &handler.more) {
        ctxt.error(
            ty,
            "a snapshot is made before its last event is recorded, so the handlers cannot be given what is recorded \
             with an event; let the event say it, or remove `snapshot`",
        );
    }
}

fn check_fields(ctxt: &Ctxt, block: &Block, fields: &[KeyField]) {
    if fields.is_empty() {
        ctxt.error(
            &block.item.self_ty,
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

fn check_overrides(ctxt: &Ctxt, key: &KeyAttr, handler: &Handler) {
    for over in &handler.overrides {
        let name = over.field.unraw().to_string();
        if let Some((_, index)) = &over.index {
            ctxt.error(
                index,
                format_args!("a projection has one key: write `{name} = ..`"),
            );
        }
        match key {
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

fn expand(attr: &Attr, block: &Block, errors: Option<&TokenStream>) -> TokenStream {
    let krate = &attr.krate;
    let Block {
        item, name, doc, ..
    } = block;
    let Some(name) = name else {
        return quote!(#errors #item);
    };
    let broken = errors.is_some();
    let ty = &item.self_ty;
    let bounds = quote! {
        ::core::default::Default + ::core::clone::Clone + #krate::__private::Serialize
            + #krate::__private::DeserializeOwned + ::core::marker::Send + ::core::marker::Sync + 'static
    };
    let generics = bounded(&item.generics, &bounds);
    let (impl_generics, _, where_clause) = generics.split_for_impl();

    let projection = located(quote!(#krate::Projection), span_of(ty));
    let info = type_info(krate, name, doc, &[]);
    let by_stream = matches!(attr.key, KeyAttr::Stream(_));
    let infos = block.infos(krate, by_stream);
    let snapshot = attr.snapshot.as_ref();
    let snapshot = snapshot.map(|_| quote!(.__with_snapshot()));
    let distinct = (!broken).then(|| block.distinct(krate));
    let (key, names, sources) = key(attr, name);
    let choose_key = block.choose(krate, |handler| key_of(attr, handler));
    let choose_key = quote! {
        let __type = __recorded.event_type();
        #(#choose_key)*
        ::core::result::Result::Ok(::core::option::Option::None)
    };
    let is_stream = match &attr.key {
        KeyAttr::Stream(stream) => located(
            quote!(#krate::__private::stream_key::<#stream>();),
            span_of(stream),
        ),
        _ => TokenStream::new(),
    };
    let choose_key = body(broken, quote!(#is_stream #choose_key));
    let choose_handler = block.choose(krate, |handler| apply(krate, handler));
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
                const INFO: &'static #krate::__private::ProjectionInfo = {
                    #distinct
                    &#krate::__private::ProjectionInfo::__new(#info, &[#(#names),*], #infos) #snapshot
                };

                type Key = #key;

                #[allow(unused_variables)]
                fn key_of(
                    __recorded: &#krate::RecordedEvent,
                ) -> ::core::result::Result<::core::option::Option<#key>, #krate::__private::DecodeError> {
                    #choose_key
                }

                fn apply(
                    &mut self,
                    __recorded: &#krate::RecordedEvent,
                ) -> ::core::result::Result<::core::primitive::bool, #krate::__private::DecodeError> {
                    #choose_handler
                }
            }

            #evaluated
        },
    );
    let allowed = handler::prescribed();
    quote!(#allowed #item #expanded)
}

/// The type of the key, the names of its parts, and the traits that give the parts.
fn key(attr: &Attr, name: &Ident) -> (TokenStream, Vec<String>, TokenStream) {
    match &attr.key {
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
                key_parts::source(&attr.krate, &field.name, &field.ty, &owner)
            });
            let key = match types.as_slice() {
                [ty] => quote!(#ty),
                types => quote!((#(#types),*)),
            };
            (key, names, quote!(#(#sources)*))
        }
    }
}

/// The fields of the key that [`check`] does not report.
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

/// The key for an event of this handler.
fn key_of(attr: &Attr, handler: &Handler) -> TokenStream {
    let Handler {
        event, overrides, ..
    } = handler;
    let krate = &attr.krate;
    let span = span_of(event);
    let key = match &attr.key {
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
            let parts = fields.iter().map(|field| part(krate, handler, field));
            if fields.len() == 1 {
                quote!(#(#parts)*)
            } else {
                quote!((#(#parts),*))
            }
        }
    };
    let decode = handler.decode();
    let names = event_names(handler);
    let asserts = match &attr.key {
        KeyAttr::Stream(stream) => asserts(krate, stream, overrides),
        _ => TokenStream::new(),
    };
    quote! {
        #asserts
        #decode
        #names
        return ::core::result::Result::Ok(::core::option::Option::Some(#key));
    }
}

/// Binds the event to the names that an override may use: that of the handler's parameter, and `event`.
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

fn asserts(krate: &CratePath, stream: &Type, overrides: &[Override]) -> TokenStream {
    let names = [ty::text(stream)];
    overrides::asserts(
        overrides,
        &names,
        "stream",
        |_, field| quote!(#krate::__private::Probe::<#stream>::STREAM.__has_field(#field)),
    )
}

/// The part `field` of a key: from its override, or from the field of its name.
fn part(krate: &CratePath, handler: &Handler, field: &KeyField) -> TokenStream {
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
fn apply(krate: &CratePath, handler: &Handler) -> TokenStream {
    let name = &handler.name;
    let decode = handler.decode();
    let more = handler.more.iter().map(|ty| {
        let span = ty.span();
        let from = located(quote!(#krate::__private::FromRecorded), span);
        quote_spanned!(at(span)=> , #from::from_recorded(__recorded))
    });
    quote! {
        #decode
        Self::#name(self, __event #(#more)*);
        return ::core::result::Result::Ok(true);
    }
}
