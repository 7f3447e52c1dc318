//! Whether a number as it is written is the one that `serde_json::Number` holds.

use serde_json::Number;

/// What a number becomes in a [`Number`], if that is not the same.
pub(super) fn change_of(text: &str) -> Option<String> {
    if is_short(text) {
        return None;
    }
    let becomes = text.parse::<Number>().ok()?.to_string();
    // With the feature `arbitrary_precision` it is the text itself.
    let same = becomes == text || Decimal::of(&becomes) == Decimal::of(text);
    (!same).then_some(becomes)
}

/// Whether a number is beyond what a 64-bit float can be.
pub(super) fn is_too_large(text: &str) -> bool {
    !is_short(text) && text.parse::<Number>().is_err()
}

/// Whether it has so few digits that they are the same after a way through a 64-bit float or integer (`f64::DIGITS` is
/// 15), and is far from the largest one.
fn is_short(text: &str) -> bool {
    text.len() <= 16 && !text.contains(['e', 'E'])
}

/// A number: its digits, without zeros at both ends, times a power of ten.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    /// `None` if it is too large to be counted.
    exponent: Option<i64>,
}

impl Decimal {
    fn of(text: &str) -> Self {
        let (text, negative) = match text.strip_prefix('-') {
            Some(text) => (text, true),
            None => (text, false),
        };
        let (text, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_end_matches('0');
        let cut = digits.len() - significant.len();
        let digits = significant.trim_start_matches('0').to_owned();
        if digits.is_empty() {
            return Self {
                negative: false,
                digits,
                exponent: Some(0),
            };
        }
        let shift = i64::try_from(cut).and_then(|cut| Ok(cut - i64::try_from(fraction.len())?));
        let exponent = exponent.parse::<i64>().ok();
        Self {
            negative,
            digits,
            exponent: exponent
                .zip(shift.ok())
                .and_then(|(exponent, shift)| exponent.checked_add(shift)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stays_the_same_or_it_is_said_what_it_becomes() {
        for same in [
            "0",
            "-0",
            "-0.0",
            "0e999999999999999999999",
            "1.10",
            "1E2",
            "1e+2",
            "18446744073709551615",
            "-9223372036854775808",
            "10000000000000000000000",
            "0.30000000000000004",
            "1.7976931348623157e308",
            "5e-324",
            "123456789012345.00000",
            "0.000000000000000000000012",
        ] {
            assert_eq!(change_of(same), None, "{same}");
        }
        for (text, becomes) in [
            ("18446744073709551616", "1.8446744073709552e+19"),
            ("-9223372036854775809", "-9.223372036854776e+18"),
            ("12345678901234567890123", "1.2345678901234568e+22"),
            ("0.1000000000000000055", "0.1"),
            ("1e-400", "0.0"),
            ("9007199254740993.0", "9007199254740992.0"),
        ] {
            assert_eq!(change_of(text).as_deref(), Some(becomes), "{text}");
        }
        for text in ["1e309", "-1e309", "1e999999999999999999999"] {
            assert!(is_too_large(text), "{text}");
        }
    }

    #[test]
    fn few_digits_always_stay_the_same() {
        let mut random = 1u64;
        for _ in 0..20_000 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let digits = format!("{:015}", (random >> 13) % 1_000_000_000_000_000);
            let point = 1 + usize::from((random >> 60) as u8) % 14;
            let (whole, fraction) = digits.split_at(point);
            let whole = match whole.trim_start_matches('0') {
                "" => "0",
                whole => whole,
            };
            let text = format!("{whole}.{fraction}");
            let number: Number = text.parse().unwrap();
            assert_eq!(
                Decimal::of(&number.to_string()),
                Decimal::of(&text),
                "{text}"
            );
        }
    }
}
