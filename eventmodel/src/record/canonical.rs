//! Canonical bytes of a value: what serde writes of it, regardless of the order of its maps. Equal values have equal
//! bytes.
//!
//! JSON does not suffice: a `serde_json::Value` loses integers of 128 bits, has no map whose keys are not texts, and
//! gives `null` for `NaN`, `None` and `Some(None)` alike. Here two values have the same bytes only if serde writes the
//! same for both, up to the order of entries. Logs store only a hash of the bytes; nothing reads them back.

use std::fmt::{self, Display};

use serde::Serialize;
use serde::ser::{self, Serializer};

/// The bytes of a value. Its sequences keep their order.
///
/// # Errors
/// Only what the value's own `Serialize` refuses.
pub(crate) fn bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    written(value, false)
}

/// The bytes of a value, regardless of the order of sequences, too: serde cannot tell a set from a list.
///
/// # Errors
/// As [`bytes`].
pub(crate) fn unordered<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    written(value, true)
}

fn written<T: Serialize + ?Sized>(value: &T, sorts_sequences: bool) -> Result<Vec<u8>, Error> {
    let mut writer = Writer {
        out: Vec::with_capacity(128),
        sorts_sequences,
    };
    value.serialize(&mut writer)?;
    Ok(writer.out)
}

/// The error of a value's `Serialize`.
#[derive(Debug)]
pub(crate) struct Error(String);

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl ser::Error for Error {
    fn custom<T: Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

/// The kind of the next value. Each value starts with its kind and has an end of its own, so that different values
/// never give the same bytes.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Tag {
    End,
    Unit,
    None,
    Some,
    False,
    True,
    /// An integer that is not negative, of any width.
    Natural,
    Negative,
    Float,
    Text,
    Bytes,
    Sequence,
    Map,
    Variant,
}

struct Writer {
    out: Vec<u8>,
    sorts_sequences: bool,
}

impl Writer {
    fn tag(&mut self, tag: Tag) {
        self.out.push(tag as u8);
    }

    fn counted(&mut self, tag: Tag, bytes: &[u8]) {
        self.tag(tag);
        self.out
            .extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.out.extend_from_slice(bytes);
    }

    fn entries(&mut self, tag: Tag, sorts: bool) -> Entries<'_> {
        self.tag(tag);
        let start = self.out.len();
        Entries {
            to: self,
            start,
            ends: Vec::new(),
            sorts,
        }
    }

    fn variant(&mut self, name: &str) {
        self.counted(Tag::Variant, name.as_bytes());
    }
}

/// The entries of a map or of a sequence.
struct Entries<'a> {
    to: &'a mut Writer,
    start: usize,
    /// Where each entry ends. Kept only if they are sorted.
    ends: Vec<usize>,
    sorts: bool,
}

impl Entries<'_> {
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut *self.to)
    }

    fn entry_ends(&mut self) {
        if self.sorts {
            self.ends.push(self.to.out.len());
        }
    }

    fn finish(self) {
        let out = &mut self.to.out;
        if self.ends.len() > 1 {
            let unsorted = out.split_off(self.start);
            let mut from = 0;
            let mut entries: Vec<&[u8]> = Vec::with_capacity(self.ends.len());
            for end in self.ends {
                let to = end - self.start;
                entries.push(&unsorted[from..to]);
                from = to;
            }
            entries.sort_unstable();
            for entry in entries {
                out.extend_from_slice(entry);
            }
        }
        self.to.tag(Tag::End);
    }
}

macro_rules! integers {
    ($($method:ident: $ty:ty),*) => {$(
        fn $method(self, value: $ty) -> Result<(), Error> {
            self.serialize_i128(value.into())
        }
    )*};
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Entries<'a>;
    type SerializeTuple = Entries<'a>;
    type SerializeTupleStruct = Entries<'a>;
    type SerializeTupleVariant = Entries<'a>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Entries<'a>;
    type SerializeStructVariant = Entries<'a>;

    integers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64
    }

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        if let Ok(natural) = u128::try_from(value) {
            return self.serialize_u128(natural);
        }
        self.tag(Tag::Negative);
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        self.tag(Tag::Natural);
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.tag(Tag::Float);
        self.out.extend_from_slice(&value.to_bits().to_le_bytes());
        Ok(())
    }

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.tag(if value { Tag::True } else { Tag::False });
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.counted(Tag::Text, value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.counted(Tag::Bytes, value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.tag(Tag::None);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        self.tag(Tag::Some);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.tag(Tag::Unit);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.variant(variant);
        self.serialize_unit()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.variant(variant);
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Entries<'a>, Error> {
        let sorts = self.sorts_sequences;
        Ok(self.entries(Tag::Sequence, sorts))
    }

    fn serialize_tuple(self, _: usize) -> Result<Entries<'a>, Error> {
        Ok(self.entries(Tag::Sequence, false))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Entries<'a>, Error> {
        Ok(self.entries(Tag::Sequence, false))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries<'a>, Error> {
        self.variant(variant);
        Ok(self.entries(Tag::Sequence, false))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'a>, Error> {
        Ok(self.entries(Tag::Map, true))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries<'a>, Error> {
        Ok(self.entries(Tag::Map, true))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries<'a>, Error> {
        self.variant(variant);
        Ok(self.entries(Tag::Map, true))
    }
}

macro_rules! sequences {
    ($($compound:ident::$method:ident),*) => {$(
        impl ser::$compound for Entries<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.part(value)?;
                self.entry_ends();
                Ok(())
            }

            fn end(self) -> Result<(), Error> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

sequences! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
}

macro_rules! structs {
    ($($compound:ident),*) => {$(
        impl ser::$compound for Entries<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.part(name)?;
                self.part(value)?;
                self.entry_ends();
                Ok(())
            }

            fn end(self) -> Result<(), Error> {
                self.finish();
                Ok(())
            }
        }
    )*};
}

structs!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.part(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.part(value)?;
        self.entry_ends();
        Ok(())
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use super::*;

    #[derive(Serialize)]
    enum Shape {
        Point,
        Circle(u8),
        Square { side: u8 },
    }

    #[derive(Serialize)]
    struct Wrapped<T>(T);

    #[derive(Serialize)]
    struct Two {
        b: u8,
        a: u8,
    }

    #[derive(Serialize)]
    struct Swapped {
        a: u8,
        b: u8,
    }

    fn is_same<A: Serialize, B: Serialize>(a: &A, b: &B) -> bool {
        bytes(a).unwrap() == bytes(b).unwrap()
    }

    #[test]
    fn the_order_of_a_map_does_not_matter() {
        let map: HashMap<(u32, u32), &str> = (0..64).map(|n| ((n, n), "x")).collect();
        let sorted: BTreeMap<_, _> = map.clone().into_iter().collect();
        assert!(is_same(&map, &sorted));
        assert!(is_same(&Two { b: 1, a: 2 }, &Swapped { a: 2, b: 1 }));
        assert!(!is_same(&Two { b: 1, a: 2 }, &Swapped { a: 1, b: 2 }));
    }

    #[test]
    fn the_order_of_a_list_matters_unless_it_is_asked_not_to() {
        assert!(!is_same(&[1, 2].to_vec(), &[2, 1].to_vec()));
        let sorted = |list: &[u8]| unordered(&list.to_vec()).unwrap();
        assert_eq!(sorted(&[1, 2, 2]), sorted(&[2, 1, 2]));
        assert_ne!(sorted(&[1, 2, 2]), sorted(&[1, 1, 2]));
        let tuple = |pair: (u8, u8)| unordered(&pair).unwrap();
        assert_ne!(tuple((1, 2)), tuple((2, 1)));
    }

    #[test]
    fn what_json_writes_alike_is_not_the_same() {
        assert!(!is_same(&u128::MAX, &(u128::MAX - 1)));
        assert!(!is_same(&i128::MIN, &(i128::MIN + 1)));
        assert!(!is_same(&Some(f64::NAN), &None::<f64>));
        assert!(!is_same(&Some(None::<u8>), &None::<Option<u8>>));
        assert!(!is_same(&0.0, &-0.0));
        assert!(is_same(&f64::NAN, &f64::NAN));
    }

    #[test]
    fn different_values_never_run_into_the_same_bytes() {
        assert!(!is_same(&("ab", "c"), &("a", "bc")));
        assert!(!is_same(&vec![vec![1], vec![]], &vec![vec![], vec![1]]));
        assert!(!is_same(&vec![vec![1, 2]], &vec![vec![1], vec![2]]));
        assert!(!is_same(&Shape::Point, &Shape::Circle(0)));
        assert!(!is_same(&Shape::Square { side: 1 }, &Shape::Circle(1)));
        assert!(!is_same(&(-1_i8), &1_i8));
    }

    #[test]
    fn the_width_of_an_integer_and_a_wrapper_do_not_matter() {
        assert!(is_same(&7_u8, &7_i128));
        assert!(is_same(
            &Wrapped("text"),
            &'t'.to_string().replace('t', "text")
        ));
    }
}
