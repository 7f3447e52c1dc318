//! The Rust that several macros write.
//!
//! After a mistake a macro writes its `compile_error!`s and still its impls, with bodies of `unreachable!()`. The code
//! that uses the type then finds its traits, and no second wave of errors buries the first.

use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{Attribute, Generics, Ident};

use crate::attr::CratePath;
use crate::doc::Doc;
use crate::field::Field;
use crate::ty;

/// Puts `errors` before `body`, and `body` in an anonymous constant, so that no name of ours meets one of the user's.
pub(crate) fn anonymous(
    krate: &CratePath,
    attrs: &[Attribute],
    errors: Option<&TokenStream>,
    body: &TokenStream,
) -> TokenStream {
    let deprecated = attrs
        .iter()
        .any(|attr| attr.path().is_ident("deprecated"))
        .then(|| quote!(#[allow(deprecated)]));
    quote! {
        #errors
        #[doc(hidden)]
        #deprecated
        const _: () = {
            #[allow(unused_imports)]
            use #krate::__private::Otherwise as _;

            #body
        };
    }
}

/// A span with the place of the user's token and the scope of this macro. `self` and our names then resolve even when
/// the token comes from another macro.
pub(crate) fn at(span: Span) -> Span {
    Span::call_site().located_at(span)
}

/// Tokens with the place of the user's token, so that the compiler reports their errors there.
pub(crate) fn located(tokens: impl ToTokens, span: Span) -> TokenStream {
    tokens
        .into_token_stream()
        .into_iter()
        .map(|mut token| {
            if let TokenTree::Group(group) = &token {
                let inner = self::located(group.stream(), span);
                let mut located = Group::new(group.delimiter(), inner);
                located.set_span(group.span());
                token = TokenTree::Group(located);
            }
            token.set_span(token.span().located_at(span));
            token
        })
        .collect()
}

/// `Some(..)`, or `None`.
pub(crate) fn option<T: ToTokens>(value: Option<T>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}

/// The value that the user wrote, or the default.
pub(crate) fn or<T: ToTokens>(value: Option<T>, default: TokenStream) -> TokenStream {
    value.map_or(default, ToTokens::into_token_stream)
}

/// `TypeInfo::__new(..)`
pub(crate) fn type_info(
    krate: &CratePath,
    ident: &Ident,
    doc: &Doc,
    fields: &[Field],
) -> TokenStream {
    let name = ident.unraw().to_string();
    let (file, line) = place(ident.span());
    let fields = fields.iter().map(|field| {
        let Field { name, doc, .. } = field;
        let ty = ty::text(&field.ty);
        let json = field.json.as_ref().map(|json| quote!(.__in_json(#json)));
        quote!(#krate::__private::FieldInfo::__new(#name, #ty, #doc) #json)
    });
    quote! {
        #krate::__private::TypeInfo::__new(#name, ::core::module_path!(), #doc, &[#(#fields),*], #file, #line)
    }
}

/// The file and line of the type. `line!()` would give the line of the attribute.
fn place(span: Span) -> (TokenStream, u32) {
    if proc_macro::is_available() {
        let span = span.unwrap();
        let line = u32::try_from(span.line()).unwrap_or_default();
        (span.file().into_token_stream(), line)
    } else {
        (quote!(::core::file!()), 1)
    }
}

/// The generics of an impl. For a generic type they require `bounds` of `Self`, because the parameters alone do not
/// show whether it has them.
pub(crate) fn bounded(generics: &Generics, bounds: &TokenStream) -> Generics {
    let mut generics = generics.clone();
    if has_types(&generics) {
        generics
            .make_where_clause()
            .predicates
            .push(syn::parse_quote!(Self: #bounds));
    }
    generics
}

/// Whether there are type or const parameters.
pub(crate) fn has_types(generics: &Generics) -> bool {
    generics.type_params().next().is_some() || generics.const_params().next().is_some()
}

/// The body, or `unreachable!()` after a mistake.
pub(crate) fn body(broken: bool, body: TokenStream) -> TokenStream {
    if broken {
        quote!(::core::unreachable!())
    } else {
        body
    }
}

/// Statements that run at compile time. They get a constant of their own, because the compiler promotes no reference to
/// `'static` after statements that could end the constant early.
pub(crate) fn constant(statements: TokenStream) -> TokenStream {
    if statements.is_empty() {
        statements
    } else {
        quote!(const { #statements };)
    }
}

/// The schema of `Self`, if it has one. A generic type has none: the macro chooses before the parameters are known.
pub(crate) fn schema(krate: &CratePath, generics: &Generics) -> TokenStream {
    if has_types(generics) {
        return quote!(<#krate::__private::Probe<Self> as #krate::__private::Otherwise>::SCHEMA);
    }
    quote!(#krate::__private::Probe::<Self>::SCHEMA)
}

/// Uses a constant at compile time, so that the compiler evaluates the assertions in it.
pub(crate) fn evaluated(generics: &Generics, constant: &TokenStream) -> TokenStream {
    if has_types(generics) {
        return TokenStream::new();
    }
    quote! {
        const _: () = {
            let _ = #constant;
        };
    }
}

/// `HasField` for each field.
pub(crate) fn has_fields(
    krate: &CratePath,
    ident: &Ident,
    generics: &Generics,
    fields: &[Field],
) -> TokenStream {
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let impls = fields.iter().map(|field| {
        let Field { ident: member, ty, .. } = field;
        let hash = field.hash();
        quote! {
            #[automatically_derived]
            impl #impl_generics #krate::__private::HasField<#hash, #ty> for #ident #type_generics #where_clause {
                fn field(&self) -> &#ty {
                    &self.#member
                }
            }
        }
    });
    quote!(#(#impls)*)
}

/// The bounds of an event or a command, beside the traits that its derive gives.
pub(crate) fn stored(krate: &CratePath) -> TokenStream {
    quote! {
        #krate::__private::Serialize + #krate::__private::DeserializeOwned
            + ::core::marker::Send + ::core::marker::Sync + 'static
    }
}
