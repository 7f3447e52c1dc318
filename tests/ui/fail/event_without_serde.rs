use eventmodel::{Event, Stream};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "booking.{room}")]
struct Booking {
    room: u32,
}

#[derive(Event)]
#[event(stream = Booking)]
struct RoomBooked {
    room: u32,
}

fn main() {}
