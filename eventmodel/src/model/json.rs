//! JSON from outside. It is refused where a reader would have to guess, and its values are read unchanged.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use serde_path_to_error::{Path, Segment};

use super::validation::Violation;

mod exact;
mod number;
mod scan;

use scan::{Fault, Finding};

/// JSON text, RFC 8259, that says one thing to every reader: its objects have no two members of the same name, its
/// strings are Unicode, its numbers are not larger than a 64-bit float can be, as I-JSON (RFC 7493) asks.
///
/// It keeps the text, so that a value is read exactly as it was sent: an integer up to `u128`, a `RawValue`, a decimal
/// type that reads text.
///
/// ```
/// use eventmodel::transport::{JsonError, JsonText};
///
/// let text = JsonText::read(br#"{"room": 340282366920938463463374607431768211455}"#).unwrap();
/// let rooms: std::collections::BTreeMap<String, u128> = text.deserialize().unwrap();
/// assert_eq!(rooms["room"], u128::MAX);
///
/// let doubled = JsonText::read(br#"{"room": 1, "r\u006fom": 2}"#).unwrap_err();
/// assert!(matches!(doubled, JsonError::Ambiguous(_)));
/// ```
#[derive(Clone, Debug)]
pub struct JsonText(Box<RawValue>);

impl JsonText {
    /// How deeply arrays and objects may be nested: as deeply as `serde_json` reads them.
    pub const MAX_DEPTH: usize = 127;

    /// Reads a text.
    ///
    /// # Errors
    /// [`JsonError`].
    pub fn read(text: &[u8]) -> Result<Self, JsonError> {
        let text: Box<RawValue> =
            serde_json::from_slice(text).map_err(|error| JsonError::NotJson(error.to_string()))?;
        scan::check(text.get())?;
        Ok(Self(text))
    }

    /// The text.
    pub fn get(&self) -> &str {
        self.0.get()
    }

    /// Reads a value from the text.
    ///
    /// A number goes to the type of its field as it was sent: one that is `f64` rounds it, one that is `u128` does not.
    /// Where the field has no type of its own (`serde_json::Value`, and whatever is below `#[serde(flatten)]`,
    /// `#[serde(untagged)]` or `#[serde(tag = "..")]`, which serde reads before it knows the type) a number that would
    /// be rounded is refused. What is read there is the same number, written as `serde_json` does: `1.10` as `1.1`.
    ///
    /// # Errors
    /// A violation with the path of what is missing, has the wrong type, or would be changed.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, Violation> {
        let mut json = serde_json::Deserializer::from_str(self.get());
        let rounded = exact::Rounded::default();
        serde_path_to_error::deserialize(exact::Exact::new(&mut json, &rounded))
            .map_err(|error| self.violation(error.path(), error.inner(), rounded.take()))
    }

    /// The members, if it is an object.
    pub(crate) fn members(&self) -> Option<BTreeMap<String, &RawValue>> {
        serde_json::from_str(self.get()).ok()
    }

    /// A part of such a text.
    pub(crate) fn part(part: &RawValue) -> Self {
        Self(part.to_owned())
    }

    fn violation(&self, path: &Path, error: &serde_json::Error, below: Vec<String>) -> Violation {
        let above = path.iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(key.clone()),
            Segment::Enum { variant } => Some(variant.clone()),
            Segment::Unknown => None,
        });
        let mut violation = Violation {
            path: above.chain(below).collect(),
            message: without_position(error),
        };
        // The path names a variant even if the text has no member for it: `"Variant"`.
        let text: Value = serde_json::from_str(self.get()).unwrap_or_default();
        while !violation.path.is_empty() && text.pointer(&violation.pointer()).is_none() {
            violation.path.pop();
        }
        violation
    }
}

/// Why a text is not taken as JSON. Correct the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// It is not JSON (RFC 8259): what the parser says, with line and column.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// It is nested too deeply, or has a number or a string that cannot be read.
    #[error("the body cannot be read: {0}")]
    Unreadable(Violation),
    /// Two readers may read two things: an object names a member twice, or a number would be changed.
    #[error("the body can be understood in several ways: {0}")]
    Ambiguous(Violation),
}

impl From<Finding> for JsonError {
    fn from(finding: Finding) -> Self {
        let violation = Violation {
            message: finding.detail(),
            path: finding.path,
        };
        match finding.fault {
            Fault::Doubled | Fault::Reserved | Fault::Changed { .. } => Self::Ambiguous(violation),
            Fault::TooDeep | Fault::TooLarge | Fault::NotUnicode(_) => Self::Unreadable(violation),
        }
    }
}

/// The message of an error without its position, which would refer to a part of the body only. A pointer says where it
/// is.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&position) {
        Some(text) => text.to_owned(),
        None => text,
    }
}

impl Finding {
    /// What is wrong.
    fn detail(&self) -> String {
        match &self.fault {
            Fault::Doubled => "it stands there more than once".to_owned(),
            Fault::Reserved => "a member cannot have this name".to_owned(),
            Fault::TooDeep => format!(
                "at most {} arrays and objects may be around a value",
                JsonText::MAX_DEPTH
            ),
            Fault::TooLarge => format!("a number may be at most {:e}", f64::MAX),
            Fault::NotUnicode(error) => error.clone(),
            Fault::Changed { sent, becomes } => format!(
                "`{sent}` would become `{becomes}` here: send it as a string, or with fewer digits"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
