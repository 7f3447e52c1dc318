//! What the macros record about each type, so that the running program can describe itself.

use std::fmt;

/// A type of the model: its name, its documentation, its fields, and its place in the code.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TypeInfo {
    /// The name of the type: `BookRoom`.
    pub name: &'static str,
    /// The module of the type: `hotel_booking::command::book_room`.
    pub module: &'static str,
    /// Its doc comment, without the leading blanks.
    pub doc: &'static str,
    /// Its fields, in the order of the code.
    pub fields: &'static [FieldInfo],
    /// The source file, as the compiler names it.
    pub file: &'static str,
    /// The line of the type in that file, from 1.
    pub line: u32,
}

impl TypeInfo {
    /// A placeholder for an unknown type.
    pub(crate) const NONE: Self = Self::__new("", "", "", &[], "", 0);

    #[doc(hidden)]
    pub const fn __new(
        name: &'static str,
        module: &'static str,
        doc: &'static str,
        fields: &'static [FieldInfo],
        file: &'static str,
        line: u32,
    ) -> Self {
        Self {
            name,
            module,
            doc,
            fields,
            file,
            line,
        }
    }

    /// Whether there is a field of this name. Used by the macros, at compile time.
    #[doc(hidden)]
    pub const fn __has_field(&self, name: &str) -> bool {
        let mut i = 0;
        while i < self.fields.len() {
            if same(self.fields[i].name, name) {
                return true;
            }
            i += 1;
        }
        false
    }
}

pub(crate) const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// One field of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldInfo {
    /// Its name, without `r#`.
    pub name: &'static str,
    /// The field's name in JSON, which serde's `rename` and `rename_all` change.
    pub json: &'static str,
    /// The field's type as the source has it: `Option<ClientId>`.
    pub ty: &'static str,
    /// Its doc comment.
    pub doc: &'static str,
}

impl FieldInfo {
    #[doc(hidden)]
    pub const fn __new(name: &'static str, ty: &'static str, doc: &'static str) -> Self {
        Self {
            name,
            json: name,
            ty,
            doc,
        }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn __in_json(mut self, json: &'static str) -> Self {
        self.json = json;
        self
    }
}

/// The JSON Schema of a type that derives `schemars::JsonSchema`, with the feature `schemars`. Without the feature it
/// is empty.
#[derive(Clone, Copy)]
pub struct SchemaInfo(pub(crate) Option<fn() -> serde_json::Value>);

impl SchemaInfo {
    /// No schema is known.
    pub const NONE: Self = Self(None);

    /// The schema, if the type has one.
    pub fn get(&self) -> Option<serde_json::Value> {
        self.0.map(|schema| schema())
    }
}

impl fmt::Debug for SchemaInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SchemaInfo({})",
            if self.0.is_some() { "known" } else { "none" }
        )
    }
}

/// `BookRoom` as a part of an address: `book-room`.
pub(crate) fn kebab_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let chars: Vec<char> = name.chars().collect();
    for (i, &c) in chars.iter().enumerate() {
        let starts_word = c.is_uppercase()
            && i > 0
            && (!chars[i - 1].is_uppercase() || chars.get(i + 1).is_some_and(|n| n.is_lowercase()));
        if starts_word && !out.ends_with('-') {
            out.push('-');
        }
        if c == '_' {
            out.push('-');
        } else {
            out.extend(c.to_lowercase());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_become_parts_of_an_address() {
        for (name, address) in [
            ("BookRoom", "book-room"),
            ("HTTPServer", "http-server"),
            ("A", "a"),
            ("Room2Book", "room2-book"),
        ] {
            assert_eq!(super::kebab_case(name), address);
        }
    }
}
