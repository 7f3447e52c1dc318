//! Why a command was refused by the domain.

use serde::Serialize;

use super::describe::TypeInfo;

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
