//! A row of the board: events with a typed key.

use super::describe::TypeInfo;
use super::fields::FromFields;
use super::key::Key;
use crate::record::{Subject, SubjectError, SubjectTemplate};

/// A row of events with a typed key; one key is one *stream instance*, and one literal subject.
///
/// Derive it for the key:
///
/// ```
/// use eventmodel::Stream;
///
/// #[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
/// #[stream(log = "hotel", subject = "booking.{room}.{date}")]
/// struct Booking { room: u32, date: jiff::civil::Date }
///
/// let booking = Booking { room: 1, date: jiff::civil::date(2022, 12, 12) };
/// let subject = booking.subject().unwrap();
/// assert_eq!(subject.as_str(), "booking.1.2022-12-12");
/// assert_eq!(Booking::from_subject(&subject).unwrap(), booking);
/// ```
///
/// Without `log` the stream is in the log that has the name of its event model.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a stream",
    label = "not a stream",
    note = "write `#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]` and `#[stream(subject = \"..\")]` on the struct of its key"
)]
pub trait Stream: Key + FromFields {
    /// What the board knows of it.
    const INFO: &'static StreamInfo;

    /// The subject of this instance.
    ///
    /// # Errors
    /// [`SubjectError::TooLong`] if the key is too long for a subject.
    fn subject(&self) -> Result<Subject, SubjectError>;

    /// The key of the instance that has this subject.
    ///
    /// # Errors
    /// [`SubjectError`] if it is not a subject of this stream.
    fn from_subject(subject: &Subject) -> Result<Self, SubjectError>;
}

/// A key that names a whole stream instance. What a decision reads must be keyed by one, because it is guarded.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a decision cannot be guarded on `{Self}`, which is not the whole key of a stream",
    label = "keyed by less than a stream instance",
    note = "the state of a command is loaded from one literal subject and guarded there: key its projection by a stream, `#[projection(key = Booking)]`",
    note = "a projection that is keyed by anything else can be a view: `Slice::view::<..>()`"
)]
pub trait WholeStreamKey: Stream {}

#[diagnostic::do_not_recommend]
impl<S: Stream> WholeStreamKey for S {}

/// What is known of a stream at run time.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StreamInfo {
    /// Name, documentation, fields of the key, source.
    pub ty: TypeInfo,
    /// The log; `None` means the log of the event model.
    pub log: Option<&'static str>,
    /// The template of its subjects.
    pub template: SubjectTemplate,
}

impl StreamInfo {
    #[doc(hidden)]
    pub const fn __new(ty: TypeInfo, log: Option<&'static str>, template: &'static str) -> Self {
        Self {
            ty,
            log,
            template: SubjectTemplate::__new(template),
        }
    }

    /// Whether the key has a field of this name. A stream whose derive failed counts as having every field, so that the
    /// error of the derive is the only one.
    #[doc(hidden)]
    pub const fn __has_field(&self, name: &str) -> bool {
        self.template.as_str().is_empty() || self.ty.__has_field(name)
    }
}
