use eventmodel::Stream;

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "room booking.{room}")]
struct Booking {
    room: u32,
}

fn main() {}
