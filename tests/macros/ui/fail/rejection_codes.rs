use eventmodel::Rejection;
use serde::Serialize;

#[derive(Rejection, Serialize, Debug, thiserror::Error)]
#[error("refused")]
enum Refused {
    AlreadyBooked,
    #[rejection(code = "already-booked")]
    BookedAlready,
    #[rejection(code = "Too Late")]
    Late,
    #[rejection(kode = "early")]
    Early,
    #[rejection(code = 7)]
    Seven,
}

fn main() {}
