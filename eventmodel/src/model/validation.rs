//! What is wrong with a command regardless of any state.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One field of a command that is not acceptable in any state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The path of the field, its parts from the outermost: `["client", "email"]`. Empty for the command itself.
    pub path: Vec<String>,
    /// What is wrong, for the user.
    pub message: String,
}

impl Violation {
    /// The path as a JSON Pointer, RFC 6901: `/client/email`.
    pub fn pointer(&self) -> String {
        json_pointer(&self.path)
    }
}

/// A path as a JSON Pointer, RFC 6901.
pub(crate) fn json_pointer(path: &[impl AsRef<str>]) -> String {
    path.iter().fold(String::new(), |pointer, part| {
        pointer + "/" + &part.as_ref().replace('~', "~0").replace('/', "~1")
    })
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path.join("."), self.message)
        }
    }
}

/// Everything that is wrong with a command, in one list.
///
/// ```
/// use eventmodel::Violations;
///
/// let (name, age) = ("", 200);
/// let mut violations = Violations::new();
/// violations.check(!name.is_empty(), "name", "must not be empty");
/// violations.check(age < 150, "age", "must be below 150");
/// assert_eq!(violations.into_result().unwrap_err().len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// No violations.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a violation of the field at `path`, with dots between its parts, unless the field is `valid`.
    pub fn check(&mut self, valid: bool, path: &str, message: impl Into<String>) -> &mut Self {
        if !valid {
            let path = path
                .split('.')
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect();
            self.0.push(Violation {
                path,
                message: message.into(),
            });
        }
        self
    }

    /// Adds a violation.
    pub fn push(&mut self, violation: Violation) {
        self.0.push(violation);
    }

    /// `Ok` if there is no violation.
    ///
    /// # Errors
    /// The violations, if there are any.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }

    /// The violations, in the order they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Violation> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, violation) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            violation.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}

impl<'a> IntoIterator for &'a Violations {
    type Item = &'a Violation;
    type IntoIter = std::slice::Iter<'a, Violation>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// The result of the user's function. For `#[command(validate = ..)]`.
#[doc(hidden)]
pub fn valid<E: Into<Violations>>(result: Result<(), E>) -> Result<(), Violations> {
    result.map_err(Into::into)
}

/// Joins two results, with all violations of both. For a command that has `garde` and `validate = ..`.
#[doc(hidden)]
pub fn both_valid(
    first: Result<(), Violations>,
    second: Result<(), Violations>,
) -> Result<(), Violations> {
    let mut all = first.err().unwrap_or_default();
    all.0.extend(second.err().unwrap_or_default().0);
    all.into_result()
}

/// The violations that `garde` finds, with fields under their names in JSON, because the sender knows no others. For
/// `#[command(garde)]`.
#[doc(hidden)]
#[cfg(feature = "garde")]
pub fn garde_validate<C>(command: &C) -> Result<(), Violations>
where
    C: super::command::Command + garde::Validate<Context: Default>,
{
    garde::Validate::validate(command).map_err(|report| {
        let mut violations = Violations::from(report);
        for first in violations
            .0
            .iter_mut()
            .filter_map(|one| one.path.first_mut())
        {
            if let Some(field) = C::INFO.ty.fields.iter().find(|field| field.name == *first) {
                field.json.clone_into(first);
            }
        }
        violations
    })
}

/// Reports that `#[command(garde)]` needs a feature.
#[doc(hidden)]
#[cfg(not(feature = "garde"))]
pub fn garde_validate<C>(_: &C) -> Result<(), Violations>
where
    C: NeedsFeatureGarde,
{
    Ok(())
}

#[doc(hidden)]
#[cfg(not(feature = "garde"))]
#[diagnostic::on_unimplemented(
    message = "`#[command(garde)]` needs the feature `garde` of `eventmodel`",
    label = "the feature `garde` is off",
    note = "in Cargo.toml: `eventmodel = {{ version = \"..\", features = [\"garde\"] }}`"
)]
pub trait NeedsFeatureGarde {}

#[cfg(feature = "garde")]
impl From<garde::Report> for Violations {
    fn from(report: garde::Report) -> Self {
        // A path of garde prints as `users[0].name`; its parts are not public.
        let parts = |path: &garde::Path| {
            path.to_string()
                .split(['.', '[', ']'])
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()
        };
        Self(
            report
                .iter()
                .map(|(path, error)| Violation {
                    path: parts(path),
                    message: error.to_string(),
                })
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_json_pointer() {
        let violation = Violation {
            path: vec!["a/b".into(), "~c".into()],
            message: String::new(),
        };
        assert_eq!(violation.pointer(), "/a~1b/~0c");
    }
}
