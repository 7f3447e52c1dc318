//! The commands, views and automations of a model with their types erased, for the engine and the adapters.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;

use super::event_model::EventModel;
use crate::model::{
    Automation, AutomationInfo, CommandEntry, CommandInfo, Commands, EventInfo, FoldOf, Projection,
    ProjectionInfo, ReactError, Reaction, StreamInfo, ViewFold,
};
use crate::record::{RecordedEvent, Vocabulary};
use crate::store::LogSpec;

/// A view of a model.
#[derive(Clone)]
pub struct ViewEntry {
    type_id: TypeId,
    fold: Arc<dyn ViewFold>,
}

impl ViewEntry {
    pub(super) fn of<P: Projection>() -> Self {
        Self {
            type_id: TypeId::of::<P>(),
            fold: Arc::new(FoldOf::<P>(PhantomData)),
        }
    }

    /// What is known of it.
    pub fn info(&self) -> &'static ProjectionInfo {
        self.fold.info()
    }

    /// The part of an address that names it: `cleaning-schedule`.
    pub fn address(&self) -> String {
        self.info().address()
    }

    pub(crate) fn type_id(&self) -> TypeId {
        self.type_id
    }

    /// How it folds, for a [`ViewHost`](crate::store::ViewHost).
    pub fn fold(&self) -> &Arc<dyn ViewFold> {
        &self.fold
    }
}

impl fmt::Debug for ViewEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.info().ty.name)
    }
}

/// An automation of a model.
#[derive(Clone)]
pub struct AutomationEntry {
    info: &'static AutomationInfo,
    type_id: TypeId,
    erased: Arc<dyn ErasedAutomation>,
}

#[async_trait]
pub(crate) trait ErasedAutomation: Send + Sync {
    async fn react(
        &self,
        event: &RecordedEvent,
        context: &Reaction,
    ) -> Result<Commands, ReactError>;
}

#[async_trait]
impl<A: Automation> ErasedAutomation for A {
    async fn react(
        &self,
        event: &RecordedEvent,
        context: &Reaction,
    ) -> Result<Commands, ReactError> {
        Automation::react(self, event, context).await
    }
}

impl AutomationEntry {
    pub(super) fn of<A: Automation>(automation: A) -> Self {
        Self {
            info: A::INFO,
            type_id: TypeId::of::<A>(),
            erased: Arc::new(automation),
        }
    }

    /// What is known of it.
    pub fn info(&self) -> &'static AutomationInfo {
        self.info
    }

    pub(crate) fn type_id(&self) -> TypeId {
        self.type_id
    }

    pub(crate) fn erased(&self) -> &Arc<dyn ErasedAutomation> {
        &self.erased
    }
}

impl fmt::Debug for AutomationEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.info.ty.name)
    }
}

/// The events that a model speaks of: emitted, decided on, shown, reacted to. Each once.
pub(super) fn events(model: &EventModel) -> Vec<&'static EventInfo> {
    let mut all: Vec<&'static EventInfo> = Vec::new();
    let mut add = |event: &'static EventInfo| {
        if !all
            .iter()
            .any(|known| (known.type_id)() == (event.type_id)())
        {
            all.push(event);
        }
    };
    for command in model.commands() {
        command.info().emits.iter().copied().for_each(&mut add);
        let states = command
            .info()
            .states
            .iter()
            .filter_map(|state| state.projection);
        states
            .flat_map(|state| state.handlers)
            .for_each(|handler| add(handler.event));
    }
    for view in model.views() {
        view.info()
            .handlers
            .iter()
            .for_each(|handler| add(handler.event));
    }
    for automation in model.automations() {
        automation
            .info
            .handlers
            .iter()
            .for_each(|handler| add(handler.event));
    }
    all
}

/// What a model knows of what is in its logs.
pub(super) fn vocabulary(model: &EventModel) -> Vocabulary {
    Vocabulary::new(
        events(model).iter().map(|event| event.event_type),
        streams(model)
            .iter()
            .map(|stream| stream.template.pattern()),
    )
}

/// The streams that a model speaks of. Each once.
pub(super) fn streams(model: &EventModel) -> Vec<&'static StreamInfo> {
    let mut all: Vec<&'static StreamInfo> = Vec::new();
    let of_events = events(model)
        .into_iter()
        .flat_map(|event| event.streams.iter().copied());
    let commands = model.commands();
    let of_states = commands
        .iter()
        .flat_map(|c| c.info().states)
        .filter_map(|state| state.stream);
    for stream in of_events.chain(of_states) {
        if !all.iter().any(|known| is_same_stream(known, stream)) {
            all.push(stream);
        }
    }
    all
}

pub(super) fn is_same_stream(a: &StreamInfo, b: &StreamInfo) -> bool {
    (a.ty.module, a.ty.name, a.template, a.log) == (b.ty.module, b.ty.name, b.template, b.log)
}

/// The log of a stream.
pub(crate) fn log_of(model: &EventModel, stream: &StreamInfo) -> Arc<str> {
    stream.log.map_or_else(|| model.name().clone(), Arc::from)
}

pub(super) fn logs(model: &EventModel) -> Vec<LogSpec> {
    let mut logs: Vec<LogSpec> = Vec::new();
    for stream in streams(model) {
        let (name, subject) = (log_of(model, stream), stream.template.pattern());
        match logs.iter_mut().find(|log| log.name == name) {
            Some(log) if log.subjects.contains(&subject) => {}
            Some(log) => log.subjects.push(subject),
            None => logs.push(LogSpec {
                name,
                subjects: vec![subject],
                several_guards: Vec::new(),
            }),
        }
    }
    for command in model.commands().iter().map(CommandEntry::info) {
        let streams = guarded_streams(command);
        // All of them are in one log.
        if may_guard_several(command)
            && let Some(name) = streams.first().map(|stream| log_of(model, stream))
            && let Some(log) = logs.iter_mut().find(|log| log.name == name)
        {
            log.several_guards.push(command.ty.name);
        }
    }
    logs
}

/// The streams that an append of a command is guarded on: the streams of its states and of its events.
pub(super) fn guarded_streams(command: &CommandInfo) -> Vec<&'static StreamInfo> {
    let states = command.states.iter().filter(|state| state.guarded);
    let events = command.emits.iter().flat_map(|event| event.streams);
    let streams = states.filter_map(|state| state.stream);
    streams.chain(events.copied()).collect()
}

/// Whether its types leave room for a second guard. One state and one event on its stream are taken to be of one
/// instance.
fn may_guard_several(command: &CommandInfo) -> bool {
    let states = command.states.iter().filter(|state| state.guarded).count();
    let streams = guarded_streams(command);
    let is_of_one_stream = streams
        .iter()
        .all(|stream| is_same_stream(stream, streams[0]));
    states > 1 || command.emits.len() > 1 || !is_of_one_stream
}

/// The logs of the events that a view or an automation handles. Each once.
pub(crate) fn logs_of_handlers<'a>(
    model: &EventModel,
    events: impl Iterator<Item = &'a EventInfo>,
) -> Vec<Arc<str>> {
    let mut logs = Vec::new();
    // An event of several streams is read from its first one; all of them are in one log.
    for stream in events.filter_map(|event| event.streams.first()) {
        let log = log_of(model, stream);
        if !logs.contains(&log) {
            logs.push(log);
        }
    }
    logs
}
