use eventmodel::projection;
use serde::{Deserialize, Serialize};

#[projection]
#[derive(Default, Clone, Serialize, Deserialize)]
struct RoomDay;

#[projection]
impl Clone for Other {
    fn clone(&self) -> Self {
        Self
    }
}

struct Other;

#[projection]
impl RoomDay {
    fn helper(&self) {}
}

fn main() {}
