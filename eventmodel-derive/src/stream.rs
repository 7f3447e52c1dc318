//! `#[derive(Stream)]`: `Stream`, `Key` and `FromFields`.
//!
//! The subject determines the whole key, and the key determines the subject.

use heck::ToKebabCase;
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Data, DeriveInput, Ident, LitStr, Type};

use crate::attr::{self, CratePath, Key};
use crate::ctxt::Ctxt;
use crate::doc::Doc;
use crate::expand::{anonymous, at, body, located, option, type_info};
use crate::field::{self, Field, Kind};
use crate::key_parts;
use crate::template::{self, Part, Placeholder, Report, Template};
use crate::ty::{self, bare, span_of};

pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let ctxt = Ctxt::new();
    let attr = attr::read(&ctxt, KIND.attr, KEYS, &input.attrs);
    let model = Model::new(&ctxt, input, attr);
    check(&ctxt, &model);
    expand(&model, ctxt.finish().as_ref())
}

const KIND: Kind = Kind {
    name: "the key of a stream",
    attr: "stream",
    instead_of_enum: "one stream has one template and one key; write one struct for each stream",
    example: "struct Booking { room: RoomId, date: Date }",
};

#[derive(Default)]
struct Attr {
    subject: Option<LitStr>,
    /// Whether the user wrote `subject`, well formed or not.
    names_subject: bool,
    log: Option<LitStr>,
    krate: CratePath,
}

const KEYS: &[Key<Attr>] = &[
    ("subject", |attr, arg| {
        attr.names_subject = true;
        arg.string(&mut attr.subject, "booking.{room}.{date}")
    }),
    ("log", |attr, arg| arg.string(&mut attr.log, "hotel")),
    ("crate", |attr, arg| arg.crate_path(&mut attr.krate)),
];

struct Model<'a> {
    input: &'a DeriveInput,
    attr: Attr,
    doc: Doc,
    /// `None` if the type is not a struct with named fields.
    fields: Option<Vec<Field>>,
    /// `None` if it is missing or wrong.
    template: Option<Template>,
}

impl<'a> Model<'a> {
    fn new(ctxt: &Ctxt, input: &'a DeriveInput, attr: Attr) -> Self {
        let fields = field::named(ctxt, input, &KIND);
        if !attr.names_subject {
            ctxt.error(
                &input.ident,
                format_args!(
                    "`{}` has no subject: write `#[stream(subject = \"{}\")]`",
                    input.ident,
                    proposal(input, fields.as_deref().unwrap_or_default()),
                ),
            );
        }
        let subject = attr.subject.as_ref();
        Self {
            input,
            doc: Doc::of(&input.attrs),
            fields,
            template: subject.and_then(|literal| template::subject(ctxt, literal)),
            attr,
        }
    }
}

/// A template with all fields.
fn proposal(input: &DeriveInput, fields: &[Field]) -> String {
    let mut text = input.ident.to_string().to_kebab_case();
    for field in fields {
        text.push_str(".{");
        text.push_str(&field.name);
        text.push('}');
    }
    text
}

fn check(ctxt: &Ctxt, model: &Model<'_>) {
    if !model.input.generics.params.is_empty() {
        ctxt.error(
            &model.input.generics,
            "a stream has no generic parameters: streams of two types would share one template, and so their subjects",
        );
    }
    if let Some(log) = &model.attr.log {
        let text = log.value();
        if text.is_empty()
            || text.contains(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_')
        {
            ctxt.error(
                log,
                "the name of a log has letters, digits, `-` and `_`, and is not empty",
            );
        }
    }
    if let (Some(template), Some(fields)) = (&model.template, &model.fields) {
        check_template(ctxt, model, template, fields);
    }
}

fn check_template(ctxt: &Ctxt, model: &Model<'_>, template: &Template, fields: &[Field]) {
    let report = Report::new(ctxt, &template.literal);
    let mut seen: Vec<&Placeholder> = Vec::new();
    for placeholder in template.placeholders() {
        let range = placeholder.range.clone();
        let path = placeholder.text();
        let head = placeholder.head();
        let Some(field) = placeholder.field(fields) else {
            report.no_field(placeholder, &model.input.ident, fields);
            continue;
        };
        if placeholder.path.len() > 2 {
            report.at(
                range,
                format_args!(
                    "a path has at most one dot: the type of `{head}.{}` is not known here, so `{path}` could not be \
                     read back; derive `SubjectToken` for it, or give the key a field of its own",
                    placeholder.path[1]
                ),
            );
            continue;
        }
        if placeholder.path.len() == 2 && struct_path(&field.ty).is_none() {
            report.at(
                range,
                format_args!(
                    "`{head}` is a `{}`, which is not a struct with named fields",
                    ty::text(&field.ty)
                ),
            );
            continue;
        }
        if seen.iter().any(|other| other.path == placeholder.path) {
            report.at(range, format_args!("`{path}` stands in the subject twice"));
        } else if seen
            .iter()
            .any(|other| other.head() == head && other.path.len() != placeholder.path.len())
        {
            report.at(
                range,
                format_args!("`{head}` stands in the subject as a whole and by its parts"),
            );
        }
        seen.push(placeholder);
    }
    // A misspelled placeholder leaves a field over. One error is enough for both.
    let misspelled = template.placeholders().any(|p| p.field(fields).is_none());
    for field in fields.iter().filter(|_| !misspelled) {
        if !template.placeholders().any(|p| p.head() == field.name) {
            let name = &field.name;
            ctxt.error(
                &field.ident,
                format_args!(
                    "`{name}` does not stand in the subject, so two keys that differ in it would share one; \
                     add `{{{name}}}` to the template, or remove the field"
                ),
            );
        }
    }
}

fn expand(model: &Model<'_>, errors: Option<&TokenStream>) -> TokenStream {
    let Model {
        input, attr, doc, ..
    } = model;
    let krate = &attr.krate;
    let broken = errors.is_some();
    let ident = &input.ident;
    if !input.generics.params.is_empty() || matches!(input.data, Data::Union(_)) {
        // Neither can be a key, and no impl would help: there is no builder for a generic key, and a union has none
        // of the traits that a key needs.
        return quote!(#errors);
    }
    let fields = model.fields.as_deref().unwrap_or_default();
    let template = model.template.as_ref().filter(|_| !broken);
    let Code {
        write_key,
        read_key,
        subject,
        from_subject,
        len,
    } = code(krate, ident, fields, template);

    let info = type_info(krate, ident, doc, fields);
    let text = template
        .map(|template| template.literal.value())
        .unwrap_or_default();
    let log = option(attr.log.as_ref());
    let from_fields = if model.fields.is_some() {
        key_parts::from_fields(krate, ident, fields)
    } else {
        stub_from_fields(krate, ident)
    };
    let header = |name: TokenStream| located(quote!(#krate::#name), ident.span());
    let (key_trait, stream_trait) = (header(quote!(Key)), header(quote!(Stream)));
    let (write_key, read_key) = (body(broken, write_key), body(broken, read_key));
    let (subject, from_subject) = (body(broken, subject), body(broken, from_subject));

    anonymous(
        krate,
        &input.attrs,
        errors,
        &quote! {
            // The compiler reports a missing trait once for each body, so all four stand in one.
            struct __Code {
                write_key: fn(&#ident, &mut #krate::__private::KeyWriter),
                read_key: fn(
                    &mut #krate::__private::KeyReader<'_>,
                ) -> ::core::result::Result<#ident, #krate::__private::KeyError>,
                subject: fn(&#ident) -> ::core::result::Result<#krate::__private::Subject, #krate::__private::SubjectError>,
                from_subject: fn(
                    &#krate::__private::Subject,
                ) -> ::core::result::Result<#ident, #krate::__private::SubjectError>,
            }

            const __CODE: __Code = __Code {
                write_key: |__key, __out| { #write_key },
                read_key: |__tokens| { #read_key },
                subject: |__key| { #subject },
                from_subject: |__subject| { #from_subject },
            };

            #[automatically_derived]
            impl #key_trait for #ident {
                const LEN: usize = #len;

                fn write_key(&self, out: &mut #krate::__private::KeyWriter) {
                    (__CODE.write_key)(self, out)
                }

                fn read_key(
                    tokens: &mut #krate::__private::KeyReader<'_>,
                ) -> ::core::result::Result<Self, #krate::__private::KeyError> {
                    (__CODE.read_key)(tokens)
                }
            }

            #[automatically_derived]
            impl #stream_trait for #ident {
                const INFO: &'static #krate::__private::StreamInfo =
                    &#krate::__private::StreamInfo::__new(#info, #log, #text);

                fn subject(&self) -> ::core::result::Result<#krate::__private::Subject, #krate::__private::SubjectError> {
                    (__CODE.subject)(self)
                }

                fn from_subject(
                    subject: &#krate::__private::Subject,
                ) -> ::core::result::Result<Self, #krate::__private::SubjectError> {
                    (__CODE.from_subject)(subject)
                }
            }

            #from_fields
        },
    )
}

/// The bodies of the functions, and the number of tokens in a key.
struct Code {
    write_key: TokenStream,
    read_key: TokenStream,
    subject: TokenStream,
    from_subject: TokenStream,
    len: usize,
}

fn code(krate: &CratePath, ident: &Ident, fields: &[Field], template: Option<&Template>) -> Code {
    let parts = template
        .map(|template| template.parts.as_slice())
        .unwrap_or_default();
    let placeholders: Vec<&Placeholder> = template
        .map(|t| t.placeholders().collect())
        .unwrap_or_default();
    let len = placeholders.len();

    let write_key = placeholders.iter().map(|placeholder| {
        let (span, member) = member(fields, placeholder);
        quote_spanned!(span=> __out.token(&__key #member);)
    });
    let read_key = placeholders.iter().enumerate().map(|(i, placeholder)| {
        let (span, _) = member(fields, placeholder);
        let local = local(i);
        quote_spanned!(span=> let #local = __tokens.token(#len)?;)
    });
    let write_subject = parts.iter().enumerate().map(|(i, part)| {
        let dot = (i > 0).then(|| quote!(__out.literal(".");));
        match part {
            Part::Text(text) => {
                let text = if i > 0 {
                    format!(".{text}")
                } else {
                    text.clone()
                };
                quote!(__out.literal(#text);)
            }
            Part::Field(placeholder) => {
                let (span, member) = member(fields, placeholder);
                quote_spanned!(span=> #dot __out.token(&__key #member);)
            }
        }
    });
    let mut next = 0;
    let read_subject = parts.iter().map(|part| match part {
        Part::Text(text) => quote!(__in.literal(#text)?;),
        Part::Field(placeholder) => {
            let (span, _) = member(fields, placeholder);
            let (local, path) = (local(next), placeholder.text());
            next += 1;
            quote_spanned!(span=> let #local = __in.token(#path)?;)
        }
    });
    let value = literal(ident, fields, &placeholders);
    let template = template
        .map(|template| template.literal.value())
        .unwrap_or_default();

    Code {
        write_key: quote!(#(#write_key)*),
        read_key: quote!(#(#read_key)* ::core::result::Result::Ok(#value)),
        subject: quote! {
            let mut __out = #krate::__private::SubjectWriter::new();
            #(#write_subject)*
            __out.finish()
        },
        from_subject: quote! {
            let mut __in = #krate::__private::SubjectReader::new(__subject, #template);
            #(#read_subject)*
            __in.finish()?;
            ::core::result::Result::Ok(#value)
        },
        len,
    }
}

fn local(i: usize) -> Ident {
    format_ident!("__token{i}")
}

/// The span of the field's type, and `.room.id`.
fn member(fields: &[Field], placeholder: &Placeholder) -> (Span, TokenStream) {
    let Some(field) = placeholder.field(fields) else {
        return (at(Span::call_site()), TokenStream::new());
    };
    let head = &field.ident;
    let tail = placeholder.tail();
    let span = span_of(&field.ty);
    (at(span), located(quote!(.#head #(.#tail)*), span))
}

/// `Booking { room: Room { id: __token0 }, date: __token1 }`
fn literal(ident: &Ident, fields: &[Field], placeholders: &[&Placeholder]) -> TokenStream {
    let values = fields.iter().map(|field| {
        let name = &field.ident;
        let tokens: Vec<_> = placeholders
            .iter()
            .enumerate()
            .filter(|(_, p)| p.head() == field.name)
            .collect();
        match (tokens.as_slice(), struct_path(&field.ty)) {
            ([(i, placeholder)], _) if placeholder.path.len() == 1 => {
                let local = local(*i);
                quote!(#name: #local)
            }
            (parts, Some(path)) => {
                let span = at(span_of(&field.ty));
                let parts = parts.iter().map(|(i, placeholder)| {
                    let (part, local) = (placeholder.tail().next(), local(*i));
                    quote_spanned!(span=> #part: #local)
                });
                quote_spanned!(span=> #name: #path { #(#parts),* })
            }
            (_, None) => quote!(#name: ::core::unreachable!()),
        }
    });
    quote!(#ident { #(#values),* })
}

/// The type as the path of a struct literal. `None` if it is no struct.
fn struct_path(ty: &Type) -> Option<syn::Path> {
    match bare(ty) {
        Type::Path(path) if path.qself.is_none() => {
            let mut path = path.path.clone();
            for segment in &mut path.segments {
                if let syn::PathArguments::AngleBracketed(arguments) = &mut segment.arguments {
                    arguments.colon2_token = Some(syn::Token![::](arguments.lt_token.span));
                }
            }
            Some(path)
        }
        _ => None,
    }
}

/// Stands in for [`key_parts::from_fields`] when the fields are unknown.
fn stub_from_fields(krate: &CratePath, ident: &Ident) -> TokenStream {
    let parts = format_ident!("{}Parts", ident);
    quote! {
        #[doc(hidden)]
        pub struct #parts;

        #[automatically_derived]
        impl #parts {
            #[doc(hidden)]
            pub fn __build<__S: ?::core::marker::Sized>(self, _: &__S) -> #ident {
                ::core::unreachable!()
            }
        }

        #[automatically_derived]
        impl #krate::__private::FromFields for #ident {
            type Parts = #parts;

            fn parts() -> Self::Parts {
                #parts
            }
        }
    }
}
