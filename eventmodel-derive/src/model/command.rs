//! A command: its fields, what it decides on, what it can emit.

use syn::{DeriveInput, Ident, LitStr, Path, Type};

use crate::attr::command::CommandAttr;
use crate::attr::crate_or_default;
use crate::attr::overrides::Override;
use crate::ctxt::Ctxt;
use crate::doc::Doc;
use crate::field::{self, Field, Kind};
use crate::id;
use crate::template::Template;

pub(crate) const KIND: Kind = Kind {
    name: "a command",
    attr: "command",
    instead_of_enum: "write one struct for each intent, with `#[derive(Command)]` on each",
    example: "struct BookRoom { room: RoomId, date: Date }",
};

pub(crate) struct CommandModel<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) krate: Path,
    pub(crate) doc: Doc,
    pub(crate) fields: Option<Vec<Field>>,
    pub(crate) state: State,
    pub(crate) emits: Vec<Type>,
    pub(crate) rejects: Option<Type>,
    pub(crate) id: Option<Template>,
    pub(crate) name: Option<LitStr>,
    pub(crate) overrides: Vec<Override>,
    pub(crate) validate: Option<Path>,
    pub(crate) garde: Option<Ident>,
}

/// What a command decides on.
pub(crate) enum State {
    None,
    One(Box<Type>),
    Tuple(Vec<Type>),
}

impl State {
    fn of(ty: Option<&Type>) -> Self {
        match ty.map(field::bare) {
            None => Self::None,
            Some(Type::Tuple(tuple)) if tuple.elems.is_empty() => Self::None,
            Some(Type::Tuple(tuple)) => Self::Tuple(tuple.elems.iter().cloned().collect()),
            Some(ty) => Self::One(Box::new(ty.clone())),
        }
    }

    pub(crate) fn parts(&self) -> &[Type] {
        match self {
            Self::None => &[],
            Self::One(ty) => std::slice::from_ref(ty),
            Self::Tuple(parts) => parts,
        }
    }
}

pub(crate) fn build<'a>(
    ctxt: &Ctxt,
    input: &'a DeriveInput,
    attr: CommandAttr,
) -> CommandModel<'a> {
    field::owned(ctxt, input, &KIND);
    CommandModel {
        input,
        krate: crate_or_default(attr.krate),
        doc: Doc::of(&input.attrs),
        fields: field::named(ctxt, input, &KIND),
        state: State::of(attr.state.as_ref()),
        emits: attr.emits,
        rejects: attr.rejects,
        id: attr.id.as_ref().and_then(|literal| id::read(ctxt, literal)),
        name: attr.name,
        overrides: attr.overrides,
        validate: attr.validate,
        garde: attr.garde,
    }
}
