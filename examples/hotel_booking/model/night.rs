//! A night is named by the date on which it begins.

use eventmodel::Violations;
use jiff::civil::{Date, date};

/// The first night that the hotel keeps books for.
pub const FIRST: Date = date(2000, 1, 1);

/// The last one.
pub const LAST: Date = date(2099, 12, 31);

/// Whether the hotel keeps books for this night. A date beyond is a slip of the pen, not a plan.
pub fn is_in_the_books(night: Date) -> bool {
    (FIRST..=LAST).contains(&night)
}

pub(crate) fn check(valid: bool, violations: &mut Violations) {
    let message = format!("the books are open from {FIRST} to {LAST}");
    violations.check(valid, "date", message);
}
