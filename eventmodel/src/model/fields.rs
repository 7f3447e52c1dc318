//! How a key finds its fields in a command or an event: by name, checked by the compiler.
//!
//! A derive sees one type only. So each derive declares its fields as `HasField<NAME>`, with the hash of a name in
//! place of the name. `#[derive(Stream)]` generates one trait for each field of the key, which requires that field; its
//! diagnostic names the field and the stream.

/// A field of a command or an event, by the hash of its name.
///
/// The field's type is a parameter and not an associated type, because it may be less visible than the event.
pub trait HasField<const NAME: u128, T> {
    /// The field.
    fn field(&self) -> &T;
}

/// A field of a key that is found by its name.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByName;

/// A field of a key that an override (`key(room = ..)`) has set.
#[derive(Clone, Copy, Debug)]
pub struct Given<T>(pub T);

/// A type that is built from the fields of a command or an event.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a stream",
    label = "not a stream",
    note = "write `#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]` and `#[stream(subject = \"..\")]` on the struct of its key"
)]
pub trait FromFields {
    /// The builder, with every field still to be found by name. Its inherent methods `field(value)` set a field,
    /// `__build(&source)` finds the others.
    type Parts;
    /// The builder.
    fn parts() -> Self::Parts;
}

/// The key of a state that has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoKey;

/// The builder of [`NoKey`].
#[derive(Clone, Copy, Debug)]
pub struct NoParts;

impl FromFields for NoKey {
    type Parts = NoParts;
    fn parts() -> NoParts {
        NoParts
    }
}

impl NoParts {
    /// The key.
    #[must_use]
    #[expect(
        clippy::unused_self,
        reason = "the builders of streams have the same signature"
    )]
    pub fn __build<S: ?Sized>(self, _: &S) -> NoKey {
        NoKey
    }
}
