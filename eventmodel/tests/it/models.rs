//! What is found wrong when a model starts.

use eventmodel::{
    Command, Decide, Decision, Event, EventModel, MemoryStore, ModelProblem, Slice, StartError,
    Stream, automation, emit, projection,
};
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

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "elsewhere.{student}", log = "elsewhere")]
struct Elsewhere {
    student: u32,
}

#[derive(Stream, Clone, Debug, PartialEq, Eq, Hash)]
#[stream(subject = "{any}.{student}")]
struct Greedy {
    any: String,
    student: u32,
}

/// One fact that a course and a student see.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(streams(Course, Student))]
struct Enrolled {
    course: u32,
    student: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Elsewhere)]
struct Noted {
    student: u32,
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Greedy, type = "Enrolled")]
struct Claimed {
    any: String,
    student: u32,
}

#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Seats {
    taken: u32,
}

#[projection(key = Course)]
impl Seats {
    fn enrolled(&mut self, _: &Enrolled) {
        self.taken += 1;
    }
}

#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Schedule {
    courses: Vec<u32>,
}

#[projection(key = Student)]
impl Schedule {
    fn enrolled(&mut self, event: &Enrolled) {
        self.courses.push(event.course);
    }
}

#[derive(eventmodel::Rejection, Serialize, Debug, PartialEq, thiserror::Error)]
enum Refused {
    #[error("the course is full")]
    Full,
    #[error("the student has enough")]
    Enough,
}

#[derive(Command, Serialize, Deserialize, Clone)]
#[command(state = (Seats, Schedule), emits(Enrolled), rejects = Refused)]
struct Enroll {
    course: u32,
    student: u32,
}

impl Decide for Enroll {
    fn decide(&self, (seats, schedule): &(Seats, Schedule)) -> Decision<Self> {
        if seats.taken >= 2 {
            return eventmodel::reject(Refused::Full);
        }
        if schedule.courses.len() >= 2 {
            return eventmodel::reject(Refused::Enough);
        }
        emit(Enrolled {
            course: self.course,
            student: self.student,
        })
    }
}

#[derive(Command, Serialize, Deserialize)]
#[command(state = Seats, emits(Noted))]
struct Straddle {
    course: u32,
    student: u32,
}

impl Decide for Straddle {
    fn decide(&self, _: &Seats) -> Decision<Self> {
        emit(Noted {
            student: self.student,
        })
    }
}

#[derive(Command, Serialize, Deserialize)]
#[command(emits(Claimed), name = "enroll")]
struct Claim {
    any: String,
    student: u32,
}

impl Decide for Claim {
    fn decide(&self, (): &()) -> Decision<Self> {
        emit(Claimed {
            any: self.any.clone(),
            student: self.student,
        })
    }
}

#[test]
fn a_log_knows_the_commands_that_can_append_under_several_guards() {
    let several = |slice: Slice| {
        let logs = EventModel::new("school").slice(slice).logs();
        logs.into_iter()
            .flat_map(|log| log.several_guards)
            .collect::<Vec<_>>()
    };
    let both = Slice::new("both").command::<Enroll>().command::<Claim>();
    assert_eq!(several(both), ["Enroll"]);
    // An event on another stream than the state.
    assert_eq!(
        several(Slice::new("one").command::<Straddle>()),
        ["Straddle"]
    );
    let bank = support::bank::bank().logs();
    assert_eq!(bank[0].several_guards, ["Transfer"]);
}

#[tokio::test]
async fn a_fact_of_two_streams_is_one_event_that_both_boundaries_see() {
    let model = EventModel::new("school").slice(
        Slice::new("Student enrolls")
            .command::<Enroll>()
            .view::<Seats>()
            .view::<Schedule>(),
    );
    let app = model.start(MemoryStore::new()).await.unwrap();
    let enroll = |course, student| app.execute(Enroll { course, student });
    let _ = enroll(1, 1).await.unwrap();
    let _ = enroll(1, 2).await.unwrap();
    assert!(matches!(
        enroll(1, 3).await,
        Err(eventmodel::ExecuteError::Rejected(Refused::Full))
    ));
    let _ = enroll(2, 1).await.unwrap();
    assert!(matches!(
        enroll(3, 1).await,
        Err(eventmodel::ExecuteError::Rejected(Refused::Enough))
    ));
    app.settled().await.unwrap();
    let seats = app
        .view::<Seats>()
        .get(&Course { course: 1 })
        .await
        .unwrap()
        .unwrap();
    let schedule = app
        .view::<Schedule>()
        .get(&Student { student: 1 })
        .await
        .unwrap()
        .unwrap();
    assert_eq!((seats.taken, schedule.courses), (2, vec![1, 2]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_boundary_over_two_streams_holds_when_many_write() {
    let store = MemoryStore::new();
    let mut tasks = tokio::task::JoinSet::new();
    for student in 0..8 {
        let model =
            EventModel::new("school").slice(Slice::new("Student enrolls").command::<Enroll>());
        let app = model.start(store.clone()).await.unwrap();
        tasks.spawn(async move {
            let mut enrolled = 0;
            for course in 0..20 {
                enrolled += u32::from(app.execute(Enroll { course, student }).await.is_ok());
            }
            enrolled
        });
    }
    let enrolled = tasks.join_all().await;
    assert!(enrolled.iter().all(|courses| *courses <= 2), "{enrolled:?}");
    assert_eq!(enrolled.iter().sum::<u32>(), 16);
}

#[derive(Default)]
struct Porter;

#[automation]
impl Porter {
    async fn enrolled(&self, _: &Enrolled) {}
}

mod night {
    use super::*;

    #[derive(Default)]
    pub(super) struct Porter;

    #[automation]
    impl Porter {
        async fn enrolled(&self, _: &Enrolled) {}
    }
}

#[tokio::test]
async fn every_problem_of_a_model_is_said_at_once() {
    let model = EventModel::new("my school")
        .slice(Slice::new("a").command::<Enroll>())
        .slice(Slice::new("b").command::<Straddle>())
        .slice(Slice::new("c").command::<Claim>())
        .slice(Slice::new("d").automation::<Porter>())
        .slice(Slice::new("e").automation::<night::Porter>());
    let error = model.start(MemoryStore::new()).await.unwrap_err();
    let StartError::Model(error) = error else {
        panic!("{error}")
    };
    let has = |is: fn(&ModelProblem) -> bool| error.problems.iter().any(is);
    assert!(has(
        |p| matches!(p, ModelProblem::LogName { name } if name == "my school")
    ));
    assert!(has(|p| matches!(
        p,
        ModelProblem::SeveralLogs {
            command: "Straddle",
            ..
        }
    )));
    assert!(has(|p| matches!(
        p,
        ModelProblem::OverlappingSubjects {
            first: "Course",
            second: "Greedy",
            ..
        }
    )));
    assert!(has(|p| matches!(
        p,
        ModelProblem::EventTypeTwice {
            event_type: "Enrolled",
            ..
        }
    )));
    assert!(has(
        |p| matches!(p, ModelProblem::AddressTwice { kind: "commands", address, .. } if address == "enroll")
    ));
    assert!(has(
        |p| matches!(p, ModelProblem::AddressTwice { kind: "automations", address, .. } if address == "porter")
    ));
    let text = error.to_string();
    assert!(text.lines().count() > error.problems.len(), "{text}");
}

#[test]
fn a_model_describes_itself() {
    let model = support::bank::bank();
    let commands: Vec<_> = model
        .commands()
        .iter()
        .map(|c| c.info().address())
        .collect();
    assert_eq!(commands[..3], ["open", "deposit", "withdraw"]);
    let enrolled = <Enrolled as Event>::INFO;
    assert_eq!(enrolled.ty.doc, "One fact that a course and a student see.");
    assert_eq!(enrolled.ty.fields[0].ty, "u32");
    assert_eq!(enrolled.streams.len(), 2);
    assert!(enrolled.ty.file.ends_with("models.rs") && enrolled.ty.line > 0);
    let enroll = <Enroll as Command>::INFO;
    assert_eq!(enroll.states.len(), 2);
    assert_eq!(enroll.rejects.variants[1].code, "enough");
}
