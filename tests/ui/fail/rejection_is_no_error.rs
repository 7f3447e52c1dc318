use eventmodel::Rejection;
use serde::Serialize;

#[derive(Rejection, Serialize, Debug)]
enum Refused {
    AlreadyBooked,
}

fn main() {}
