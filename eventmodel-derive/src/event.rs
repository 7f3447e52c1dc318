//! `Event`, `BelongsTo`, `HasField`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{DeriveInput, Expr, ExprLit, Lit, LitInt, Path, Type};

use crate::attr::{Keys, crate_or_default, crate_path, group, types, value};
use crate::ctxt::Ctxt;
use crate::doc::Doc;
use crate::expand::{
    self, anonymous, at, body, bounded, evaluated, has_fields, located, schema, type_info,
};
use crate::field::{self, Field, Kind};
use crate::overrides::{self, Override};
use crate::ty::{self, span_of};

#[derive(Default)]
pub(crate) struct EventAttr {
    /// Whether `stream` or `streams` was written, in whatever form.
    pub(crate) names_streams: bool,
    pub(crate) streams: Vec<Type>,
    pub(crate) event_type: Option<Expr>,
    pub(crate) version: Option<LitInt>,
    pub(crate) codec: Option<Type>,
    pub(crate) overrides: Vec<Override>,
    pub(crate) krate: Option<Path>,
}

pub(crate) fn read(ctxt: &Ctxt, input: &DeriveInput) -> EventAttr {
    let mut attr = EventAttr::default();
    let known = &[
        "stream", "streams", "type", "version", "codec", "key", "crate",
    ];
    let mut keys = Keys::new(ctxt, "event", known);
    keys.attributes(&input.attrs, |key, input| {
        match key.to_string().as_str() {
            which @ ("stream" | "streams") => {
                if attr.names_streams {
                    return Err(syn::Error::new(
                        key.span(),
                        "give `stream = ..` for one stream or `streams(..)` for several, not both",
                    ));
                }
                attr.names_streams = true;
                if which == "stream" {
                    attr.streams.push(value(key, input, "stream = Booking")?);
                } else {
                    let group = group(key, input, "streams(Course, Student)")?;
                    attr.streams = types(&group)?;
                    if attr.streams.is_empty() {
                        return Err(syn::Error::new(
                            group.span(),
                            "an event belongs to a stream: `streams(Course, Student)`",
                        ));
                    }
                }
            }
            "type" => attr.event_type = Some(value(key, input, "type = \"RoomBooked\"")?),
            "version" => attr.version = Some(value(key, input, "version = 2")?),
            "codec" => attr.codec = Some(value(key, input, "codec = eventmodel::Json")?),
            "key" => {
                let group = group(key, input, "key(room = self.booking.room)")?;
                attr.overrides = overrides::read(ctxt, group.stream());
            }
            _ => attr.krate = Some(crate_path(key, input)?),
        }
        Ok(())
    });
    attr
}

pub(crate) const KIND: Kind = Kind {
    name: "an event",
    attr: "event",
    instead_of_enum: "write one struct for each fact, with `#[derive(Event)]` on each",
    example: "struct RoomBooked { room: RoomId, date: Date }",
};

pub(crate) struct EventModel<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) krate: Path,
    pub(crate) doc: Doc,
    pub(crate) fields: Option<Vec<Field>>,
    pub(crate) streams: Vec<Type>,
    pub(crate) event_type: Option<Expr>,
    pub(crate) version: Option<LitInt>,
    pub(crate) codec: Option<Type>,
    pub(crate) overrides: Vec<Override>,
}

pub(crate) fn build<'a>(ctxt: &Ctxt, input: &'a DeriveInput, attr: EventAttr) -> EventModel<'a> {
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
    EventModel {
        input,
        krate: crate_or_default(attr.krate),
        doc: Doc::of(&input.attrs),
        fields,
        streams: attr.streams,
        event_type: attr.event_type,
        version: attr.version,
        codec: attr.codec,
        overrides: attr.overrides,
    }
}

pub(crate) fn check(ctxt: &Ctxt, model: &EventModel<'_>) {
    for (i, stream) in model.streams.iter().enumerate() {
        if model.streams[..i]
            .iter()
            .any(|other| ty::same(other, stream))
        {
            ctxt.error(
                stream,
                format_args!("`{}` is named twice", ty::text(stream)),
            );
        }
    }
    if let Some(version) = &model.version
        && !matches!(version.base10_parse::<u32>(), Ok(1..))
    {
        ctxt.error(version, "a version is a number from 1");
    }
    if let Some(Expr::Lit(ExprLit {
        lit: Lit::Str(name),
        ..
    })) = &model.event_type
        && (name.value().is_empty() || name.value().contains(char::is_control))
    {
        ctxt.error(
            name,
            "the type of an event is a name: it is not empty, and has no control characters",
        );
    }
    if !model.streams.is_empty() {
        overrides::check(ctxt, &model.overrides, model.streams.len(), "stream");
    }
}

pub(crate) fn expand(model: &EventModel<'_>, errors: Option<&TokenStream>) -> TokenStream {
    let EventModel {
        input,
        krate,
        doc,
        overrides,
        ..
    } = model;
    let streams = ty::unique(&model.streams);
    let broken = errors.is_some();
    if input.generics.lifetimes().next().is_some() {
        // No impl would help: a type that borrows cannot have it.
        return quote!(#errors);
    }
    let ident = &input.ident;
    let name = ident.unraw().to_string();
    let fields = model.fields.as_deref().unwrap_or_default();
    let generics = bounded(&input.generics, &expand::stored(krate));
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();

    let event = located(quote!(#krate::Event), ident.span());
    let info = type_info(krate, ident, doc, fields);
    let event_type = expand::or(model.event_type.as_ref(), quote!(#name));
    let version = model
        .version
        .as_ref()
        .filter(|_| !broken)
        .map_or(quote!(1), |version| quote!(#version));
    let schema = schema(krate, &input.generics);
    let codec = expand::or(model.codec.as_ref(), quote!(#krate::Json));
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
                &<Self as #krate::BelongsTo<#stream>>::stream_key(self),
            )?
        }
    });
    let subjects = body(
        broken,
        quote!(::core::result::Result::Ok(#krate::__private::Vec::from([#(#subjects),*]))),
    );
    let equals = equals(krate, &streams, broken);
    let belongs = streams.iter().enumerate().map(|(i, stream)| {
        let span = span_of(stream);
        let belongs = located(quote!(#krate::BelongsTo::<#stream>), span);
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
                const INFO: &'static #krate::EventInfo = {
                    #asserts
                    &#krate::EventInfo::__new::<Self>(#info, #event_type, #version, &[#(#infos),*], #schema)
                };

                type Codec = #codec;

                fn subjects(
                    &self,
                ) -> ::core::result::Result<#krate::__private::Vec<#krate::Subject>, #krate::SubjectError> {
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

/// Whether two events are equal, and whether their keys are, as far as their types tell.
fn equals(krate: &Path, streams: &[&Type], broken: bool) -> TokenStream {
    let probe = quote!(#krate::__private::Probe::<Self>::equals(self, other));
    let equals = body(broken, probe);
    let keys = streams.iter().map(|stream| {
        let key = quote!(<Self as #krate::BelongsTo<#stream>>::stream_key);
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
