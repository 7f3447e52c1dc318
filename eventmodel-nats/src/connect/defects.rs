//! Defects of nats-server that break a promise of this store, and the versions that have them.
//!
//! Each of them makes an append under several guards unsafe. A defect that breaks anything else needs more than a line
//! here: the store must protect what it breaks.

use std::sync::Arc;

use semver::Version;

use super::error::ConnectError;

/// A defect of nats-server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Defect {
    /// The number of its issue.
    pub(crate) number: &'static str,
    address: &'static str,
    breaks: &'static str,
    /// The first release without it; all later ones are free of it too.
    mended: Version,
    /// For each older minor version that got the mend: the first release without it.
    backports: &'static [Version],
}

static DEFECTS: [Defect; 1] = [Defect {
    number: "8376",
    address: "https://github.com/nats-io/nats-server/issues/8376",
    breaks: "it mixes up several guards of one append, so that a command may be stored although what it decided on has \
             changed",
    mended: Version::new(2, 14, 4),
    backports: &[Version::new(2, 12, 14)],
}];

impl Defect {
    /// Whether servers of this version have it. An unreadable version may have it.
    fn is_in(&self, version: &str) -> bool {
        let Ok(version) = Version::parse(version) else {
            return true;
        };
        let is_of_its_line =
            |mended: &&Version| (mended.major, mended.minor) == (version.major, version.minor);
        let backport = self.backports.iter().find(is_of_its_line);
        version < *backport.unwrap_or(&self.mended)
    }

    /// What it breaks, where to read of it, and what to do.
    pub(crate) fn advice(&self) -> String {
        let Self {
            number,
            address,
            breaks,
            mended,
            backports,
        } = self;
        let backports: Vec<String> = backports.iter().map(Version::to_string).collect();
        let backports = backports.join(", ");
        format!(
            "{breaks} ({address}); run nats-server {mended} or newer on every node (of older ones from {backports} on). \
             `NatsStore::builder().accept_defect(\"{number}\")` accepts that it happens"
        )
    }
}

/// The defects that the store looks for.
#[derive(Clone, Debug)]
pub(crate) struct Defects(Arc<[&'static Defect]>);

impl Defects {
    /// All but the accepted ones.
    pub(crate) fn except(accepted: &[String]) -> Result<Self, ConnectError> {
        let is_known = |number: &&String| DEFECTS.iter().any(|known| known.number == **number);
        if let Some(unknown) = accepted.iter().find(|number| !is_known(number)) {
            return Err(ConnectError::UnknownDefect {
                number: unknown.clone(),
                known: DEFECTS.iter().map(|known| known.number).collect(),
            });
        }
        let is_accepted = |defect: &&Defect| accepted.iter().any(|a| a == defect.number);
        let rest = DEFECTS.iter().filter(|defect| !is_accepted(defect));
        Ok(Self(rest.collect()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A defect that servers of this version have.
    pub(crate) fn of(&self, version: &str) -> Option<&'static Defect> {
        self.0.iter().copied().find(|defect| defect.is_in(version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_a_defect_until_it_was_mended_in_its_line() {
        let defects = Defects::except(&[]).unwrap();
        for version in [
            "2.12.1",
            "2.12.8",
            "2.12.13",
            "2.13.0",
            "2.14.0",
            "2.14.3",
            "2.14.4-RC.1",
            "of an unknown version",
        ] {
            let defect = defects.of(version).map(|defect| defect.number);
            assert_eq!(defect, Some("8376"), "{version}");
        }
        for version in ["2.12.14", "2.12.15", "2.14.4", "2.14.6", "2.15.0", "3.0.0"] {
            assert_eq!(defects.of(version), None, "{version}");
        }
    }

    #[test]
    fn what_is_accepted_is_not_looked_for() {
        let none = Defects::except(&["8376".into()]).unwrap();
        assert!(none.is_empty());
        assert_eq!(none.of("2.14.3"), None);
    }

    #[test]
    fn a_defect_that_is_not_known_cannot_be_accepted() {
        let error = Defects::except(&["8376".into(), "1".into()]).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ConnectError::UnknownDefect { number, .. } if number == "1"));
        assert!(text.contains("only 8376"), "{text}");
    }

    #[test]
    fn a_defect_says_what_it_breaks_where_to_read_of_it_and_what_to_do() {
        let advice = DEFECTS[0].advice();
        for part in [
            "mixes up several guards",
            "https://github.com/nats-io/nats-server/issues/8376",
            "run nats-server 2.14.4 or newer on every node (of older ones from 2.12.14 on)",
            "accept_defect(\"8376\")",
        ] {
            assert!(advice.contains(part), "{advice}");
        }
    }
}
