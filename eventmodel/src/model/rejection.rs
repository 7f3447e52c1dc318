//! Why a command was refused by the domain.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::describe::TypeInfo;
use crate::trouble::panics;

/// Why a command was refused by the domain: one variant per rule.
///
/// ```
/// use eventmodel::Rejection;
/// use serde::Serialize;
///
/// #[derive(Rejection, Serialize, Clone, Debug, PartialEq, thiserror::Error)]
/// enum BookingRejection {
///     #[error("room {room} is booked already")]
///     AlreadyBooked { room: u32 },
/// }
///
/// assert_eq!(BookingRejection::AlreadyBooked { room: 1 }.code(), "already-booked");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a rejection",
    label = "not a rejection",
    note = "write `#[derive(Rejection, Serialize, Debug, thiserror::Error)]` on the enum"
)]
pub trait Rejection: std::error::Error + Serialize + Send + Sync + 'static {
    /// What the board knows of it.
    const INFO: &'static RejectionInfo;

    /// The stable name of this variant: `already-booked`. The problem type of an HTTP answer ends with it.
    fn code(&self) -> &'static str;
}

/// The rejection of a command that the domain never refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub enum NoRejection {}

impl Rejection for NoRejection {
    const INFO: &'static RejectionInfo = &RejectionInfo {
        ty: TypeInfo::__new("NoRejection", module_path!(), "", &[], file!(), line!()),
        variants: &[],
    };

    fn code(&self) -> &'static str {
        match *self {}
    }
}

/// A rejection with its type erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RejectionReport {
    /// The code of the variant: `already-booked`.
    pub code: String,
    /// The text for the user.
    pub message: String,
    /// The rejection as JSON.
    pub details: serde_json::Value,
}

impl fmt::Display for RejectionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl<R: Rejection> From<&R> for RejectionReport {
    fn from(rejection: &R) -> Self {
        Self {
            code: rejection.code().to_owned(),
            message: text_of(rejection),
            // If the details cannot be written as JSON, the code and the message must suffice.
            details: serde_json::to_value(rejection).unwrap_or_default(),
        }
    }
}

/// The text of a rejection. The user's code writes it.
pub(super) fn text_of<R: Rejection>(rejection: &R) -> String {
    panics::caught(|| rejection.to_string())
        .unwrap_or_else(|message| format!("the text of the rejection panicked: {message}"))
}

/// What is known of the rejections of a command at run time.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RejectionInfo {
    /// Name, documentation, source.
    pub ty: TypeInfo,
    /// The variants; the name of each is its code.
    pub variants: &'static [VariantInfo],
}

impl RejectionInfo {
    #[doc(hidden)]
    pub const fn __new(ty: TypeInfo, variants: &'static [VariantInfo]) -> Self {
        Self { ty, variants }
    }
}

/// One reason to refuse.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct VariantInfo {
    /// The name of the variant: `AlreadyBooked`.
    pub name: &'static str,
    /// Its code: `already-booked`.
    pub code: &'static str,
    /// Its doc comment.
    pub doc: &'static str,
}

impl VariantInfo {
    #[doc(hidden)]
    pub const fn __new(name: &'static str, code: &'static str, doc: &'static str) -> Self {
        Self { name, code, doc }
    }
}
