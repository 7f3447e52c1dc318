//! `Automation`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, ItemImpl, Path, ReturnType, Type};

use crate::attr::{Keys, crate_or_default, crate_path};
use crate::ctxt::Ctxt;
use crate::doc::Doc;
use crate::expand::{anonymous, at, body, bounded, evaluated, located, type_info};
use crate::handler::{self, Handler, Rules};
use crate::ty::span_of;

pub(crate) fn read(ctxt: &Ctxt, args: TokenStream) -> Option<Path> {
    let mut krate = None;
    Keys::new(ctxt, "automation", &["crate"]).tokens(args, |key, input| {
        krate = Some(crate_path(key, input)?);
        Ok(())
    });
    krate
}

pub(crate) const RULES: Rules = Rules {
    attr: "automation",
    mutable: false,
    example: "async fn room_booked(&self, event: &RoomBooked) -> Option<ScheduleCleaning>",
    more: "`&Metadata` and `&App` if it wants, nothing else",
    max_more: 2,
};

pub(crate) struct AutomationModel {
    /// The block, to be emitted again.
    pub(crate) block: ItemImpl,
    pub(crate) name: Option<Ident>,
    pub(crate) krate: Path,
    pub(crate) doc: Doc,
    pub(crate) handlers: Vec<Handler>,
}

pub(crate) fn build(
    ctxt: &Ctxt,
    krate: Option<Path>,
    item: &TokenStream,
) -> Option<AutomationModel> {
    let mut block = handler::block(ctxt, &RULES, item)?;
    let handlers = handler::read(ctxt, &RULES, &mut block);
    Some(AutomationModel {
        name: handler::self_name(ctxt, &RULES, &block),
        krate: crate_or_default(krate),
        doc: Doc::of(&block.attrs),
        handlers,
        block,
    })
}

pub(crate) fn check(ctxt: &Ctxt, model: &AutomationModel) {
    for handler in &model.handlers {
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
    handler::check(ctxt, &model.handlers);
}

pub(crate) fn expand(model: &AutomationModel, errors: Option<&TokenStream>) -> TokenStream {
    let AutomationModel {
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
    let generics = bounded(
        &block.generics,
        &quote!(::core::marker::Send + ::core::marker::Sync + 'static),
    );
    let (impl_generics, _, where_clause) = generics.split_for_impl();

    let automation = located(quote!(#krate::Automation), span_of(ty));
    let info = type_info(krate, name, doc, &[]);
    let infos = handler::infos(krate, handlers, false);
    let distinct = (!broken).then(|| handler::distinct(krate, handlers));
    let issues = handlers.iter().filter(|_| !broken).map(|handler| {
        let (output, cfg) = (output(&handler.output), &handler.cfg);
        quote!(#(#cfg)* #krate::__private::issues_of::<#output>)
    });
    let react = handler::choose(krate, handlers, |handler| react(model, handler));
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
                const INFO: &'static #krate::AutomationInfo = {
                    #distinct
                    &#krate::AutomationInfo::__new(#info, #infos, &[#(#issues),*])
                };

                // What `#[async_trait]` would write, which does not find its `Box` where the user has another.
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
    quote!(#allowed #block #expanded)
}

fn output(output: &ReturnType) -> TokenStream {
    match output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => quote!(#ty),
    }
}

/// Calls the handler, and takes its commands.
fn react(model: &AutomationModel, handler: &Handler) -> TokenStream {
    let krate = &model.krate;
    let Handler { name, event, .. } = handler;
    let span = at(span_of(event));
    let decode = quote_spanned!(span=> let __event: &#event = __recorded.decode::<#event>()?;);
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
