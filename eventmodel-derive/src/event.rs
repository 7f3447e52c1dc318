//! `#[derive(Event)]`: `Event`, `BelongsTo` for each stream, and `HasField` for each field.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{DeriveInput, Expr, ExprLit, Lit, LitInt, Type};

use crate::attr::{self, Arg, CratePath, Key};
use crate::ctxt::Ctxt;
use crate::doc::Doc;
use crate::expand::{
    self, anonymous, at, body, bounded, evaluated, has_fields, located, schema, type_info,
};
use crate::field::{self, Field, Kind};
use crate::overrides::{self, Override};
use crate::ty::{self, span_of};

pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let ctxt = Ctxt::new();
    let attr = attr::read(&ctxt, KIND.attr, KEYS, &input.attrs);
    let model = Model::new(&ctxt, input, attr);
    check(&ctxt, &model);
    expand(&model, ctxt.finish().as_ref())
}

const KIND: Kind = Kind {
    name: "an event",
    attr: "event",
    instead_of_enum: "write one struct for each fact, with `#[derive(Event)]` on each",
    example: "struct RoomBooked { room: RoomId, date: Date }",
};

#[derive(Default)]
struct Attr {
    streams: Vec<Type>,
    /// Whether the user wrote `stream` or `streams`, well formed or not.
    names_streams: bool,
    event_type: Option<Expr>,
    version: Option<LitInt>,
    codec: Option<Type>,
    overrides: Vec<Override>,
    krate: CratePath,
}

const KEYS: &[Key<Attr>] = &[
    ("stream", |attr, arg| {
        name_streams(attr, arg)?;
        attr.streams.push(arg.parse("Booking")?);
        Ok(())
    }),
    ("streams", |attr, arg| {
        name_streams(attr, arg)?;
        let group = arg.group("Course, Student")?;
        attr.streams = attr::types(&group)?;
        if attr.streams.is_empty() {
            return Err(syn::Error::new(
                group.span(),
                "an event belongs to a stream: `streams(Course, Student)`",
            ));
        }
        Ok(())
    }),
    ("type", |attr, arg| {
        arg.value(&mut attr.event_type, "\"RoomBooked\"")
    }),
    ("version", |attr, arg| arg.value(&mut attr.version, "2")),
    ("codec", |attr, arg| {
        arg.value(&mut attr.codec, "eventmodel::Json")
    }),
    ("key", |attr, arg| {
        overrides::read_arg(arg, &mut attr.overrides)
    }),
    ("crate", |attr, arg| arg.crate_path(&mut attr.krate)),
];

fn name_streams(attr: &mut Attr, arg: &Arg<'_>) -> syn::Result<()> {
    if std::mem::replace(&mut attr.names_streams, true) {
        return Err(syn::Error::new(
            arg.key.span(),
            "give `stream = ..` for one stream or `streams(..)` for several, not both",
        ));
    }
    Ok(())
}

struct Model<'a> {
    input: &'a DeriveInput,
    attr: Attr,
    doc: Doc,
    /// `None` if the type is not a struct with named fields.
    fields: Option<Vec<Field>>,
}

impl<'a> Model<'a> {
    fn new(ctxt: &Ctxt, input: &'a DeriveInput, attr: Attr) -> Self {
        let fields = field::named(ctxt, input, &KIND);
        field::owned(ctxt, input, &KIND);
        if !attr.names_streams {
            ctxt.error(
                &input.ident,
                format_args!(
                    "`{}` belongs to no stream: write `#[event(stream = ..)]`, or `#[event(streams(.., ..))]` for several",
                    input.ident
                ),
            );
        }
        Self {
            input,
            attr,
            doc: Doc::of(&input.attrs),
            fields,
        }
    }
}

fn check(ctxt: &Ctxt, model: &Model<'_>) {
    let attr = &model.attr;
    ty::named_once(ctxt, &attr.streams);
    if let Some(version) = &attr.version
        && !matches!(version.base10_parse::<u32>(), Ok(1..))
    {
        ctxt.error(version, "a version is a number from 1");
    }
    if let Some(Expr::Lit(ExprLit {
        lit: Lit::Str(name),
        ..
    })) = &attr.event_type
    {
        let text = name.value();
        if text.is_empty() || text.contains(char::is_control) {
            ctxt.error(
                name,
                "the type of an event is a name: it is not empty, and has no control characters",
            );
        }
        if text.starts_with("eventmodel.") {
            ctxt.error(
                name,
                "types that begin with `eventmodel.` are those of the engine: choose another prefix",
            );
        }
    }
    if !attr.streams.is_empty() {
        overrides::check(ctxt, &attr.overrides, attr.streams.len(), "stream");
    }
}

fn expand(model: &Model<'_>, errors: Option<&TokenStream>) -> TokenStream {
    let Model {
        input, attr, doc, ..
    } = model;
    let (krate, overrides) = (&attr.krate, &attr.overrides);
    let streams = ty::unique(&attr.streams);
    let broken = errors.is_some();
    if input.generics.lifetimes().next().is_some() {
        // No impl would help: a type that borrows cannot be an event.
        return quote!(#errors);
    }
    let ident = &input.ident;
    let name = ident.unraw().to_string();
    let fields = model.fields.as_deref().unwrap_or_default();
    let generics = bounded(&input.generics, &expand::stored(krate));
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();

    let event = located(quote!(#krate::Event), ident.span());
    let info = type_info(krate, ident, doc, fields);
    let event_type = expand::or(attr.event_type.as_ref(), quote!(#name));
    let version = attr
        .version
        .as_ref()
        .filter(|_| !broken)
        .map_or(quote!(1), |version| quote!(#version));
    let schema = schema(krate, &input.generics);
    let codec = expand::or(attr.codec.as_ref(), quote!(#krate::Json));
    let infos = streams
        .iter()
        .map(|stream| quote!(#krate::__private::Probe::<#stream>::STREAM));
    let names: Vec<String> = streams.iter().map(ty::text).collect();
    let asserts = overrides::asserts(
        if broken { &[] } else { overrides },
        &names,
        "stream",
        |i, field| {
            let stream = streams[i];
            quote!(#krate::__private::Probe::<#stream>::STREAM.__has_field(#field))
        },
    );
    let subjects = streams.iter().map(|stream| {
        quote! {
            #krate::__private::Probe::<#stream>::subject(
                &<Self as #krate::__private::BelongsTo<#stream>>::stream_key(self),
            )?
        }
    });
    let subjects = body(
        broken,
        quote!(::core::result::Result::Ok(#krate::__private::Arc::from([#(#subjects),*]))),
    );
    let equals = equals(krate, &streams, broken);
    let belongs = streams.iter().enumerate().map(|(i, stream)| {
        let span = span_of(stream);
        let belongs = located(quote!(#krate::__private::BelongsTo::<#stream>), span);
        let is_stream = located(quote!(#krate::__private::stream::<#stream>();), span);
        let parts = quote!(#krate::__private::Probe::<#stream>::parts());
        let key = body(broken, overrides::build(&parts, i, overrides, "self", span));
        quote_spanned! {at(span)=>
            #[automatically_derived]
            impl #impl_generics #belongs for #ident #type_generics #where_clause {
                fn stream_key(&self) -> #stream {
                    #is_stream
                    #key
                }
            }
        }
    });
    let has_fields = has_fields(krate, ident, &input.generics, fields);
    let evaluated = evaluated(
        &generics,
        &quote!(#krate::__private::Probe::<#ident>::EVENT),
    );

    anonymous(
        krate,
        &input.attrs,
        errors,
        &quote! {
            #[automatically_derived]
            impl #impl_generics #event for #ident #type_generics #where_clause {
                const INFO: &'static #krate::__private::EventInfo = {
                    #asserts
                    &#krate::__private::EventInfo::__new::<Self>(#info, #event_type, #version, &[#(#infos),*], #schema)
                };

                type Codec = #codec;

                fn subjects(
                    &self,
                ) -> ::core::result::Result<#krate::__private::Arc<[#krate::__private::Subject]>, #krate::__private::SubjectError> {
                    #subjects
                }

                #equals
            }

            #(#belongs)*
            #has_fields
            #evaluated
        },
    )
}

/// `__equals` and `__has_same_keys`: whether two events are equal, and whether their keys are, if their types can tell.
fn equals(krate: &CratePath, streams: &[&Type], broken: bool) -> TokenStream {
    let probe = quote!(#krate::__private::Probe::<Self>::equals(self, other));
    let equals = body(broken, probe);
    let keys = streams.iter().map(|stream| {
        let key = quote!(<Self as #krate::__private::BelongsTo<#stream>>::stream_key);
        quote! {
            ::core::matches!(
                #krate::__private::Probe::<#stream>::equals(&#key(self), &#key(other)),
                ::core::option::Option::Some(true)
            )
        }
    });
    let has_same_keys = body(broken, quote!(#(#keys)&&*));
    quote! {
        fn __has_same_keys(&self, other: &Self) -> ::core::primitive::bool {
            #has_same_keys
        }

        fn __equals(&self, other: &Self) -> ::core::option::Option<::core::primitive::bool> {
            #equals
        }
    }
}
