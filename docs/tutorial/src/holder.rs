//! A green post-it: what is known of one copy.

use eventmodel::projection;
use serde::{Deserialize, Serialize};

use crate::loan::{CopyBorrowed, CopyReturned, Loan};

/// Who has the copy.
#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Holder {
    pub member: Option<String>,
}

#[projection(key = Loan)]
impl Holder {
    fn borrowed(&mut self, event: &CopyBorrowed) {
        self.member = Some(event.member.clone());
    }

    fn returned(&mut self, _: &CopyReturned) {
        self.member = None;
    }
}
