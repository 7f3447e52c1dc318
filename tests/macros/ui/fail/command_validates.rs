use eventmodel::Command;
use serde::{Deserialize, Serialize};

#[derive(Command, Serialize, Deserialize)]
#[command(garde)]
struct NoFeature {
    room: u32,
}

#[derive(Command, Serialize, Deserialize)]
#[command(validate = Self::check)]
struct WrongError {
    room: u32,
}

impl WrongError {
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
