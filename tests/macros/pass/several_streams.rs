//! One fact, two boundaries; overrides for all of them, or for one; paths in templates.

#![deny(warnings)]

use eventmodel::model::BelongsTo;
use eventmodel::{Command, Event, Projection, Stream, Unguarded, projection};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
struct CourseRef {
    id: String,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "course.{course.id}")]
struct CourseStream {
    course: CourseRef,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "student.{student}.{year}")]
struct StudentStream {
    student: u32,
    year: i16,
}

/// A name that is not that of the method it is called by.
#[derive(Serialize, Deserialize, Clone, Debug)]
struct Enrolment {
    course: CourseRef,
    student: u32,
}

impl Enrolment {
    fn course(&self) -> CourseRef {
        self.course.clone()
    }
}

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(
    streams(CourseStream, StudentStream),
    key(course = self.enrolment.course(), student = self.enrolment.student, 1.year = 2022),
)]
struct Enrolled {
    enrolment: Enrolment,
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct Course {
    students: Vec<u32>,
}

#[projection(key = CourseStream)]
impl Course {
    fn enrolled(&mut self, event: &Enrolled) {
        self.students.push(event.enrolment.student);
    }
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct Student;

#[projection(key = StudentStream)]
impl Student {
    fn enrolled(&mut self, _: &Enrolled) {}
}

/// Moves a student.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(
    state = (Course, Unguarded<Course>, Student),
    emits(Enrolled),
    key(1.course = self.to, 0.course = self.from.clone(), year = 2022),
)]
struct Move {
    from: CourseRef,
    to: CourseRef,
    student: u32,
}

/// A view that is keyed by a stream, of an event that says which instance it is for.
#[derive(Default, Clone, Serialize, Deserialize)]
struct NextYear;

#[projection(key = StudentStream)]
impl NextYear {
    #[key(student = event.enrolment.student, year = 2023)]
    fn enrolled(&mut self, _: &Enrolled) {}
}

#[test]
fn it_is_accepted_and_works() {
    let course = CourseRef { id: "a.b".into() };
    let event = Enrolled {
        enrolment: Enrolment {
            course: course.clone(),
            student: 7,
        },
    };
    let subjects: Vec<String> = event
        .subjects()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(subjects, ["course.a%2Eb", "student.7.2022"]);
    let key: CourseStream = event.stream_key();
    assert_eq!(
        CourseStream::from_subject(&key.subject().unwrap()).unwrap(),
        key
    );
    assert_eq!(Enrolled::INFO.streams.len(), 2);

    let to = CourseRef { id: "c".into() };
    let (from, to, student) = Move {
        from: course,
        to,
        student: 7,
    }
    .keys();
    assert_eq!(from.course.id, "a.b");
    assert_eq!(to.course.id, "c");
    assert_eq!((student.student, student.year), (7, 2022));
    assert_eq!(NextYear::INFO.handlers.len(), 1);
}
