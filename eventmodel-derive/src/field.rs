//! The fields of a struct, with their names in JSON, and the shapes that a derive accepts.

use syn::ext::IdentExt;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Data, DeriveInput, Fields, GenericParam, Ident, LitStr, Type};

use crate::ctxt::Ctxt;
use crate::doc::Doc;

/// A named field.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    /// Without `r#`.
    pub(crate) name: String,
    /// Its name in JSON, if serde uses another one.
    pub(crate) json: Option<String>,
    pub(crate) ty: Type,
    pub(crate) doc: Doc,
}

impl Field {
    /// The name as a const parameter: FNV-1a, which every crate and compiler computes alike.
    pub(crate) fn hash(&self) -> u128 {
        hash(&self.name)
    }
}

pub(crate) fn hash(name: &str) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    name.bytes().fold(BASIS, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    })
}

/// What a derive is for, in messages.
pub(crate) struct Kind {
    /// `a command`
    pub(crate) name: &'static str,
    /// The helper attribute.
    pub(crate) attr: &'static str,
    /// The advice to who wrote an enum.
    pub(crate) instead_of_enum: &'static str,
    /// Such a struct.
    pub(crate) example: &'static str,
}

/// The fields of a struct with named fields or none. Reports any other shape, and returns `None` for it.
pub(crate) fn named(ctxt: &Ctxt, input: &DeriveInput, kind: &Kind) -> Option<Vec<Field>> {
    let Kind {
        name,
        attr,
        instead_of_enum,
        example,
    } = kind;
    match &input.data {
        Data::Struct(data) => {
            for field in &data.fields {
                for misplaced in field.attrs.iter().filter(|a| a.path().is_ident(attr)) {
                    ctxt.error(
                        misplaced,
                        format_args!("`#[{attr}(..)]` stands on the struct, not on a field"),
                    );
                }
            }
            match &data.fields {
                Fields::Unit => Some(Vec::new()),
                Fields::Named(fields) => {
                    let rule = renamed(&input.attrs, "rename_all");
                    let field = |f| field(f, rule.as_deref());
                    Some(fields.named.iter().filter_map(field).collect())
                }
                Fields::Unnamed(fields) => {
                    ctxt.error(
                        fields,
                        format_args!("the fields of {name} have names, as in `{example}`"),
                    );
                    None
                }
            }
        }
        Data::Enum(data) => {
            let message = format_args!("{name} is a struct, not an enum: {instead_of_enum}");
            ctxt.error(data.enum_token, message);
            None
        }
        Data::Union(data) => {
            let message = format_args!("{name} is a struct, not a union: write `{example}`");
            ctxt.error(data.union_token, message);
            None
        }
    }
}

/// A field, under serde's `rule` for the names of all fields.
fn field(field: &syn::Field, rule: Option<&str>) -> Option<Field> {
    let ident = field.ident.clone()?;
    let name = ident.unraw().to_string();
    let renamed = renamed(&field.attrs, "rename");
    let json = renamed.or_else(|| Some(under_rule(&name, rule?)));
    Some(Field {
        json: json.filter(|json| *json != name),
        name,
        ident,
        ty: field.ty.clone(),
        doc: Doc::of(&field.attrs),
    })
}

/// Reports lifetimes: a type that is stored and read back cannot borrow.
pub(crate) fn owned(ctxt: &Ctxt, input: &DeriveInput, kind: &Kind) {
    for param in &input.generics.params {
        if let GenericParam::Lifetime(param) = param {
            ctxt.error(
                param,
                format_args!(
                    "{} is stored and read back, so it owns what is in it: `String`, not `&str`",
                    kind.name
                ),
            );
        }
    }
}

/// The name or rule that `#[serde(rename = ..)]` or `#[serde(rename_all = ..)]` gives for reading.
///
/// It skips everything else in the attribute: serde itself reports what is wrong with it.
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

/// A field's name under a rule of `rename_all`. An unknown rule changes nothing, because serde reports it.
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
    fn the_hash_of_a_name_is_fnv_1a() {
        assert_eq!(hash(""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(hash("a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }

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
