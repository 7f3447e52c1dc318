//! Types as a person writes them, for messages and for what is recorded at run time.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// `Option<ClientId>`, where the compiler would print `Option < ClientId >`.
pub(crate) fn of(tokens: &impl ToTokens) -> String {
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
            assert_eq!(super::of(&tokens), text);
        }
    }
}
