//! Types as a person writes them, for messages and for what is recorded at run time.

use proc_macro2::{Delimiter, Spacing, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Type;
use syn::spanned::Spanned;

/// `Option<ClientId>`, where the compiler would print `Option < ClientId >`.
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

/// The type without parentheses, and without the groups that nobody sees: those of macros (`$ty:ty`).
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        other => other,
    }
}

/// The token of a type that names it best: the last segment of a path.
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

/// Whether two types are written the same way.
pub(crate) fn same(a: &Type, b: &Type) -> bool {
    a.to_token_stream().to_string() == b.to_token_stream().to_string()
}

/// Each type once. A type that is named twice is an error, and one impl for it is enough.
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
