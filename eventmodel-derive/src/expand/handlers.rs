//! What projections and automations share: the list of handlers, and the choice among them.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Path;
use syn::ext::IdentExt;

use crate::expand::at;
use crate::field::span_of;
use crate::handler::Handler;

/// `HandlerInfo::__new(..)` of each.
pub(crate) fn infos(krate: &Path, handlers: &[Handler], own_key: bool) -> TokenStream {
    let infos = handlers.iter().map(|handler| {
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
        quote!(#(#cfg)* #krate::HandlerInfo::__new(#name, #doc, #info) #own_key)
    });
    quote!(&[#(#infos),*])
}

/// Put before the block of the handlers: their signatures are prescribed, so lints about them cannot be heeded.
pub(crate) fn prescribed() -> TokenStream {
    quote! {
        #[allow(clippy::unused_self, clippy::unused_async, clippy::trivially_copy_pass_by_ref)]
    }
}

/// Statements that fail to compile if two handlers handle one event under two names of its type.
pub(crate) fn distinct(krate: &Path, handlers: &[Handler]) -> TokenStream {
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
    super::constant(quote!(#(#asserts)*))
}

/// Runs `then` of the handler whose event it is. `__recorded` is the recorded event.
pub(crate) fn choose<'a>(
    krate: &'a Path,
    handlers: &'a [Handler],
    then: impl Fn(&Handler) -> TokenStream + 'a,
) -> impl Iterator<Item = TokenStream> + 'a {
    handlers.iter().map(move |handler| {
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
