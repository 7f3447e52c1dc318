//! A blue post-it: a member brings a copy back.

use eventmodel::{Command, Decide, Decision, Rejection, emit, reject};
use serde::{Deserialize, Serialize};

use crate::holder::Holder;
use crate::loan::CopyReturned;

/// Brings a copy back.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Holder, emits(CopyReturned), rejects = NotTaken)]
pub struct ReturnCopy {
    pub copy: u32,
}

/// Why a copy is not taken back.
#[derive(Rejection, Serialize, Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotTaken {
    /// It is on the shelf.
    #[error("copy {copy} is not lent to anybody")]
    NotLent { copy: u32 },
}

impl Decide for ReturnCopy {
    fn decide(&self, holder: &Holder) -> Decision<Self> {
        match &holder.member {
            Some(member) => emit(CopyReturned {
                copy: self.copy,
                member: member.clone(),
            }),
            None => reject(NotTaken::NotLent { copy: self.copy }),
        }
    }
}
