use eventmodel::SubjectToken;

#[derive(SubjectToken)]
enum Floor {
    Ground,
    First,
}

#[derive(SubjectToken)]
struct Room {
    floor: u32,
    number: u32,
}

#[derive(SubjectToken)]
struct Pair(u32, u32);

#[derive(SubjectToken)]
struct Unit;

#[derive(SubjectToken)]
struct Price(f64);

fn main() {}
