use eventmodel::Stream;

#[derive(Stream, Clone, Copy)]
#[stream(subject = "booking")]
union Booking {
    room: u32,
    date: f32,
}

fn main() {}
