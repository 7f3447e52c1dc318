//! What the spec of a view says when it fails.

use eventmodel::testing::view_spec;
use eventmodel::{Event, projection};
use serde::{Deserialize, Serialize};
use support::savings::{Account, Accounts, Balance, Deposited, Opened, Total, Withdrawn};

use super::panics::failure_of;
use super::spec_hidden_checks::Renamed;

fn opened(account: u32, branch: u32) -> Opened {
    Opened { account, branch }
}

fn deposited(account: u32, cents: u64) -> Deposited {
    Deposited { account, cents }
}

fn accounts(number: u32) -> Accounts {
    let visits = 0;
    Accounts { number, visits }
}

#[test]
fn several_keys_can_be_looked_at_and_the_story_can_go_on() {
    view_spec::<Accounts>()
        .given(opened(1, 9))
        .then(9, accounts(1))
        .then_nothing(8)
        .given([opened(2, 9), opened(3, 8)])
        .then(9, accounts(2))
        .then(8, accounts(1));
}

#[test]
fn a_view_may_have_one_instance() {
    let withdrawn = Withdrawn {
        account: 1,
        cents: 2,
    };
    view_spec::<Total>()
        .given((deposited(1, 5), withdrawn))
        .then(
            (),
            Total {
                cents: 3,
                events: 2,
            },
        );
}

#[test]
fn another_value_is_shown_as_a_diff() {
    let text = failure_of(|| {
        view_spec::<Accounts>()
            .given([opened(1, 9), opened(2, 7)])
            .then(9, accounts(2));
    });
    assert_eq!(
        text,
        "\
Accounts: it does not show what is expected

given
  Opened on `account.1`, `branch.9` {\"account\":1,\"branch\":9}
  Opened on `account.2`, `branch.7` {\"account\":2,\"branch\":7}

then, at 9 (- expected, + actual)
    Accounts {
  -     number: 2,
  +     number: 1,
        visits: 0,
    }

it shows something at
  7
  9"
    );
}

#[test]
fn nothing_and_something_are_told_apart() {
    let text = failure_of(|| {
        view_spec::<Accounts>()
            .given(opened(1, 9))
            .then(1, Accounts::default());
    });
    assert!(text.contains("  + nothing\n"), "{text}");
    let text = failure_of(|| {
        view_spec::<Accounts>().given(opened(1, 9)).then_nothing(9);
    });
    assert!(text.contains("  - nothing\n  + Accounts {\n"), "{text}");
}

#[test]
fn a_given_that_the_view_does_not_handle_has_no_effect() {
    let text = failure_of(|| {
        let _ = view_spec::<Accounts>().given((opened(1, 9), deposited(1, 5)));
    });
    assert!(
        text.starts_with(
            "Accounts: this Given has no effect: the view does not handle it
  Deposited on `account.1` {\"account\":1,\"cents\":5}"
        ),
        "{text}"
    );
    assert!(text.ends_with("it handles\n  Opened\n  Visited"), "{text}");
}

#[derive(Default, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Names {
    #[serde(skip)]
    changes: u32,
}

#[projection(key = Account)]
impl Names {
    fn renamed(&mut self, _: &Renamed) {
        self.changes += 1;
    }
}

#[test]
fn a_view_that_a_snapshot_does_not_keep_is_found() {
    let text = failure_of(|| {
        view_spec::<Names>()
            .given([Renamed { account: 1 }, Renamed { account: 1 }])
            .then(Account { account: 1 }, Names { changes: 2 });
    });
    assert!(
        text.starts_with(
            "Names: it shows something else when it was restored from a snapshot taken after its event 1."
        ),
        "{text}"
    );
    assert!(
        text.contains("  -     changes: 2,\n  +     changes: 1,\n"),
        "{text}"
    );
}

#[derive(Event, Serialize, Deserialize)]
#[event(stream = Account, type = "Opened")]
struct OpenedDifferently {
    account: u32,
}

#[test]
fn an_event_that_cannot_be_read_is_said_to_be() {
    let text = failure_of(|| {
        let _ = view_spec::<Balance>().given(OpenedDifferently { account: 1 });
    });
    assert!(
        text.starts_with("Balance: the event `Opened` at position 1 on `account.1` cannot be read"),
        "{text}"
    );
}
