//! What the macros say about what they do not accept.
//!
//! The wording of the compiler is a part of each expected message, so the cases run on the one compiler that they were
//! written with. After a change: `TRYBUILD=overwrite cargo test -p eventmodel-macro-tests`, and read the
//! difference.

/// The compiler that `ui/fail/*.stderr` are from.
const COMPILER: &str = "1.95";

#[test]
fn what_is_wrong_is_said_at_the_token_that_is_wrong() {
    match compiler() {
        Some(version) if version == COMPILER => {
            trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
        }
        other => eprintln!(
            "SKIPPED: the expected messages are those of rustc {COMPILER}, and this is {}",
            other.as_deref().unwrap_or("unknown")
        ),
    }
}

/// `1.95` of `rustc 1.95.0 (..)`; nothing for a nightly, whose messages differ.
fn compiler() -> Option<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = std::process::Command::new(rustc)
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.split_whitespace().nth(1)?;
    let (minor, patch) = version.rsplit_once('.')?;
    patch
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| minor.to_owned())
}
