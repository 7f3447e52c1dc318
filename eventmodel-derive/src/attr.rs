//! First room: attributes as the user wrote them, key by key. What they mean together is for `model` and `check`.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, Meta, Path, Token, Type, token};

use crate::ctxt::Ctxt;
use crate::suggest;

/// Reads `key`, `key = value` and `key(..)`, separated by commas. A key that is unknown or stands twice is an
/// error, and the keys after it are read all the same.
pub(crate) struct Keys<'a> {
    ctxt: &'a Ctxt,
    name: &'static str,
    known: &'static [&'static str],
    seen: Vec<String>,
}

impl<'a> Keys<'a> {
    /// Keys of `#[name(..)]`.
    pub(crate) fn new(ctxt: &'a Ctxt, name: &'static str, known: &'static [&'static str]) -> Self {
        Self {
            ctxt,
            name,
            known,
            seen: Vec::new(),
        }
    }

    /// Reads all attributes of that name. Returns whether there is one.
    pub(crate) fn attributes(
        &mut self,
        attrs: &[Attribute],
        mut on_key: impl FnMut(&Ident, ParseStream<'_>) -> syn::Result<()>,
    ) -> bool {
        let mut found = false;
        for attr in attrs.iter().filter(|attr| attr.path().is_ident(self.name)) {
            found = true;
            match &attr.meta {
                Meta::List(list) => self.tokens(list.tokens.clone(), &mut on_key),
                Meta::Path(path) => self.ctxt.error(
                    path,
                    format_args!(
                        "`#[{0}]` says nothing; write `#[{0}(..)]` with {1}",
                        self.name,
                        self.list()
                    ),
                ),
                Meta::NameValue(pair) => self.ctxt.error(
                    pair,
                    format_args!("write `#[{0}(..)]` with {1}", self.name, self.list()),
                ),
            }
        }
        found
    }

    /// Reads the arguments of an attribute.
    pub(crate) fn tokens(
        &mut self,
        tokens: TokenStream,
        mut on_key: impl FnMut(&Ident, ParseStream<'_>) -> syn::Result<()>,
    ) {
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = self.one(input, &mut on_key) {
                    self.ctxt.syn(error);
                    skip_to_comma(input);
                }
                if input.is_empty() {
                    break;
                }
                if !input.peek(Token![,]) {
                    self.ctxt.syn(input.error("expected `,`"));
                    skip_to_comma(input);
                }
                let _: Option<Token![,]> = input.parse()?;
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            self.ctxt.syn(error);
        }
    }

    fn one(
        &mut self,
        input: ParseStream<'_>,
        on_key: &mut impl FnMut(&Ident, ParseStream<'_>) -> syn::Result<()>,
    ) -> syn::Result<()> {
        let key = Ident::parse_any(input).map_err(|error| {
            syn::Error::new(
                error.span(),
                format_args!("expected one of {}", self.list()),
            )
        })?;
        let name = key.unraw().to_string();
        if !self.known.contains(&name.as_str()) {
            let hint = suggest::or_known(&name, "it knows", self.known.iter().copied());
            return Err(syn::Error::new(
                key.span(),
                format_args!("`#[{}(..)]` has no key `{name}`{hint}", self.name),
            ));
        }
        if self.seen.contains(&name) {
            return Err(syn::Error::new(
                key.span(),
                format_args!("`{name}` is given twice"),
            ));
        }
        self.seen.push(name);
        on_key(&key, input)
    }

    fn list(&self) -> String {
        suggest::list(self.known)
    }
}

/// The value of `key = value`.
pub(crate) fn value<T: Parse>(
    key: &Ident,
    input: ParseStream<'_>,
    example: &str,
) -> syn::Result<T> {
    let missing = || syn::Error::new(key.span(), format_args!("write `{example}`"));
    if !input.peek(Token![=]) {
        return Err(missing());
    }
    input.parse::<Token![=]>()?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(missing());
    }
    whole(input, T::parse)
}

/// Parses a value up to the next comma. A fragment of `macro_rules!` (`$subject:literal`) stands in a group that nobody
/// sees: if it is all of the value, what is in it is the value.
pub(crate) fn whole<T>(
    input: ParseStream<'_>,
    parse: fn(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<T> {
    let fragment = input.step(|cursor| {
        let group = cursor.group(Delimiter::None);
        let is_end = |rest: syn::buffer::Cursor<'_>| {
            rest.eof()
                || rest
                    .punct()
                    .is_some_and(|(punct, _)| punct.as_char() == ',')
        };
        Ok(match group {
            Some((inside, _, rest)) if is_end(rest) => (Some(inside.token_stream()), rest),
            _ => (None, *cursor),
        })
    })?;
    match fragment {
        Some(tokens) => (|inside: ParseStream<'_>| whole(inside, parse)).parse2(tokens),
        None => parse(input),
    }
}

/// The types in `key(First, Second)`.
pub(crate) fn types(group: &Group) -> syn::Result<Vec<Type>> {
    let types = Punctuated::<Type, Token![,]>::parse_terminated_with;
    let types = (|inside: ParseStream<'_>| types(inside, |ty| whole(ty, Type::parse)))
        .parse2(group.stream())?;
    Ok(types.into_iter().collect())
}

/// A key that stands alone.
pub(crate) fn flag(key: &Ident, input: ParseStream<'_>) -> syn::Result<Ident> {
    if input.peek(Token![=]) {
        return Err(input.error(format_args!("`{key}` has no value: write `{key}` alone")));
    }
    Ok(key.clone())
}

/// A string literal as the value of a key.
pub(crate) fn string(
    key: &Ident,
    input: ParseStream<'_>,
    example: &str,
) -> syn::Result<syn::LitStr> {
    match value(key, input, example)? {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(text),
            ..
        }) => Ok(text),
        other => Err(syn::Error::new_spanned(
            other,
            format_args!("expected a string literal, as in `{example}`"),
        )),
    }
}

/// The tokens of `key(..)`.
pub(crate) fn group(key: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<Group> {
    if input.peek(token::Paren) {
        input.parse()
    } else {
        Err(syn::Error::new(
            key.span(),
            format_args!("write `{example}`"),
        ))
    }
}

/// The path of `crate = path`.
pub(crate) fn crate_path(key: &Ident, input: ParseStream<'_>) -> syn::Result<Path> {
    let example = "crate = path::to::eventmodel";
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(
            key.span(),
            format_args!("write `{example}`"),
        ));
    }
    input.parse::<Token![=]>()?;
    if input.peek(syn::Lit) {
        return Err(input.error(format_args!(
            "expected a path without quotes, as in `{example}`"
        )));
    }
    whole(input, Path::parse_mod_style)
}

/// `::eventmodel`, unless `crate = ..` says otherwise.
pub(crate) fn crate_or_default(path: Option<Path>) -> Path {
    path.unwrap_or_else(|| syn::parse_quote!(::eventmodel))
}

pub(crate) fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        if input.parse::<TokenTree>().is_err() {
            return;
        }
    }
}
