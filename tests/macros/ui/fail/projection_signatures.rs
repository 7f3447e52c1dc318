use eventmodel::{Event, Metadata, Stream, projection};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "booking.{room}.{date}")]
struct Booking {
    room: u32,
    date: Date,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Booking)]
struct RoomBooked {
    room: u32,
    date: Date,
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct RoomDay;

#[projection(key = Booking)]
impl RoomDay {
    fn nothing(&mut self) {}
    fn by_value(&mut self, _event: RoomBooked) {}
    fn exclusive(&mut self, _event: &mut RoomBooked) {}
    fn three(&mut self, _event: &RoomBooked, _meta: &Metadata, _more: u32) {}
    async fn later(&mut self, _event: &RoomBooked) {}
    fn answers(&mut self, _event: &RoomBooked) -> bool {
        true
    }
    fn generic<E: Event>(&mut self, _event: &E) {}
    fn some(&mut self, _event: &impl Event) {}
    unsafe fn danger(&mut self, _event: &RoomBooked) {}
    #[key(room = 1)]
    fn helper(&self) {}
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct RoomNight;

#[projection(key = Booking)]
impl RoomNight {
    fn second(&mut self, _event: &RoomBooked, _room: u32) {}
}

fn main() {}
