use eventmodel::{Event, Stream};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "course.{course}")]
struct Course {
    course: u32,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "student.{student}")]
struct Student {
    student: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(streams(Course, Student), key(teacher = self.course))]
struct NoSuchField {
    course: u32,
    student: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(streams(Course, Student), key(0.student = self.course, 2.course = self.course))]
struct NoSuchStream {
    course: u32,
    student: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(streams(Course, Student), key(1.course = self.course))]
struct NotInThisStream {
    course: u32,
    student: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Course, key(course = self.name, course = 1, = 2))]
struct Twice {
    course: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Course, key(course = self.name))]
struct OtherType {
    name: String,
}

fn main() {}
