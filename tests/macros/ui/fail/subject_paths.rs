use eventmodel::Stream;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Room {
    id: u32,
    floor: u32,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "a.{room.id}")]
struct Incomplete {
    room: Room,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "b.{room.id.value}")]
struct TooDeep {
    room: Room,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "c.{room}.{room.id}")]
struct WholeAndPart {
    room: Room,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "d.{pair.id}")]
struct NoStruct {
    pair: (u32, u32),
}

fn main() {}
