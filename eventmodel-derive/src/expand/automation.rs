//! `Automation`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ReturnType;
use syn::spanned::Spanned;

use super::{anonymous, at, body, handlers, has_types, type_info};
use crate::model::automation::AutomationModel;
use crate::model::field::span_of;
use crate::model::handler::Handler;

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
    let generics = super::bounded(
        &block.generics,
        &quote!(::core::marker::Send + ::core::marker::Sync + 'static),
    );
    let (impl_generics, _, where_clause) = generics.split_for_impl();

    let info = type_info(krate, name, doc, &[]);
    let infos = handlers::infos(krate, handlers, false);
    let distinct = (!broken).then(|| handlers::distinct(krate, handlers));
    let issues = handlers.iter().filter(|_| !broken).map(|handler| {
        let (output, cfg) = (output(&handler.output), &handler.cfg);
        quote!(#(#cfg)* #krate::__private::issues_of::<#output>)
    });
    let react = handlers::choose(krate, handlers, |handler| react(model, handler));
    let react = body(
        broken,
        quote! {
            let __type = __recorded.event_type();
            let mut __commands = <#krate::Commands as ::core::default::Default>::default();
            #(#react)*
            ::core::result::Result::Ok(__commands)
        },
    );
    let evaluated = (!has_types(&generics))
        .then(|| quote!(const _: &#krate::AutomationInfo = <#ty as #krate::Automation>::INFO;));

    let expanded = anonymous(
        &[],
        errors,
        &quote! {
            #[automatically_derived]
            #[#krate::__private::async_trait]
            impl #impl_generics #krate::Automation for #ty #where_clause {
                const INFO: &'static #krate::AutomationInfo = {
                    #distinct
                    &#krate::AutomationInfo::__new(#info, #infos, &[#(#issues),*])
                };

                async fn react(
                    &self,
                    __recorded: &#krate::RecordedEvent,
                    __context: &#krate::__private::Reaction,
                ) -> ::core::result::Result<#krate::Commands, #krate::ReactError> {
                    #react
                }
            }

            #evaluated
        },
    );
    let allowed = handlers::prescribed();
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
        let span = at(ty.span());
        quote_spanned!(span=> , #krate::__private::FromReaction::from_reaction(__context)?)
    });
    let wait = handler.is_async.then(|| quote!(.await));
    let span = match &handler.output {
        ReturnType::Default => at(name.span()),
        ReturnType::Type(_, ty) => at(span_of(ty)),
    };
    let take = quote_spanned! {span=>
        #krate::IntoCommands::append_to(__issued, &mut __commands)?;
    };
    quote! {
        #decode
        let __issued = Self::#name(self, __event #(#more)*) #wait;
        #take
        return ::core::result::Result::Ok(__commands);
    }
}
