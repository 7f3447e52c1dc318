//! What the spec of an automation says when it fails.

use eventmodel::testing::{automation_spec, automation_spec_with};
use eventmodel::{App, Metadata, automation};
use jiff::Timestamp;
use support::savings::{Deposit, Deposited, Open, Opened, WelcomeBot, Withdrawn};

use super::panics::failure_of;

fn opened(account: u32) -> Opened {
    Opened { account, branch: 9 }
}

fn deposit(account: u32, cents: u64) -> Deposit {
    Deposit { account, cents }
}

#[test]
fn an_automation_issues_commands() {
    automation_spec::<WelcomeBot>()
        .given(opened(1))
        .then(deposit(1, 500));
    automation_spec::<WelcomeBot>()
        .given([opened(1), opened(2)])
        .then([deposit(1, 500), deposit(2, 500)]);
}

#[test]
fn other_commands_than_expected_are_shown_as_a_diff() {
    let text = failure_of(|| {
        automation_spec::<WelcomeBot>()
            .given(opened(1))
            .then(deposit(1, 400));
    });
    assert_eq!(
        text,
        "\
WelcomeBot: it does not issue the commands that are expected

given
  Opened on `account.1`, `branch.9` {\"account\":1,\"branch\":9}

then (- expected, + actual)
    Deposit
    {
      \"account\": 1,
  -   \"cents\": 400
  +   \"cents\": 500
    }"
    );
    let text = failure_of(|| {
        automation_spec::<WelcomeBot>()
            .given(opened(1))
            .then_nothing();
    });
    assert!(text.contains("  - nothing\n  + Deposit\n"), "{text}");
}

#[test]
fn a_given_that_the_automation_does_not_handle_has_no_effect() {
    let text = failure_of(|| {
        let deposited = Deposited {
            account: 1,
            cents: 1,
        };
        let _ = automation_spec::<WelcomeBot>().given(deposited);
    });
    assert!(
        text.starts_with("WelcomeBot: this Given has no effect: the automation does not handle it"),
        "{text}"
    );
    assert!(text.ends_with("it handles\n  Opened"), "{text}");
}

struct Bot {
    limit: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("the scanner is jammed")]
struct Jammed;

#[automation]
impl Bot {
    async fn opened(&self, event: &Opened, _app: &App) -> Open {
        Open {
            account: event.account + 1,
            branch: event.branch,
        }
    }

    async fn deposited(&self, event: &Deposited, meta: &Metadata) -> Option<Deposit> {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        let late = meta.time > "2022-12-12T12:00:00Z".parse::<Timestamp>().ok()?;
        (late && event.cents < self.limit).then(|| deposit(event.account, event.cents))
    }

    async fn withdrawn(&self, event: &Withdrawn) -> Result<Vec<Deposit>, Jammed> {
        match event.cents {
            0 => Err(Jammed),
            n => Ok(vec![deposit(event.account, n); 2]),
        }
    }
}

fn deposited(cents: u64) -> Deposited {
    Deposited { account: 1, cents }
}

fn withdrawn(cents: u64) -> Withdrawn {
    Withdrawn { account: 1, cents }
}

#[test]
fn a_handler_sees_the_time_and_may_wait() {
    let late: Timestamp = "2022-12-12T13:00:00Z".parse().unwrap();
    let bot = || automation_spec_with(Bot { limit: 5 });
    bot().given(deposited(1)).then_nothing();
    bot().at(late).given(deposited(1)).then(deposit(1, 1));
    bot().at(late).given(deposited(5)).then_nothing();
}

#[tokio::test]
async fn a_spec_may_be_in_an_asynchronous_test() {
    automation_spec_with(Bot { limit: 5 })
        .given(deposited(1))
        .then_nothing();
    let text = failure_of(|| {
        automation_spec_with(Bot { limit: 5 })
            .given(deposited(1))
            .then(deposit(1, 1));
    });
    assert!(text.contains("  - Deposit\n"), "{text}");
}

#[test]
fn a_handler_that_fails_is_shown_with_the_event() {
    let bot = || automation_spec_with(Bot { limit: 5 });
    let twice = vec![deposit(1, 1); 2];
    bot().given(withdrawn(1)).then(twice);
    bot()
        .given(withdrawn(0))
        .then_fails("the scanner is jammed");
    let text = failure_of(|| bot().given((withdrawn(1), withdrawn(0))).then_nothing());
    assert!(
        text.starts_with("Bot: the handler failed: the scanner is jammed"),
        "{text}"
    );
    assert!(
        text.ends_with("at\n  Withdrawn on `account.1` {\"account\":1,\"cents\":0}"),
        "{text}"
    );
    let text = failure_of(|| bot().given(withdrawn(1)).then_fails("the lamp is out"));
    assert!(
        text.contains("  - fails: the lamp is out\n  + Deposit\n"),
        "{text}"
    );
}

#[test]
fn a_handler_that_wants_the_app_is_told_to_test_with_one() {
    let text = failure_of(|| {
        automation_spec_with(Bot { limit: 5 })
            .given(opened(1))
            .then_nothing();
    });
    assert!(
        text.starts_with(
            "Bot: the handler takes `&App`, and a spec has none: test it with an app on a memory store"
        ),
        "{text}"
    );
}
