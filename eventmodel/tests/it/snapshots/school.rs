//! A small model whose states are kept as snapshots: courses with few seats, and the students in them.

use std::collections::BTreeSet;

use eventmodel::{
    Command, Decide, Decision, Event, EventModel, Rejection, Slice, Stream, emit, projection,
    reject,
};
use serde::{Deserialize, Serialize};

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "course.{course}")]
pub(crate) struct Course {
    pub(crate) course: u32,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "student.{student}")]
pub(crate) struct Student {
    pub(crate) student: u32,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(stream = Course)]
pub(crate) struct Announced {
    pub(crate) course: u32,
    pub(crate) news: String,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(streams(Course, Student))]
pub(crate) struct Enrolled {
    pub(crate) course: u32,
    pub(crate) student: u32,
    pub(crate) weight: f64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(streams(Course, Student))]
pub(crate) struct Left {
    pub(crate) course: u32,
    pub(crate) student: u32,
}

/// Who is in a course.
#[derive(Default, Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Seats {
    taken: BTreeSet<u32>,
    weight: f64,
}

#[projection(key = Course, snapshot)]
impl Seats {
    fn enrolled(&mut self, event: &Enrolled) {
        self.taken.insert(event.student);
        self.weight += event.weight;
    }

    fn left(&mut self, event: &Left) {
        self.taken.remove(&event.student);
    }
}

/// How much is going on in a course: a second state of the same stream.
#[derive(Default, Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Traffic {
    events: u32,
    last: String,
}

#[projection(key = Course, snapshot)]
impl Traffic {
    fn announced(&mut self, event: &Announced) {
        self.events += 1;
        self.last.clone_from(&event.news);
    }

    fn enrolled(&mut self, _: &Enrolled) {
        self.events += 1;
    }

    fn left(&mut self, _: &Left) {
        self.events += 1;
    }
}

/// Which courses a student is in.
#[derive(Default, Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Timetable {
    courses: BTreeSet<u32>,
}

#[projection(key = Student, snapshot)]
impl Timetable {
    fn enrolled(&mut self, event: &Enrolled) {
        self.courses.insert(event.course);
    }

    fn left(&mut self, event: &Left) {
        self.courses.remove(&event.course);
    }
}

/// How often a student moved. It does not say that it may be kept.
#[derive(Default, Serialize, Deserialize, Clone, Debug)]
pub(crate) struct Moves {
    number: u32,
}

#[projection(key = Student)]
impl Moves {
    fn left(&mut self, _: &Left) {
        self.number += 1;
    }
}

#[derive(Rejection, Serialize, Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum No {
    #[error("{taken} seats are taken, which weigh {weight}")]
    Full { taken: usize, weight: f64 },
    #[error("it is in {courses:?}")]
    Busy { courses: BTreeSet<u32> },
    #[error("{events} events, the last news are {last}")]
    Noisy { events: u32, last: String },
    #[error("it moved {number} times")]
    Restless { number: u32 },
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = Traffic, emits(Announced), rejects = No)]
pub(crate) struct Announce {
    pub(crate) course: u32,
    pub(crate) news: String,
}

impl Decide for Announce {
    fn decide(&self, traffic: &Traffic) -> Decision<Self> {
        if traffic.events % 7 == 6 || traffic.last == self.news {
            let (events, last) = (traffic.events, traffic.last.clone());
            return reject(No::Noisy { events, last });
        }
        emit(Announced {
            course: self.course,
            news: self.news.clone(),
        })
    }
}

#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(state = (Seats, Timetable, Traffic), emits(Enrolled), rejects = No)]
pub(crate) struct Enroll {
    pub(crate) course: u32,
    pub(crate) student: u32,
}

impl Decide for Enroll {
    fn decide(&self, (seats, table, traffic): &(Seats, Timetable, Traffic)) -> Decision<Self> {
        let taken = seats.taken.len();
        if taken >= 3 {
            let weight = seats.weight;
            return reject(No::Full { taken, weight });
        }
        if table.courses.len() >= 2 || table.courses.contains(&self.course) {
            let courses = table.courses.clone();
            return reject(No::Busy { courses });
        }
        emit(Enrolled {
            course: self.course,
            student: self.student,
            weight: (seats.weight + f64::from(traffic.events) + 0.1) / 3.0,
        })
    }
}

/// Two courses and a student, two events of two streams each.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[command(
    state = (Seats, Seats, Timetable, Moves),
    key(0.course = self.from, 1.course = self.to),
    emits(Left, Enrolled),
    rejects = No
)]
pub(crate) struct Move {
    pub(crate) student: u32,
    pub(crate) from: u32,
    pub(crate) to: u32,
}

impl Decide for Move {
    fn decide(
        &self,
        (from, to, table, moves): &(Seats, Seats, Timetable, Moves),
    ) -> Decision<Self> {
        if moves.number >= 4 {
            let number = moves.number;
            return reject(No::Restless { number });
        }
        if !from.taken.contains(&self.student) || !table.courses.contains(&self.from) {
            let courses = table.courses.clone();
            return reject(No::Busy { courses });
        }
        let (taken, weight) = (to.taken.len(), to.weight);
        if taken >= 3 {
            return reject(No::Full { taken, weight });
        }
        let student = self.student;
        emit((
            Left {
                course: self.from,
                student,
            },
            Enrolled {
                course: self.to,
                student,
                weight,
            },
        ))
    }
}

pub(crate) fn school() -> EventModel {
    EventModel::new("school").slice(
        Slice::new("School runs")
            .command::<Announce>()
            .command::<Enroll>()
            .command::<Move>(),
    )
}
