use eventmodel::Stream;

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(log = "hotel")]
struct Booking {
    room: u32,
    date: u32,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
struct RoomService {
    room: u32,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream]
struct Kitchen {
    room: u32,
}

fn main() {}
