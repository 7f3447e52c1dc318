//! What the macros ask of a type that the user wrote: its text, its place, and whether it is the same as another.

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Type;
use syn::spanned::Spanned;

use crate::ctxt::Ctxt;

/// The type as a person writes it: `Option<ClientId>`, where the compiler prints `Option < ClientId >`.
pub(crate) fn text(tokens: &impl ToTokens) -> String {
    let mut out = String::new();
    write(tokens.to_token_stream(), &mut out);
    out
}

fn write(tokens: TokenStream, out: &mut String) {
    let mut joint = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                let word = out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
                if word && (open == "[" || out.ends_with("mut") || out.ends_with("dyn")) {
                    out.push(' ');
                }
                out.push_str(open);
                write(group.stream(), out);
                out.push_str(close);
                joint = false;
            }
            TokenTree::Punct(punct) => {
                let c = punct.as_char();
                if matches!(c, '+' | '=' | '-') && !joint {
                    out.push(' ');
                }
                out.push(c);
                let arrow = c == '>' && out.ends_with("->");
                if matches!(c, ',' | ';' | '+')
                    || arrow
                    || (c == '=' && punct.spacing() == Spacing::Alone)
                {
                    out.push(' ');
                }
                joint = punct.spacing() == Spacing::Joint;
            }
            word => {
                if out.ends_with(|c: char| c.is_alphanumeric() || c == '_') && !joint {
                    out.push(' ');
                }
                out.push_str(&word.to_string());
                joint = false;
            }
        }
    }
}

/// The type without parentheses, and without the invisible groups that `$ty:ty` of a macro leaves.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        other => other,
    }
}

/// The span of the token that names the type best: the last segment of a path.
pub(crate) fn span_of(ty: &Type) -> Span {
    match bare(ty) {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .map_or_else(Span::call_site, |segment| segment.ident.span()),
        other => other.span(),
    }
}

/// Whether the user wrote both types the same way.
pub(crate) fn same(a: &Type, b: &Type) -> bool {
    a.to_token_stream().to_string() == b.to_token_stream().to_string()
}

/// Reports a type that stands among `types` a second time.
pub(crate) fn named_once(ctxt: &Ctxt, types: &[Type]) {
    for (i, ty) in types.iter().enumerate() {
        if types[..i].iter().any(|other| same(other, ty)) {
            ctxt.error(ty, format_args!("`{}` is named twice", text(ty)));
        }
    }
}

/// Each type once: [`named_once`] reports the others, and one impl is enough.
pub(crate) fn unique(types: &[Type]) -> Vec<&Type> {
    let mut unique: Vec<&Type> = Vec::new();
    for ty in types {
        if !unique.iter().any(|other| same(other, ty)) {
            unique.push(ty);
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use quote::quote;

    #[test]
    fn types_read_as_they_are_written() {
        for (tokens, text) in [
            (quote!(Option<ClientId>), "Option<ClientId>"),
            (
                quote!(std::collections::BTreeMap<u8, Vec<(A, B)>>),
                "std::collections::BTreeMap<u8, Vec<(A, B)>>",
            ),
            (quote!(&'a mut [u8; 4]), "&'a mut [u8; 4]"),
            (
                quote!(Box<dyn Fn(u8) -> u8 + Send>),
                "Box<dyn Fn(u8) -> u8 + Send>",
            ),
            (
                quote!(Box<dyn Iterator<Item = u8>>),
                "Box<dyn Iterator<Item = u8>>",
            ),
        ] {
            assert_eq!(super::text(&tokens), text);
        }
    }
}
