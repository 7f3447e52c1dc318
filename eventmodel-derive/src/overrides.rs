//! `key(room = self.booking.room, 1.id = self.to)` of an event or a command, and `#[key(..)]` of a handler: where a
//! field of a key comes from, when no field of its name gives it.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Expr, Ident, LitInt, Token};

use crate::attr::{Arg, skip_to_comma, whole};
use crate::ctxt::Ctxt;
use crate::expand::{at, constant, located};
use crate::suggest;

/// One `field = expression`.
pub(crate) struct Override {
    /// The one stream or state that it applies to, counted from 0. `None`: every one whose key has the field.
    pub(crate) index: Option<(usize, LitInt)>,
    pub(crate) field: Ident,
    pub(crate) value: Expr,
}

/// Reads the key `key(..)` of an attribute.
pub(crate) fn read_arg(arg: &Arg<'_>, to: &mut Vec<Override>) -> syn::Result<()> {
    let group = arg.group("room = self.booking.room")?;
    *to = read(arg.ctxt, group.stream());
    Ok(())
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
                    skip_to_comma(input);
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
        value: whole(input, Expr::parse)?,
    })
}

/// The name as a field has it: `r#type` for `type`.
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

/// Checks what one macro can see: whether each override applies to one of the `count` streams or states, which messages
/// call `what`. The compiler checks the fields: see [`asserts`].
pub(crate) fn check(ctxt: &Ctxt, overrides: &[Override], count: usize, what: &str) {
    for over in overrides {
        match &over.index {
            _ if count == 0 => {
                ctxt.error(
                    &over.field,
                    format_args!("there is no {what} whose key this could be a field of"),
                );
            }
            Some((index, literal)) if *index >= count => {
                ctxt.error_at(
                    literal.span(),
                    format_args!(
                        "there is no {what} {index}: there {}, counted from 0",
                        number(count)
                    ),
                );
            }
            _ => {}
        }
    }
}

fn number(count: usize) -> String {
    if count == 1 {
        "is 1".to_owned()
    } else {
        format!("are {count}")
    }
}

/// The expression that builds the key of the stream or state number `index`: its builder `parts` takes the fields from
/// the variable `source`. The compiler reports a missing field at `span`.
pub(crate) fn build(
    parts: &TokenStream,
    index: usize,
    overrides: &[Override],
    source: &str,
    span: Span,
) -> TokenStream {
    let source = Ident::new(source, at(span));
    let overrides: Vec<&Override> = overrides
        .iter()
        .filter(|over| applies(over, index, overrides))
        .collect();
    let locals: Vec<Ident> = (0..overrides.len())
        .map(|i| format_ident!("__value{i}"))
        .collect();
    let values = overrides.iter().map(|over| value(&over.value));
    let setters = overrides.iter().zip(&locals).map(|(over, local)| {
        let name = name(over);
        let local = Ident::new(&local.to_string(), at(over.value.span()));
        quote!(.#name(#local))
    });
    // Not every key has a field that an override without an index names. On a builder without that setter this method
    // does nothing. Its own scope keeps it away from the methods of the user.
    let ignored = overrides.iter().enumerate().map(|(i, over)| {
        let (ignore, name) = (format_ident!("__Ignore{i}"), name(over));
        quote! {
            #[allow(dead_code)]
            trait #ignore: ::core::marker::Sized {
                fn #name<__T>(self, _: __T) -> Self {
                    self
                }
            }
            impl<__P> #ignore for __P {}
        }
    });
    let parts = located(parts, span);
    let build = quote_spanned!(at(span)=> .__build(#source));
    if overrides.is_empty() {
        return quote!(#parts #build);
    }
    quote! {{
        #(let #locals = #values;)*
        {
            #(#ignored)*
            #parts #(#setters)* #build
        }
    }}
}

/// Whether the override applies to this stream or state. One with its index wins over one without.
fn applies(over: &Override, index: usize, all: &[Override]) -> bool {
    match &over.index {
        Some((i, _)) => *i == index,
        None => !all.iter().any(|other| {
            other.field.unraw() == over.field.unraw()
                && other.index.as_ref().is_some_and(|(i, _)| *i == index)
        }),
    }
}

fn name(over: &Override) -> Ident {
    let mut name = over.field.clone();
    name.set_span(at(name.span()));
    name
}

/// Clones a field, as `ByName` does. Takes what any other expression computes as it is.
pub(crate) fn value(value: &Expr) -> TokenStream {
    match value {
        Expr::Field(_) | Expr::Path(_) | Expr::Index(_) => {
            quote!(::core::clone::Clone::clone(&#value))
        }
        Expr::Paren(inner) => self::value(&inner.expr),
        Expr::Group(inner) => self::value(&inner.expr),
        _ => quote!(#value),
    }
}

/// Statements that fail to compile if an override names a field that no key has. `has(i, field)` is the expression that
/// tells whether key number `i` has the field.
pub(crate) fn asserts(
    overrides: &[Override],
    keys: &[String],
    what: &str,
    has: impl Fn(usize, &str) -> TokenStream,
) -> TokenStream {
    let asserts = overrides.iter().map(|over| {
        let field = over.field.unraw().to_string();
        let (message, asked) = if let Some((i, _)) = &over.index {
            (
                format!("the key of `{}` has no field `{field}`", keys[*i]),
                vec![has(*i, &field)],
            )
        } else {
            let names: Vec<&str> = keys.iter().map(String::as_str).collect();
            let names = suggest::list(&names);
            (
                format!("no {what} has a field `{field}` in its key; asked were {names}"),
                (0..keys.len()).map(|i| has(i, &field)).collect(),
            )
        };
        let span = at(over.field.span());
        quote_spanned!(span=> ::core::assert!(#(#asked)||*, #message);)
    });
    constant(quote!(#(#asserts)*))
}
