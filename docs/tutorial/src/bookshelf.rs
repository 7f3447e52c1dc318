//! A green post-it that people look at: what a member has at home.

use std::collections::BTreeSet;

use eventmodel::projection;
use serde::{Deserialize, Serialize};

use crate::loan::{CopyBorrowed, CopyReturned};

#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Bookshelf {
    pub copies: BTreeSet<u32>,
}

/// The copies that a member has at home.
#[projection(key(member: String))]
impl Bookshelf {
    fn borrowed(&mut self, event: &CopyBorrowed) {
        self.copies.insert(event.copy);
    }

    fn returned(&mut self, event: &CopyReturned) {
        self.copies.remove(&event.copy);
    }
}
