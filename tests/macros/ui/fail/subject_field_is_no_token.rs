use eventmodel::Stream;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct RoomId(u32);

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "booking.{room}")]
struct Booking {
    room: RoomId,
}

fn main() {}
