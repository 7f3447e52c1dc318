//! Reads the arguments of an attribute by a table, which names each key once.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Meta, Path, Token, Type, token};

use crate::ctxt::Ctxt;
use crate::suggest;

/// A key, and the function that reads what follows it.
pub(crate) type Key<A> = (&'static str, fn(&mut A, &Arg<'_>) -> syn::Result<()>);

/// Reads every `#[name(..)]` among `attrs`.
///
/// An unknown key is an error, and so is a repeated one. The keys after it are still read.
pub(crate) fn read<A: Default>(ctxt: &Ctxt, name: &str, keys: &[Key<A>], attrs: &[Attribute]) -> A {
    let mut reader = Reader::new(ctxt, name, keys);
    for attr in attrs.iter().filter(|attr| attr.path().is_ident(name)) {
        let known = reader.list();
        match &attr.meta {
            Meta::List(list) => reader.tokens(list.tokens.clone()),
            Meta::Path(path) => ctxt.error(
                path,
                format_args!("`#[{name}]` says nothing; write `#[{name}(..)]` with {known}"),
            ),
            Meta::NameValue(pair) => {
                ctxt.error(pair, format_args!("write `#[{name}(..)]` with {known}"));
            }
        }
    }
    reader.attr
}

/// Reads the arguments of `#[name(..)]`, an attribute macro.
pub(crate) fn read_args<A: Default>(
    ctxt: &Ctxt,
    name: &str,
    keys: &[Key<A>],
    args: TokenStream,
) -> A {
    let mut reader = Reader::new(ctxt, name, keys);
    reader.tokens(args);
    reader.attr
}

/// Reads `key`, `key = value` and `key(..)`, separated by commas.
struct Reader<'a, A> {
    ctxt: &'a Ctxt,
    name: &'a str,
    keys: &'a [Key<A>],
    seen: Vec<&'static str>,
    attr: A,
}

impl<'a, A: Default> Reader<'a, A> {
    fn new(ctxt: &'a Ctxt, name: &'a str, keys: &'a [Key<A>]) -> Self {
        Self {
            ctxt,
            name,
            keys,
            seen: Vec::new(),
            attr: A::default(),
        }
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = self.one(input) {
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

    fn one(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let key = Ident::parse_any(input).map_err(|error| {
            syn::Error::new(
                error.span(),
                format_args!("expected one of {}", self.list()),
            )
        })?;
        let name = key.unraw().to_string();
        let Some((known, read)) = self.keys.iter().find(|(known, _)| *known == name) else {
            let hint = suggest::or_known(&name, "it knows", self.known());
            return Err(syn::Error::new(
                key.span(),
                format_args!("`#[{}(..)]` has no key `{name}`{hint}", self.name),
            ));
        };
        if self.seen.contains(known) {
            return Err(syn::Error::new(
                key.span(),
                format_args!("`{name}` is given twice"),
            ));
        }
        self.seen.push(known);
        let ctxt = self.ctxt;
        read(&mut self.attr, &Arg { ctxt, key, input })
    }

    fn known(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|(known, _)| *known)
    }

    fn list(&self) -> String {
        suggest::list(&self.known().collect::<Vec<_>>())
    }
}

/// What follows a key. Messages show it with an `example` of its value.
pub(crate) struct Arg<'a> {
    pub(crate) ctxt: &'a Ctxt,
    pub(crate) key: Ident,
    pub(crate) input: ParseStream<'a>,
}

impl Arg<'_> {
    /// Reads `key = value`.
    pub(crate) fn value<T: Parse>(&self, to: &mut Option<T>, example: &str) -> syn::Result<()> {
        *to = Some(self.parse(example)?);
        Ok(())
    }

    /// Reads `key = "string"`.
    pub(crate) fn string(&self, to: &mut Option<LitStr>, example: &str) -> syn::Result<()> {
        let example = format!("\"{example}\"");
        match self.parse(&example)? {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) => *to = Some(text),
            other => {
                let key = self.key.unraw();
                return Err(syn::Error::new_spanned(
                    other,
                    format_args!("expected a string literal, as in `{key} = {example}`"),
                ));
            }
        }
        Ok(())
    }

    /// Reads a key that stands alone.
    pub(crate) fn flag(&self, to: &mut Option<Ident>) -> syn::Result<()> {
        let key = &self.key;
        if self.input.peek(Token![=]) {
            return Err(self
                .input
                .error(format_args!("`{key}` has no value: write `{key}` alone")));
        }
        *to = Some(key.clone());
        Ok(())
    }

    /// Reads `crate = path`.
    pub(crate) fn crate_path(&self, to: &mut CratePath) -> syn::Result<()> {
        let example = "path::to::eventmodel";
        self.equals(example)?;
        if self.input.peek(Lit) {
            return Err(self.input.error(format_args!(
                "expected a path without quotes, as in `crate = {example}`"
            )));
        }
        to.0 = whole(self.input, Path::parse_mod_style)?;
        Ok(())
    }

    /// The value of `key = value`.
    pub(crate) fn parse<T: Parse>(&self, example: &str) -> syn::Result<T> {
        self.equals(example)?;
        if self.input.is_empty() || self.input.peek(Token![,]) {
            return Err(self.write(&format!(" = {example}")));
        }
        whole(self.input, T::parse)
    }

    /// The group of `key(..)`.
    pub(crate) fn group(&self, example: &str) -> syn::Result<Group> {
        if self.input.peek(token::Paren) {
            self.input.parse()
        } else {
            Err(self.write(&format!("({example})")))
        }
    }

    fn equals(&self, example: &str) -> syn::Result<()> {
        if !self.input.peek(Token![=]) {
            return Err(self.write(&format!(" = {example}")));
        }
        self.input.parse::<Token![=]>()?;
        Ok(())
    }

    fn write(&self, rest: &str) -> syn::Error {
        let key = self.key.unraw();
        syn::Error::new(self.key.span(), format_args!("write `{key}{rest}`"))
    }
}

/// The types in `key(First, Second)`.
pub(crate) fn types(group: &Group) -> syn::Result<Vec<Type>> {
    let types = Punctuated::<Type, Token![,]>::parse_terminated_with;
    let types = (|inside: ParseStream<'_>| types(inside, |ty| whole(ty, Type::parse)))
        .parse2(group.stream())?;
    Ok(types.into_iter().collect())
}

/// Parses a value up to the next comma.
///
/// A `macro_rules!` fragment such as `$subject:literal` arrives in a group without delimiters. When that group is the
/// whole value, this function parses what is in it.
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

pub(crate) fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        if input.parse::<TokenTree>().is_err() {
            return;
        }
    }
}

/// The path of `crate = path`, or `::eventmodel`.
pub(crate) struct CratePath(Path);

impl Default for CratePath {
    fn default() -> Self {
        Self(syn::parse_quote!(::eventmodel))
    }
}

impl ToTokens for CratePath {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}

/// The `#[cfg(..)]`s among `attrs`.
pub(crate) fn cfg(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs
        .iter()
        .filter(|attr| attr.path().is_ident("cfg"))
        .cloned()
        .collect()
}

/// Whether `name` can be a segment of an address: lower-case letters and digits, with single `-` between them.
pub(crate) fn is_kebab(name: &str) -> bool {
    !name.is_empty()
        && name.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_key_is_the_key_that_it_names() {
        const KEYS: &[Key<Option<LitStr>>] =
            &[("type", |attr, arg| arg.string(attr, "room-booked"))];
        let ctxt = Ctxt::new();
        let args = quote::quote!(r#type = "booked");
        let read = read_args(&ctxt, "event", KEYS, args).map(|text| text.value());
        assert!(ctxt.finish().is_none());
        assert_eq!(read.as_deref(), Some("booked"));
    }

    #[test]
    fn a_name_is_a_part_of_an_address() {
        for (text, good) in [
            ("book-room", true),
            ("book-room-2", true),
            ("", false),
            ("BookRoom", false),
            ("book--room", false),
            ("-book", false),
            ("book-", false),
            ("book room", false),
            ("büchen", false),
        ] {
            assert_eq!(is_kebab(text), good, "{text}");
        }
    }
}
