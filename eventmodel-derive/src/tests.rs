//! Whatever the user writes, a macro answers with Rust or with errors. It never panics.

use std::fmt::Write;

use proc_macro2::TokenStream;
use proptest::prelude::*;
use quote::quote;
use syn::DeriveInput;

use crate::{command, event, projection, rejection, stream};

/// The output is Rust, and consists of items.
fn is_rust(tokens: TokenStream) -> Result<(), TestCaseError> {
    let text = tokens.to_string();
    syn::parse2::<syn::File>(tokens).map_err(|e| TestCaseError::fail(format!("{e}: {text}")))?;
    Ok(())
}

/// Arguments of attributes: often nearly right.
fn arguments() -> impl Strategy<Value = TokenStream> {
    const WORDS: &[&str] = &[
        "subject",
        "log",
        "crate",
        "stream",
        "streams",
        "type",
        "version",
        "codec",
        "key",
        "state",
        "emits",
        "rejects",
        "id",
        "name",
        "validate",
        "garde",
        "code",
        "room",
        "Booking",
        "self",
        "::",
        "=",
        "=",
        "=",
        ",",
        ",",
        "(",
        ")",
        "(",
        ")",
        ".",
        "&",
        "0",
        "1.5",
        "r#type",
        "<",
        ">",
        "\"\"",
        "\"a.{room}\"",
        "\"{room\"",
        "'a",
    ];
    proptest::collection::vec(proptest::sample::select(WORDS), 0..10)
        .prop_filter_map("not balanced", |words| words.join(" ").parse().ok())
}

/// Templates: often nearly right.
fn template() -> impl Strategy<Value = String> {
    const PARTS: &[&str] = &[
        "room",
        "{room}",
        "{room.id}",
        "{room.id.x}",
        "{date}",
        "{",
        "}",
        ".",
        ".",
        ".",
        "*",
        ">",
        "$",
        " ",
        "\n",
        "é",
        "-",
        "{r#type}",
        "{type}",
        "{self}",
        "{_}",
        "{room.self}",
        "{rom}",
        "{}",
        "{{room}}",
    ];
    prop_oneof![
        any::<String>(),
        proptest::collection::vec(proptest::sample::select(PARTS), 0..8)
            .prop_map(|parts| parts.concat()),
    ]
}

proptest! {
    #[test]
    fn any_template_is_read_or_refused(text in template()) {
        let input: DeriveInput = syn::parse_quote! {
            #[stream(subject = #text)]
            struct Booking { room: Room, date: Date, r#type: u8 }
        };
        is_rust(stream::derive(&input))?;
        let input: DeriveInput = syn::parse_quote! {
            #[command(id = #text)]
            struct Book { room: Room, date: Date, r#type: u8 }
        };
        is_rust(command::derive(&input))?;
    }

    #[test]
    fn any_arguments_are_read_or_refused(args in arguments(), shape in 0..4usize) {
        let item = |attr: TokenStream| -> DeriveInput {
            match shape {
                0 => syn::parse_quote!(#attr struct Booking { room: Room, r#type: u8 }),
                1 => syn::parse_quote!(#attr struct Booking<'a, T: Copy, const N: usize>(&'a T, [T; N]) where T: Clone;),
                2 => syn::parse_quote!(#attr enum Booking { #attr A, #attr B { room: u8 }, C(u8) }),
                _ => syn::parse_quote!(#attr union Booking { room: u8 }),
            }
        };
        is_rust(stream::derive(&item(quote!(#[stream(#args)]))))?;
        is_rust(event::derive(&item(quote!(#[event(#args)]))))?;
        is_rust(command::derive(&item(quote!(#[command(#args)]))))?;
        is_rust(rejection::derive(&item(quote!(#[rejection(#args)]))))?;
        let block = quote! {
            impl Booking {
                #[key(#args)]
                fn booked(&mut self, event: &Booked, more: u8) {}
                fn helper(#[key(#args)] self) {}
            }
        };
        is_rust(projection::attribute(args, &block))?;
    }

    #[test]
    fn any_parameters_are_read_or_refused(which in proptest::collection::vec(0..12usize, 0..5)) {
        let params = [
            "self", "&self", "&mut self", "self: &mut Self", "self: Box<Self>", "event: &Booked", "_: &mut Booked",
            "(a, b): (u8, u8)", "event: &'static impl Event", "event: &[Booked]", "event: &_", "event: Booked",
        ];
        let mut text = String::new();
        for &i in &which {
            let _ = write!(text, "{},", params[i]);
        }
        // The compiler refuses what is no Rust before a macro sees it.
        if let Ok(block) = syn::parse_str::<syn::ItemImpl>(&format!("impl A {{ fn f({text}) {{}} }}")) {
            is_rust(projection::attribute(quote!(key(room: u8)), &quote!(#block)))?;
        }
    }
}
