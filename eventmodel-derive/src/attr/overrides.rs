//! `key(room = self.booking.room, 1.id = self.to)`: where a field of a key comes from, if not from the field of its
//! name.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Expr, Ident, LitInt, Token};

use crate::ctxt::Ctxt;

/// One `field = expression`.
#[derive(Clone)]
pub(crate) struct Override {
    /// The stream or state that it is for, if it is not for all that have the field.
    pub(crate) index: Option<(usize, LitInt)>,
    pub(crate) field: Ident,
    pub(crate) value: Expr,
}

/// Reads the overrides in `tokens`.
pub(crate) fn read(ctxt: &Ctxt, tokens: TokenStream) -> Vec<Override> {
    let mut all: Vec<Override> = Vec::new();
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            match one(input) {
                Ok(new) => {
                    let same = |old: &Override| {
                        old.field.unraw() == new.field.unraw()
                            && old.index.as_ref().map(|i| i.0) == new.index.as_ref().map(|i| i.0)
                    };
                    if all.iter().any(same) {
                        ctxt.error(
                            &new.field,
                            format_args!("`{}` is given twice", new.field.unraw()),
                        );
                    } else {
                        all.push(new);
                    }
                }
                Err(error) => {
                    ctxt.syn(error);
                    super::skip_to_comma(input);
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(tokens) {
        ctxt.syn(error);
    }
    all
}

fn one(input: ParseStream<'_>) -> syn::Result<Override> {
    const EXAMPLE: &str = "expected `field = expression`, as in `key(room = self.booking.room)`";
    let index = if input.peek(LitInt) {
        let index: LitInt = input.parse()?;
        input.parse::<Token![.]>()?;
        Some((index.base10_parse()?, index))
    } else {
        None
    };
    let field = Ident::parse_any(input).map_err(|e| syn::Error::new(e.span(), EXAMPLE))?;
    let field = as_field(&field).ok_or_else(|| syn::Error::new(field.span(), EXAMPLE))?;
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(field.span(), EXAMPLE));
    }
    input.parse::<Token![=]>()?;
    Ok(Override {
        index,
        field,
        value: super::whole(input, Expr::parse)?,
    })
}

/// The name as that of a field: `r#type` for `type`.
fn as_field(name: &Ident) -> Option<Ident> {
    let text = name.unraw().to_string();
    if matches!(text.as_str(), "self" | "Self" | "super" | "crate" | "_") {
        return None;
    }
    let is_keyword = syn::parse_str::<Ident>(&text).is_err();
    Some(if is_keyword {
        Ident::new_raw(&text, name.span())
    } else {
        name.clone()
    })
}
