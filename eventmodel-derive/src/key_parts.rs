//! How a key takes its fields from a command or an event: through one trait for each field. Only the diagnostic of a
//! trait can say which field of which key is missing.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::Type;
use syn::ext::IdentExt;

use crate::attr::CratePath;
use crate::field::{Field, hash};
use crate::ty;

/// The key that a field is part of, for messages.
pub(crate) struct Owner<'a> {
    /// ``the key of the stream `Booking` ``
    pub(crate) name: &'a str,
    /// The override that says where the field comes from.
    pub(crate) remedy: &'a str,
}

/// The name of the trait that gives the field `name`.
pub(crate) fn source_trait(name: &Ident) -> Ident {
    format_ident!("__key_{}", name.unraw().to_string())
}

/// The trait that gives the field `name: ty`, with its impls for `ByName` and `Given`.
pub(crate) fn source(krate: &CratePath, name: &Ident, ty: &Type, owner: &Owner<'_>) -> TokenStream {
    let source = source_trait(name);
    let field = name.unraw().to_string();
    let hash = hash(&field);
    let ty_text = ty::text(ty);
    let message = format!(
        "`{{Source}}` has no field `{field}: {}`, which {} needs",
        escaped(&ty_text),
        escaped(owner.name)
    );
    let label = format!("no field `{field}: {}`", escaped(&ty_text));
    let note = format!(
        "add the field, or say where it comes from: {}",
        escaped(owner.remedy)
    );
    quote! {
        #[doc(hidden)]
        #[diagnostic::on_unimplemented(message = #message, label = #label, note = #note)]
        pub trait #source<Source: ?::core::marker::Sized> {
            fn take(self, source: &Source) -> #ty;
        }

        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        impl<__S> #source<__S> for #krate::__private::ByName
        where
            __S: ?::core::marker::Sized + #krate::__private::HasField<#hash, #ty>,
        {
            fn take(self, source: &__S) -> #ty {
                ::core::clone::Clone::clone(#krate::__private::HasField::<#hash, #ty>::field(source))
            }
        }

        #[automatically_derived]
        impl<__S: ?::core::marker::Sized> #source<__S> for #krate::__private::Given<#ty> {
            fn take(self, _: &__S) -> #ty {
                self.0
            }
        }
    }
}

/// `FromFields` for the key of a stream, with the builder of the key.
pub(crate) fn from_fields(krate: &CratePath, stream: &Ident, fields: &[Field]) -> TokenStream {
    let parts = format_ident!("{}Parts", stream.unraw().to_string());
    let owner = format!("the key of the stream `{}`", stream.unraw());
    let owner = Owner {
        name: &owner,
        remedy: "`key(field = self...)`",
    };
    let names: Vec<_> = fields.iter().map(|field| &field.ident).collect();
    let params: Vec<_> = (0..fields.len()).map(|i| format_ident!("__F{i}")).collect();
    let sources: Vec<_> = names.iter().map(|name| source_trait(name)).collect();
    let traits = fields.iter().map(|field| {
        let remedy = format!("`key({} = self...)`", field.name);
        source(
            krate,
            &field.ident,
            &field.ty,
            &Owner {
                remedy: &remedy,
                ..owner
            },
        )
    });
    let setters = fields.iter().enumerate().map(|(i, field)| {
        let Field { ident, ty, .. } = field;
        let given = params.iter().enumerate().map(|(j, param)| {
            if i == j {
                quote!(#krate::__private::Given<#ty>)
            } else {
                quote!(#param)
            }
        });
        let values = names.iter().enumerate().map(|(j, name)| {
            if i == j {
                quote!(#name: #krate::__private::Given(value))
            } else {
                quote!(#name: self.#name)
            }
        });
        quote! {
            #[doc(hidden)]
            pub fn #ident(self, value: #ty) -> #parts<#(#given),*> {
                #parts { #(#values),* }
            }
        }
    });
    quote! {
        #(#traits)*

        #[doc(hidden)]
        pub struct #parts<#(#params = #krate::__private::ByName),*> {
            #(#names: #params),*
        }

        #[automatically_derived]
        impl<#(#params),*> #parts<#(#params),*> {
            #(#setters)*

            #[doc(hidden)]
            pub fn __build<__S: ?::core::marker::Sized>(self, source: &__S) -> #stream
            where
                #(#params: #sources<__S>),*
            {
                #stream { #(#names: #sources::take(self.#names, source)),* }
            }
        }

        #[automatically_derived]
        impl #krate::__private::FromFields for #stream {
            type Parts = #parts;

            fn parts() -> Self::Parts {
                #parts { #(#names: #krate::__private::ByName),* }
            }
        }
    }
}

/// The text for a message of `#[diagnostic::on_unimplemented]`, which takes single braces for placeholders.
fn escaped(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}
