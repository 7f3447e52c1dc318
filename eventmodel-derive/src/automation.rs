//! `#[automation]`: `Automation` from the handlers in an `impl` block.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ReturnType, Type};

use crate::attr::{self, CratePath, Key};
use crate::ctxt::Ctxt;
use crate::expand::{anonymous, at, body, bounded, evaluated, located, type_info};
use crate::handler::{self, Block, Handler, Rules};
use crate::ty::span_of;

pub(crate) fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    let ctxt = Ctxt::new();
    let krate = attr::read_args(&ctxt, RULES.attr, KEYS, args);
    let Some(block) = Block::read(&ctxt, &RULES, item) else {
        let errors = ctxt.finish();
        return quote!(#errors #item);
    };
    check(&ctxt, &block);
    expand(&krate, &block, ctxt.finish().as_ref())
}

const RULES: Rules = Rules {
    attr: "automation",
    mutable: false,
    example: "async fn room_booked(&self, event: &RoomBooked) -> Option<ScheduleCleaning>",
    more: "`&Metadata` and `&App` if it wants, nothing else",
    max_more: 2,
};

const KEYS: &[Key<CratePath>] = &[("crate", |krate, arg| arg.crate_path(krate))];

fn check(ctxt: &Ctxt, block: &Block) {
    for handler in &block.handlers {
        if let ReturnType::Type(_, ty) = &handler.output
            && let Type::ImplTrait(_) = &**ty
        {
            ctxt.error(
                ty,
                "name the type of the commands, because the board shows them: `Option<ScheduleCleaning>`",
            );
        }
        if let Some(over) = handler.overrides.first() {
            ctxt.error(
                &over.field,
                "an automation has no key: the events of one stream instance are handled in their order",
            );
        }
    }
    block.check(ctxt);
}

fn expand(krate: &CratePath, block: &Block, errors: Option<&TokenStream>) -> TokenStream {
    let Block {
        item,
        name,
        doc,
        handlers,
    } = block;
    let Some(name) = name else {
        return quote!(#errors #item);
    };
    let broken = errors.is_some();
    let ty = &item.self_ty;
    let generics = bounded(
        &item.generics,
        &quote!(::core::marker::Send + ::core::marker::Sync + 'static),
    );
    let (impl_generics, _, where_clause) = generics.split_for_impl();

    let automation = located(quote!(#krate::Automation), span_of(ty));
    let info = type_info(krate, name, doc, &[]);
    let infos = block.infos(krate, false);
    let distinct = (!broken).then(|| block.distinct(krate));
    let issues = handlers.iter().filter(|_| !broken).map(|handler| {
        let (output, cfg) = (output(&handler.output), &handler.cfg);
        quote!(#(#cfg)* #krate::__private::issues_of::<#output>)
    });
    let react = block.choose(krate, |handler| react(krate, handler));
    let react = body(
        broken,
        quote! {
            let __type = __recorded.event_type();
            let mut __commands = <#krate::Commands as ::core::default::Default>::default();
            #(#react)*
            ::core::result::Result::Ok(__commands)
        },
    );
    let evaluated = evaluated(
        &generics,
        &quote!(#krate::__private::Probe::<#ty>::AUTOMATION),
    );

    let expanded = anonymous(
        krate,
        &[],
        errors,
        &quote! {
            #[automatically_derived]
            impl #impl_generics #automation for #ty #where_clause {
                const INFO: &'static #krate::__private::AutomationInfo = {
                    #distinct
                    &#krate::__private::AutomationInfo::__new(#info, #infos, &[#(#issues),*])
                };

                // `#[async_trait]` writes the same, but its `Box` would be the user's where there is one of that name.
                fn react<'life0, 'life1, 'life2, 'async_trait>(
                    &'life0 self,
                    __recorded: &'life1 #krate::RecordedEvent,
                    __context: &'life2 #krate::__private::Reaction,
                ) -> #krate::__private::Reacting<'async_trait>
                where
                    'life0: 'async_trait,
                    'life1: 'async_trait,
                    'life2: 'async_trait,
                    Self: 'async_trait,
                {
                    #krate::__private::Box::pin(async move { #react })
                }
            }

            #evaluated
        },
    );
    let allowed = handler::prescribed();
    quote!(#allowed #item #expanded)
}

fn output(output: &ReturnType) -> TokenStream {
    match output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => quote!(#ty),
    }
}

/// Calls the handler, and takes its commands.
fn react(krate: &CratePath, handler: &Handler) -> TokenStream {
    let name = &handler.name;
    let decode = handler.decode();
    let more = handler.more.iter().map(|ty| {
        let span = ty.span();
        let from = located(quote!(#krate::__private::FromReaction), span);
        quote_spanned!(at(span)=> , #from::from_reaction(__context)?)
    });
    let wait = handler.is_async.then(|| quote!(.await));
    let output = output(&handler.output);
    quote! {
        #decode
        let __issued = Self::#name(self, __event #(#more)*) #wait;
        #krate::__private::Probe::<#output>::append(__issued, &mut __commands)?;
        return ::core::result::Result::Ok(__commands);
    }
}
