//! The handlers in the `impl` block of a projection or an automation. The type of a handler's first parameter is the
//! event that it handles.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{
    Attribute, FnArg, GenericParam, Ident, ImplItem, ImplItemFn, ItemImpl, Meta, Pat, Receiver,
    ReceiverKind, ReturnType, Safety, Type,
};

use crate::attr::{CratePath, cfg};
use crate::ctxt::Ctxt;
use crate::doc::Doc;
use crate::expand::{at, constant};
use crate::overrides::{self, Override};
use crate::ty::{self, bare, span_of};

/// How the handlers of a projection and those of an automation differ.
pub(crate) struct Rules {
    /// The attribute: `projection`.
    pub(crate) attr: &'static str,
    /// Whether a handler takes `&mut self`, or `&self`.
    pub(crate) mutable: bool,
    /// A signature, for messages.
    pub(crate) example: &'static str,
    /// What may follow the event, for messages.
    pub(crate) more: &'static str,
    /// How many parameters may follow the event.
    pub(crate) max_more: usize,
}

/// An `impl` block with handlers.
pub(crate) struct Block {
    /// The block without `#[key(..)]`. The macro emits it again.
    pub(crate) item: ItemImpl,
    /// The name of the type that the block is for. `None` if it has none.
    pub(crate) name: Option<Ident>,
    pub(crate) doc: Doc,
    pub(crate) handlers: Vec<Handler>,
}

/// A function that handles an event.
pub(crate) struct Handler {
    pub(crate) name: Ident,
    pub(crate) doc: Doc,
    pub(crate) cfg: Vec<Attribute>,
    pub(crate) event: Type,
    /// The name that the handler gives the event, if any.
    pub(crate) param: Option<Ident>,
    /// The types of the parameters after the event.
    pub(crate) more: Vec<Type>,
    pub(crate) is_async: bool,
    pub(crate) output: ReturnType,
    /// `#[key(..)]`
    pub(crate) overrides: Vec<Override>,
}

impl Block {
    /// Reads the block. `None` if the attribute stands on something else, which it reports.
    pub(crate) fn read(ctxt: &Ctxt, rules: &Rules, item: &TokenStream) -> Option<Self> {
        let mut item = impl_block(ctxt, rules, item)?;
        let handlers = handlers(ctxt, rules, &mut item);
        Some(Self {
            name: self_name(ctxt, rules, &item),
            doc: Doc::of(&item.attrs),
            handlers,
            item,
        })
    }

    /// Reports a second handler of an event, if both write its type the same way. The compiler finds the others: see
    /// [`distinct`](Self::distinct).
    pub(crate) fn check(&self, ctxt: &Ctxt) {
        let handlers = &self.handlers;
        for (i, handler) in handlers.iter().enumerate() {
            let twin = handlers[..i].iter().find(|other| {
                other.cfg.is_empty()
                    && handler.cfg.is_empty()
                    && ty::same(&other.event, &handler.event)
            });
            if let Some(twin) = twin {
                ctxt.error(
                    &handler.event,
                    format_args!(
                        "`{}` is handled by `{}` already; an event has one handler",
                        ty::text(&handler.event),
                        twin.name
                    ),
                );
            }
        }
    }

    /// `&[HandlerInfo::__new(..), ..]`. With `own_key`, a handler with `#[key(..)]` says so.
    pub(crate) fn infos(&self, krate: &CratePath, own_key: bool) -> TokenStream {
        let infos = self.handlers.iter().map(|handler| {
            let Handler {
                doc,
                cfg,
                event,
                overrides,
                ..
            } = handler;
            let name = handler.name.unraw().to_string();
            let own_key = (own_key && !overrides.is_empty()).then(|| quote!(.__with_own_key()));
            let info = quote!(#krate::__private::Probe::<#event>::EVENT);
            quote!(#(#cfg)* #krate::__private::HandlerInfo::__new(#name, #doc, #info) #own_key)
        });
        quote!(&[#(#infos),*])
    }

    /// Statements that fail to compile if two handlers handle one event under two names of its type.
    pub(crate) fn distinct(&self, krate: &CratePath) -> TokenStream {
        let handlers = &self.handlers;
        let asserts = handlers.iter().enumerate().skip(1).map(|(i, handler)| {
            let Handler { event, cfg, .. } = handler;
            let before = handlers[..i].iter().map(|other| {
                let Handler { event, cfg, .. } = other;
                quote!(#(#cfg)* #krate::__private::Probe::<#event>::EVENT)
            });
            let span = at(span_of(event));
            quote_spanned! {span=>
                #(#cfg)*
                ::core::assert!(
                    #krate::__private::Probe::<#event>::EVENT.__is_none_of(&[#(#before),*]),
                    "another handler handles events of this type already; an event has one handler",
                );
            }
        });
        constant(quote!(#(#asserts)*))
    }

    /// Statements that run `then` of the handler whose event has the type `__type`.
    pub(crate) fn choose<'a>(
        &'a self,
        krate: &'a CratePath,
        then: impl Fn(&Handler) -> TokenStream + 'a,
    ) -> impl Iterator<Item = TokenStream> + 'a {
        self.handlers.iter().map(move |handler| {
            let Handler { event, cfg, .. } = handler;
            let event_type = quote!(#krate::__private::Probe::<#event>::EVENT.event_type);
            let then = then(handler);
            quote! {
                #(#cfg)*
                {
                    if __type == #event_type {
                        #then
                    }
                }
            }
        })
    }
}

impl Handler {
    /// The statement that decodes `__recorded`, the recorded event, into `__event`.
    pub(crate) fn decode(&self) -> TokenStream {
        let event = &self.event;
        let span = at(span_of(event));
        quote_spanned!(span=> let __event: &#event = __recorded.decode::<#event>()?;)
    }
}

/// Goes before the block of the handlers, whose signatures the macros prescribe: the user cannot follow these lints.
pub(crate) fn prescribed() -> TokenStream {
    quote! {
        #[allow(clippy::unused_self, clippy::unused_async, clippy::trivially_copy_pass_by_ref)]
    }
}

/// The `impl` block that the attribute stands on, if it is one.
fn impl_block(ctxt: &Ctxt, rules: &Rules, item: &TokenStream) -> Option<ItemImpl> {
    let attr = rules.attr;
    let wrong = || {
        format!(
            "`#[{attr}]` stands on the `impl` block of the event handlers: `impl Type {{ {} {{ .. }} }}`",
            rules.example
        )
    };
    match syn::parse2::<syn::Item>(item.clone()) {
        Ok(syn::Item::Impl(block)) => {
            if let Some((path, _)) = &block.trait_ {
                ctxt.error(
                    path,
                    format_args!("{}; this block implements a trait", wrong()),
                );
                return None;
            }
            Some(block)
        }
        Ok(other) => {
            let head: TokenStream = other.into_token_stream().into_iter().take(3).collect();
            ctxt.error(head, wrong());
            None
        }
        Err(error) => {
            ctxt.syn(error);
            None
        }
    }
}

/// The name of the type that the block is for. Reports a type without one.
fn self_name(ctxt: &Ctxt, rules: &Rules, block: &ItemImpl) -> Option<Ident> {
    match bare(&block.self_ty) {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .map(|segment| segment.ident.clone()),
        other => {
            ctxt.error(
                other,
                format_args!("`#[{}]` needs a type with a name", rules.attr),
            );
            None
        }
    }
}

/// Reads the handlers, and takes `#[key(..)]` off their functions.
fn handlers(ctxt: &Ctxt, rules: &Rules, block: &mut ItemImpl) -> Vec<Handler> {
    let mut handlers = Vec::new();
    let mut seen = 0;
    for item in &mut block.items {
        let ImplItem::Fn(function) = item else {
            continue;
        };
        let keys = take_keys(function);
        if is_handler(ctxt, rules, function) {
            seen += 1;
            handlers.extend(handler(ctxt, rules, function, &keys));
        } else {
            for key in keys {
                ctxt.error(
                    key,
                    "`#[key(..)]` stands on an event handler, and this is none",
                );
            }
        }
    }
    if seen == 0 {
        ctxt.error(
            &block.self_ty,
            format_args!(
                "no event handler in this block; a handler is `{}`",
                rules.example
            ),
        );
    }
    handlers
}

fn take_keys(function: &mut ImplItemFn) -> Vec<Attribute> {
    let (keys, rest) = std::mem::take(&mut function.attrs)
        .into_iter()
        .partition(|attr| attr.path().is_ident("key"));
    function.attrs = rest;
    keys
}

fn is_handler(ctxt: &Ctxt, rules: &Rules, function: &ImplItemFn) -> bool {
    let Some(FnArg::Receiver(receiver)) = function.sig.inputs.first() else {
        return false;
    };
    match by_reference(receiver) {
        Some(true) if !rules.mutable => {
            ctxt.error(
                receiver,
                "an automation reacts to several events at the same time, so its handlers take `&self`",
            );
            false
        }
        Some(mutable) => mutable == rules.mutable,
        None => false,
    }
}

/// Whether the receiver is `&self` (`false`) or `&mut self` (`true`).
fn by_reference(receiver: &Receiver) -> Option<bool> {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => Some(mutability.is_some()),
        ReceiverKind::Typed(_, ty) => match bare(ty) {
            Type::Reference(reference) => Some(reference.mutability.is_some()),
            _ => None,
        },
        _ => None,
    }
}

fn handler(
    ctxt: &Ctxt,
    rules: &Rules,
    function: &ImplItemFn,
    keys: &[Attribute],
) -> Option<Handler> {
    let sig = &function.sig;
    if let Safety::Unsafe(token) = &sig.safety {
        ctxt.error(
            token,
            "a handler is called by safe code, so it is not `unsafe`",
        );
    }
    for param in &sig.generics.params {
        if !matches!(param, GenericParam::Lifetime(_)) {
            ctxt.error(
                param,
                "a handler has no parameters of its own, because the type of its event says what it handles",
            );
        }
    }
    let mut params = sig.inputs.iter().skip(1).filter_map(|arg| match arg {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    });
    let Some(first) = params.next() else {
        ctxt.error(
            &sig.ident,
            format_args!(
                "a handler takes the event: `{}`; a helper goes into another `impl` block",
                rules.example
            ),
        );
        return None;
    };
    let more: Vec<Type> = params.map(|param| (*param.ty).clone()).collect();
    if let Some(extra) = more.get(rules.max_more) {
        ctxt.error(
            extra,
            format_args!("a handler takes the event, and after it {}", rules.more),
        );
    }
    Some(Handler {
        name: sig.ident.clone(),
        doc: Doc::of(&function.attrs),
        cfg: cfg(&function.attrs),
        event: event(ctxt, rules, &first.ty)?,
        param: match &*first.pat {
            Pat::Ident(ident) => Some(ident.ident.clone()),
            _ => None,
        },
        more: more.into_iter().take(rules.max_more).collect(),
        is_async: sig.asyncness.is_some(),
        output: sig.output.clone(),
        overrides: keys
            .iter()
            .flat_map(|key| key_overrides(ctxt, key))
            .collect(),
    })
}

/// The `E` of `&E`.
fn event(ctxt: &Ctxt, rules: &Rules, ty: &Type) -> Option<Type> {
    match bare(ty) {
        Type::Reference(reference) => {
            if let Some(token) = &reference.mutability {
                ctxt.error(
                    token,
                    format_args!(
                        "an event is a fact, and cannot be changed: `&{}`",
                        ty::text(&reference.elem)
                    ),
                );
                return None;
            }
            if let Type::ImplTrait(_) | Type::Infer(_) = bare(&reference.elem) {
                ctxt.error(
                    &reference.elem,
                    format_args!("name the event: `{}`", rules.example),
                );
                return None;
            }
            Some((*reference.elem).clone())
        }
        other => {
            ctxt.error(
                other,
                format_args!(
                    "a handler takes the event by reference: `&{}`",
                    ty::text(other)
                ),
            );
            None
        }
    }
}

fn key_overrides(ctxt: &Ctxt, key: &Attribute) -> Vec<Override> {
    match &key.meta {
        Meta::List(list) => overrides::read(ctxt, list.tokens.clone()),
        other => {
            ctxt.error(other, "write `#[key(room = event.booking.room)]`");
            Vec::new()
        }
    }
}
