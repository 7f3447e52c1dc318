//! What is wrong with the set-up of an existing stream or consumer, and the command that mends it.

use std::sync::Arc;

use eventmodel::StoreError;

/// A setting: what it is, and what it must be.
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) fits: bool,
    pub(crate) actual: String,
    pub(crate) needed: String,
    /// The flag of the `nats` program that changes it; `None` if nothing can.
    pub(crate) flag: Option<String>,
}

/// A table of settings, a row each: `name, fits, actual => needed, flag;`, without the flag for one that cannot change.
macro_rules! settings {
    ($($name:literal, $fits:expr, $actual:expr => $needed:expr $(, $flag:expr)?;)*) => {
        vec![$($crate::connect::drift::Setting {
            name: $name,
            fits: $fits,
            actual: $actual.to_string(),
            needed: $needed.to_string(),
            flag: $crate::connect::drift::settings!(@flag $($flag)?),
        }),*]
    };
    (@flag) => { None };
    (@flag $flag:expr) => { Some($flag.to_string()) };
}
pub(crate) use settings;

/// The settings of a stream or a consumer, and how each is mended.
pub(crate) struct Drift {
    /// What has the settings, if it is not the stream that the error names: `` of the consumer `x` ``.
    pub(crate) of: String,
    pub(crate) settings: Vec<Setting>,
    /// The command that changes a setting, up to the flag.
    pub(crate) edit: String,
    /// What to do about a setting that cannot change.
    pub(crate) renew: String,
}

impl Drift {
    /// Names the first setting that does not fit. One that cannot change goes first: whoever has to renew the whole
    /// need not mend the rest.
    ///
    /// # Errors
    /// [`StoreError::Drift`]: which setting, what it is, what it must be, what to do.
    pub(crate) fn check(self, log: impl Into<Arc<str>>) -> Result<(), StoreError> {
        let wrong = self.settings.into_iter().filter(|setting| !setting.fits);
        let Some(wrong) = wrong.min_by_key(|setting| setting.flag.is_some()) else {
            return Ok(());
        };
        let (of, edit) = (self.of, self.edit);
        let mend = wrong
            .flag
            .map_or(self.renew, |flag| format!("run `{edit} {flag}`"));
        let (name, actual, needed) = (wrong.name, wrong.actual, wrong.needed);
        let reason = format!("`{name}`{of} is {actual} and must be {needed}; {mend}");
        Err(drifted(log, reason))
    }
}

pub(crate) fn drifted(log: impl Into<Arc<str>>, reason: impl Into<String>) -> StoreError {
    StoreError::Drift {
        log: log.into(),
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(settings: Vec<Setting>) -> Option<String> {
        let drift = Drift {
            of: " of it".into(),
            settings,
            edit: "nats stream edit hotel".into(),
            renew: "make it anew".into(),
        };
        drift.check("hotel").err().map(|error| error.to_string())
    }

    #[test]
    fn the_first_setting_that_does_not_fit_is_named_and_one_that_cannot_change_before_others() {
        let settings = settings! {
            "fits", true, 1 => 1;
            "changes", false, 1 => "2: enough", "--changes 2";
        };
        let text = found(settings).unwrap();
        let mend =
            "`changes` of it is 1 and must be 2: enough; run `nats stream edit hotel --changes 2`";
        assert!(text.contains(mend), "{text}");
        let settings = settings! {
            "changes", false, 1 => 2, "--changes 2";
            "stays", false, true => false;
            "stays_too", false, true => false;
        };
        let text = found(settings).unwrap();
        let mend = "`stays` of it is true and must be false; make it anew";
        assert!(text.contains(mend), "{text}");
        assert_eq!(found(settings! { "fits", true, 1 => 1; }), None);
    }
}
