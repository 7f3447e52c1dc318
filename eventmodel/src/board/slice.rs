use std::borrow::Cow;

use super::entries::{AutomationEntry, ViewEntry};
use crate::model::CommandEntry;
use crate::model::{Automation, Decide, Projection};

/// One step of the story: who does what, when, and how.
///
/// A slice is one command, or one view, or one automation, with the views that its actor looks at before.
#[derive(Clone, Debug)]
pub struct Slice {
    title: Cow<'static, str>,
    actor: Option<Cow<'static, str>>,
    screen: Option<Cow<'static, str>>,
    rules: Vec<Cow<'static, str>>,
    steps: Vec<Step>,
}

/// A post-it of a slice.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Step {
    /// A command.
    Command(CommandEntry),
    /// A view.
    View(ViewEntry),
    /// An automation.
    Automation(AutomationEntry),
}

impl Step {
    pub(super) fn as_command(&self) -> Option<&CommandEntry> {
        match self {
            Self::Command(entry) => Some(entry),
            _ => None,
        }
    }

    pub(super) fn as_view(&self) -> Option<&ViewEntry> {
        match self {
            Self::View(entry) => Some(entry),
            _ => None,
        }
    }

    pub(super) fn as_automation(&self) -> Option<&AutomationEntry> {
        match self {
            Self::Automation(entry) => Some(entry),
            _ => None,
        }
    }
}

impl Slice {
    /// A slice with its title: "User books the room".
    pub fn new(title: impl Into<Cow<'static, str>>) -> Self {
        let title = title.into();
        Self {
            title,
            actor: None,
            screen: None,
            rules: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// Who does it.
    #[must_use]
    pub fn actor(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.actor = Some(name.into());
        self
    }

    /// On which screen.
    #[must_use]
    pub fn screen(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.screen = Some(name.into());
        self
    }

    /// Adds a rule of the business, as it is printed on the board.
    #[must_use]
    pub fn rule(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.rules.push(text.into());
        self
    }

    /// Adds a command.
    #[must_use]
    pub fn command<C: Decide>(mut self) -> Self {
        self.steps.push(Step::Command(CommandEntry::of::<C>()));
        self
    }

    /// Adds a view.
    #[must_use]
    pub fn view<P: Projection>(mut self) -> Self {
        self.steps.push(Step::View(ViewEntry::of::<P>()));
        self
    }

    /// Adds an automation.
    #[must_use]
    pub fn automation<A: Automation + Default>(self) -> Self {
        self.automation_with(A::default())
    }

    /// Adds an automation that was made before, with what it needs.
    #[must_use]
    pub fn automation_with<A: Automation>(mut self, automation: A) -> Self {
        self.steps
            .push(Step::Automation(AutomationEntry::of(automation)));
        self
    }

    /// The title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Who does it.
    pub fn actor_name(&self) -> Option<&str> {
        self.actor.as_deref()
    }

    /// On which screen.
    pub fn screen_name(&self) -> Option<&str> {
        self.screen.as_deref()
    }

    /// The rules of the business.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| &**rule)
    }

    /// The post-its, in their order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}
