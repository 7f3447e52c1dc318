//! `#[projection]`, `#[projection(key = Booking, snapshot)]`, `#[projection(key(room: RoomId, date: Date), crate = ..)]`

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Ident, Path, Token, Type, token};

use super::{Keys, crate_path, flag, group, value, whole};
use crate::ctxt::Ctxt;

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
