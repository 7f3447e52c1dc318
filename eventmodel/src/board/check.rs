//! What is wrong with a model. The start of the model finds all of it at once.

use std::fmt;
use std::sync::Arc;

use super::event_model::EventModel;
use crate::board::entries;
use crate::model::{MAX_STATES, kebab_case};

/// A model that cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelError {
    /// The model.
    pub model: Arc<str>,
    /// All that is wrong with it.
    pub problems: Vec<ModelProblem>,
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the event model `{}` cannot run:", self.model)?;
        self.problems
            .iter()
            .try_for_each(|problem| write!(f, "\n- {problem}"))
    }
}

impl std::error::Error for ModelError {}

/// One thing that is wrong with a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelProblem {
    /// The name of the model or of a log.
    #[error("`{name}` cannot be the name of a log: use letters, digits, `-` and `_`")]
    LogName {
        /// The name.
        name: String,
    },
    /// The events or guards of one command lie in several logs, and there is no atomic append over two.
    #[error(
        "the command `{command}` needs one log, and its streams are in {logs:?}: put them in one, or split the command"
    )]
    SeveralLogs {
        /// The command.
        command: &'static str,
        /// The logs.
        logs: Vec<String>,
    },
    /// A command decides on more states than it may. The derive allows a tuple of six; this is for a state that is
    /// written by hand.
    #[error(
        "the command `{command}` decides on {states} states, and may on {max}: split the command, or fold what is of one instance in one state"
    )]
    TooManyStates {
        /// The command.
        command: &'static str,
        /// How many states it names.
        states: usize,
        /// How many it may name.
        max: usize,
    },
    /// The streams of one event lie in several logs.
    #[error("the event `{event}` belongs to streams in several logs, {logs:?}: put them in one")]
    EventInSeveralLogs {
        /// The event.
        event: &'static str,
        /// The logs.
        logs: Vec<String>,
    },
    /// One subject could be an instance of two streams.
    #[error(
        "the streams `{first}` ({first_template}) and `{second}` ({second_template}) have subjects in common: start them with different words"
    )]
    OverlappingSubjects {
        /// A stream.
        first: &'static str,
        /// Its template.
        first_template: &'static str,
        /// The other stream.
        second: &'static str,
        /// Its template.
        second_template: &'static str,
    },
    /// Two events are recorded under one name.
    #[error(
        "the events `{first}` and `{second}` are both recorded as `{event_type}`: give one another name, `#[event(type = \"..\")]`"
    )]
    EventTypeTwice {
        /// The name.
        event_type: &'static str,
        /// The module and the name of an event.
        first: String,
        /// The module and the name of the other one.
        second: String,
    },
    /// Two commands, two views, or two automations have one address.
    #[error("the {kind} `{first}` and `{second}` have the same address, `{address}`: rename one")]
    AddressTwice {
        /// What they are: commands, views, automations.
        kind: &'static str,
        /// The address.
        address: String,
        /// The module and the name of one.
        first: String,
        /// The module and the name of the other one.
        second: String,
    },
}

pub(super) fn check(model: &EventModel) -> Result<(), ModelError> {
    let mut problems = Vec::new();
    log_names(model, &mut problems);
    one_log_each(model, &mut problems);
    states(model, &mut problems);
    subjects(model, &mut problems);
    names(model, &mut problems);
    if problems.is_empty() {
        Ok(())
    } else {
        Err(ModelError {
            model: model.name().clone(),
            problems,
        })
    }
}

fn log_names(model: &EventModel, problems: &mut Vec<ModelProblem>) {
    let mut names: Vec<Arc<str>> = model.logs().into_iter().map(|log| log.name).collect();
    if !names.contains(model.name()) {
        names.push(model.name().clone());
    }
    for name in names {
        if name.is_empty()
            || !name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        {
            problems.push(ModelProblem::LogName {
                name: name.to_string(),
            });
        }
    }
}

fn one_log_each(model: &EventModel, problems: &mut Vec<ModelProblem>) {
    let distinct = |streams: &mut dyn Iterator<Item = &'static crate::model::StreamInfo>| {
        let mut logs: Vec<String> = Vec::new();
        for stream in streams {
            let log = entries::log_of(model, stream).to_string();
            if !logs.contains(&log) {
                logs.push(log);
            }
        }
        logs
    };
    for event in entries::events(model) {
        let logs = distinct(&mut event.streams.iter().copied());
        if logs.len() > 1 {
            problems.push(ModelProblem::EventInSeveralLogs {
                event: event.ty.name,
                logs,
            });
        }
    }
    for command in model.commands().iter().map(super::CommandEntry::info) {
        // A state that is only consulted may be in another log, because it needs no guard.
        let logs = distinct(&mut entries::guarded_streams(command).into_iter());
        if logs.len() > 1 {
            problems.push(ModelProblem::SeveralLogs {
                command: command.ty.name,
                logs,
            });
        }
    }
}

fn states(model: &EventModel, problems: &mut Vec<ModelProblem>) {
    for command in model.commands().iter().map(super::CommandEntry::info) {
        let states = command.states.len();
        if states > MAX_STATES {
            problems.push(ModelProblem::TooManyStates {
                command: command.ty.name,
                states,
                max: MAX_STATES,
            });
        }
    }
}

fn subjects(model: &EventModel, problems: &mut Vec<ModelProblem>) {
    let streams = entries::streams(model);
    let in_common = pairs(&streams).filter(|(a, b)| {
        entries::log_of(model, a) == entries::log_of(model, b)
            && a.template.pattern().overlaps(&b.template.pattern())
    });
    for (first, second) in in_common {
        problems.push(ModelProblem::OverlappingSubjects {
            first: first.ty.name,
            first_template: first.template.as_str(),
            second: second.ty.name,
            second_template: second.template.as_str(),
        });
    }
}

fn names(model: &EventModel, problems: &mut Vec<ModelProblem>) {
    let full = |ty: &crate::model::TypeInfo| format!("{}::{}", ty.module, ty.name);
    for (first, second) in pairs(&entries::events(model)) {
        if first.event_type == second.event_type {
            problems.push(ModelProblem::EventTypeTwice {
                event_type: first.event_type,
                first: full(&first.ty),
                second: full(&second.ty),
            });
        }
    }
    let commands: Vec<_> = model
        .commands()
        .iter()
        .map(|c| (c.info().address(), full(&c.info().ty)))
        .collect();
    let views: Vec<_> = model
        .views()
        .iter()
        .map(|v| (v.address(), full(&v.info().ty)))
        .collect();
    // The ids of their commands, and their progress, depend on the name.
    let automations: Vec<_> = model
        .automations()
        .iter()
        .map(|a| (kebab_case(a.info().ty.name), full(&a.info().ty)))
        .collect();
    for (kind, entries) in [
        ("commands", commands),
        ("views", views),
        ("automations", automations),
    ] {
        for ((address, first), (other, second)) in pairs(&entries) {
            if *address == *other {
                problems.push(ModelProblem::AddressTwice {
                    kind,
                    address: address.clone(),
                    first: first.clone(),
                    second: second.clone(),
                });
            }
        }
    }
}

fn pairs<T>(items: &[T]) -> impl Iterator<Item = (&T, &T)> {
    items
        .iter()
        .enumerate()
        .flat_map(|(i, a)| items[i + 1..].iter().map(move |b| (a, b)))
}
