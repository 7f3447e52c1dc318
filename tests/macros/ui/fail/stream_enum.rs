use eventmodel::Stream;

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "booking.{room}")]
enum Booking {
    Room(u32),
    Suite(u32),
}

fn main() {}
