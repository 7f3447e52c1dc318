//! Doc comments, as the reader of the source sees them.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// A doc comment. Its tokens are a constant string.
#[derive(Clone, Default)]
pub(crate) struct Doc(Vec<Line>);

#[derive(Clone)]
enum Line {
    Text(String),
    /// `#[doc = include_str!(..)]`
    Macro(Expr),
}

impl Doc {
    pub(crate) fn of(attrs: &[Attribute]) -> Self {
        let lines = attrs
            .iter()
            .filter(|attr| attr.path().is_ident("doc"))
            .filter_map(|attr| {
                let Meta::NameValue(pair) = &attr.meta else {
                    return None;
                };
                Some(match &pair.value {
                    Expr::Lit(ExprLit {
                        lit: Lit::Str(text),
                        ..
                    }) => Line::Text(text.value()),
                    other => Line::Macro(other.clone()),
                })
            });
        Self(lines.collect())
    }

    fn text(&self) -> Option<String> {
        let mut out = Vec::new();
        for line in &self.0 {
            let Line::Text(text) = line else { return None };
            for line in text.lines() {
                out.push(line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned());
            }
            if text.is_empty() {
                out.push(String::new());
            }
        }
        Some(out.join("\n").trim().to_owned())
    }
}

impl ToTokens for Doc {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        if let Some(text) = self.text() {
            return text.to_tokens(tokens);
        }
        let lines = self.0.iter().map(|line| match line {
            Line::Text(text) => {
                format!("{}\n", text.strip_prefix(' ').unwrap_or(text)).into_token_stream()
            }
            Line::Macro(expr) => quote!(#expr, "\n"),
        });
        tokens.extend(quote!(::core::concat!(#(#lines),*)));
    }
}

#[cfg(test)]
mod tests {
    use super::Doc;
    use syn::parse_quote;

    #[test]
    fn the_blank_after_the_slashes_is_no_part_of_the_text() {
        let item: syn::ItemStruct = parse_quote! {
            /// A guest has a room.
            ///
            ///     for a night
            struct RoomBooked;
        };
        assert_eq!(
            Doc::of(&item.attrs).text().as_deref(),
            Some("A guest has a room.\n\n    for a night")
        );
    }
}
