//! Forgotten derives: of the event, of the projection, of the state itself.

use eventmodel::{EventModel, Slice, projection};
use serde::{Deserialize, Serialize};

struct RoomBooked;

#[derive(Default, Clone, Serialize, Deserialize)]
struct RoomDay;

#[projection]
impl RoomDay {
    fn booked(&mut self, _: &RoomBooked) {}
}

struct NotAView;

fn main() {
    let _ = EventModel::new("hotel").slice(Slice::new("It is seen").view::<NotAView>());
}
