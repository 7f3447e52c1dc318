//! A blue post-it: a member asks for a copy.

use eventmodel::{Command, Decide, Decision, Rejection, emit, reject};
use serde::{Deserialize, Serialize};

use crate::holder::Holder;
use crate::loan::CopyBorrowed;

/// Takes a copy home.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Holder, emits(CopyBorrowed), rejects = NotLent)]
pub struct BorrowCopy {
    pub copy: u32,
    pub member: String,
}

/// Why a copy is not lent.
#[derive(Rejection, Serialize, Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotLent {
    /// Somebody has it.
    #[error("copy {copy} is lent to {to}")]
    AlreadyLent { copy: u32, to: String },
}

impl Decide for BorrowCopy {
    fn decide(&self, holder: &Holder) -> Decision<Self> {
        match &holder.member {
            Some(member) => reject(NotLent::AlreadyLent {
                copy: self.copy,
                to: member.clone(),
            }),
            None => emit(CopyBorrowed {
                copy: self.copy,
                member: self.member.clone(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use eventmodel::testing::spec;

    use super::*;
    use crate::loan::CopyReturned;

    fn borrow(member: &str) -> BorrowCopy {
        BorrowCopy {
            copy: 7,
            member: member.into(),
        }
    }

    fn borrowed(by: &str) -> CopyBorrowed {
        CopyBorrowed {
            copy: 7,
            member: by.into(),
        }
    }

    #[test]
    fn a_copy_on_the_shelf_is_lent() {
        spec::<BorrowCopy>()
            .when(borrow("Ada"))
            .emits(borrowed("Ada"));
    }

    #[test]
    fn a_copy_is_lent_to_one_member_at_a_time() {
        spec::<BorrowCopy>()
            .given(borrowed("Ada"))
            .when(borrow("Bob"))
            .rejects(NotLent::AlreadyLent {
                copy: 7,
                to: "Ada".into(),
            });
    }

    #[test]
    fn a_copy_that_came_back_is_lent_again() {
        let returned = CopyReturned {
            copy: 7,
            member: "Ada".into(),
        };
        spec::<BorrowCopy>()
            .given((borrowed("Ada"), returned))
            .when(borrow("Bob"))
            .emits(borrowed("Bob"));
    }
}
