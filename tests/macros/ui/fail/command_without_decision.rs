//! Forgotten: the derive, `Decide`, the rejection's derive.

use eventmodel::{Command, Decide, Decision, EventModel, Slice, emit};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct NoDerive;

impl Decide for NoDerive {
    fn decide(&self, (): &()) -> Decision<Self> {
        emit(())
    }
}

#[derive(Command, Serialize, Deserialize)]
struct NoDecision {}

#[derive(Debug, Serialize)]
enum Refused {}

#[derive(Command, Serialize, Deserialize)]
#[command(rejects = Refused)]
struct NoRejection {}

fn main() {
    let _ = EventModel::new("hotel").slice(Slice::new("It is decided").command::<NoDecision>());
}
