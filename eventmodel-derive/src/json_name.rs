//! What a field is called in JSON: serde's `rename` and `rename_all`, as far as they say how it is read.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, LitStr};

/// What `#[serde(rename = ..)]` or `#[serde(rename_all = ..)]` says.
///
/// Whatever else stands there, and whatever is wrong with it, is serde's to judge.
pub(crate) fn renamed(attrs: &[Attribute], key: &str) -> Option<String> {
    let mut found = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        let _ = attr.parse_nested_meta(|meta| {
            if !meta.path.is_ident(key) {
                return skip(&meta);
            }
            if meta.input.peek(syn::Token![=]) {
                found = Some(meta.value()?.parse::<LitStr>()?.value());
                return Ok(());
            }
            meta.parse_nested_meta(|side| {
                let name = side.value()?.parse::<LitStr>()?.value();
                if side.path.is_ident("deserialize") {
                    found = Some(name);
                }
                Ok(())
            })
        });
    }
    found
}

/// Steps over what follows a key.
fn skip(meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(syn::Token![=]) {
        meta.value()?.parse::<syn::Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        let inside;
        syn::parenthesized!(inside in meta.input);
        inside.parse::<proc_macro2::TokenStream>()?;
    }
    Ok(())
}

/// A field's name under a rule of `rename_all`. serde knows which rules there are.
pub(crate) fn under_rule(name: &str, rule: &str) -> String {
    let pascal = || -> String {
        let words = name.split('_').map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        });
        words.collect()
    };
    match rule {
        "UPPERCASE" | "SCREAMING_SNAKE_CASE" => name.to_ascii_uppercase(),
        "PascalCase" => pascal(),
        "camelCase" => {
            let pascal = pascal();
            let mut letters = pascal.chars();
            let first = letters.next().map(|first| first.to_ascii_lowercase());
            first.into_iter().chain(letters).collect()
        }
        "kebab-case" => name.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => name.to_ascii_uppercase().replace('_', "-"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn a_rename_is_found_among_the_rest() {
        let attrs: [Attribute; 2] = [
            parse_quote!(#[doc = "x"]),
            parse_quote!(#[serde(default, skip_serializing_if = "Option::is_none", rename = "deviceId")]),
        ];
        assert_eq!(renamed(&attrs, "rename"), Some("deviceId".into()));
        assert_eq!(renamed(&attrs, "rename_all"), None);
        let attrs = [
            parse_quote!(#[serde(bound(serialize = "T: X"), rename(serialize = "a", deserialize = "b"))]),
        ];
        assert_eq!(renamed(&attrs, "rename"), Some("b".into()));
        let attrs = [parse_quote!(#[serde(rename(serialize = "a"))])];
        assert_eq!(renamed(&attrs, "rename"), None);
    }

    #[test]
    fn the_rules_are_those_of_serde() {
        for (rule, name) in [
            ("lowercase", "device_id"),
            ("UPPERCASE", "DEVICE_ID"),
            ("PascalCase", "DeviceId"),
            ("camelCase", "deviceId"),
            ("snake_case", "device_id"),
            ("SCREAMING_SNAKE_CASE", "DEVICE_ID"),
            ("kebab-case", "device-id"),
            ("SCREAMING-KEBAB-CASE", "DEVICE-ID"),
        ] {
            assert_eq!(under_rule("device_id", rule), name);
        }
    }
}
