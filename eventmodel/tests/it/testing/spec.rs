//! What the spec of a command says when it fails.

use eventmodel::testing::spec;
use jiff::Timestamp;
use support::savings::{Balance, Deposit, Deposited, Open, Opened, Refused, Transfer, Withdrawn};

use super::panics::{failure_of, panic_of};

const OPENED: Opened = Opened {
    account: 1,
    branch: 9,
};

fn deposited(cents: u64) -> Deposited {
    Deposited { account: 1, cents }
}

#[test]
fn one_event_a_list_an_array_a_tuple_and_an_option_can_be_given() {
    let withdrawn = Withdrawn {
        account: 1,
        cents: 15,
    };
    spec::<Transfer>()
        .given((OPENED, vec![deposited(10), deposited(5)]))
        .given([deposited(1), deposited(2)])
        .given((Some(withdrawn), None::<Deposited>, ()))
        .given(Opened {
            account: 2,
            branch: 9,
        })
        .when(Transfer {
            from: 1,
            to: 2,
            cents: 4,
        })
        .rejects(Refused::TooLittle {
            account: 1,
            cents: 3,
        });
}

#[test]
fn nothing_may_have_happened_before() {
    spec::<Open>()
        .when(Open {
            account: 1,
            branch: 9,
        })
        .emits(OPENED);
}

#[test]
fn that_nothing_changes_can_be_said_in_two_ways() {
    let nothing = || Deposit {
        account: 1,
        cents: 0,
    };
    spec::<Deposit>()
        .given(OPENED)
        .when(nothing())
        .changes_nothing();
    spec::<Deposit>().given(OPENED).when(nothing()).emits(());
}

#[test]
fn other_events_than_expected_are_shown_as_a_diff_at_the_line_of_the_then() {
    let noon: Timestamp = "2022-12-12T12:00:00Z".parse().unwrap();
    let then = line!() + 10;
    let (text, at) = panic_of(|| {
        spec::<Deposit>()
            .given(OPENED)
            .at(noon)
            .given(deposited(30))
            .when(Deposit {
                account: 1,
                cents: 20,
            })
            .emits((deposited(20), deposited(7)));
    });
    assert!(at.starts_with(&format!("{}:{then}:", file!())), "{at}");
    assert_eq!(
        text,
        "\
Deposit: the decision is not what is expected

given
  Opened on `account.1`, `branch.9` {\"account\":1,\"branch\":9}
  at 2022-12-12T12:00:00Z Deposited on `account.1` {\"account\":1,\"cents\":30}

when
  Deposit {\"account\":1,\"cents\":20}

then (- expected, + actual)
    Deposited on `account.1`
    {
      \"account\": 1,
      \"cents\": 20
    }
  - Deposited on `account.1`
  - {
  -   \"account\": 1,
  -   \"cents\": 7
  - }"
    );
}

#[test]
fn a_rejection_that_is_not_expected_is_shown_with_its_code_and_message() {
    let text = failure_of(|| {
        spec::<Deposit>()
            .when(Deposit {
                account: 1,
                cents: 20,
            })
            .emits(deposited(20));
    });
    assert_eq!(
        text,
        "\
Deposit: the decision is not what is expected

given
  nothing

when
  Deposit {\"account\":1,\"cents\":20}

then (- expected, + actual)
  - Deposited on `account.1`
  + rejected: no-account
  + there is no account 1
    {
  -   \"account\": 1,
  -   \"cents\": 20
  +   \"NoAccount\": {
  +     \"account\": 1
  +   }
    }"
    );
}

#[test]
fn another_rejection_and_none_are_told_apart() {
    let open = Open {
        account: 1,
        branch: 9,
    };
    let text = failure_of(|| {
        spec::<Open>()
            .given(OPENED)
            .when(open.clone())
            .rejects(Refused::NoAccount { account: 1 });
    });
    assert!(text.contains("- rejected: no-account"), "{text}");
    assert!(text.contains("+ rejected: open-already"), "{text}");

    let text = failure_of(|| {
        spec::<Open>()
            .when(open)
            .rejects(Refused::OpenAlready { account: 1 });
    });
    assert!(text.contains("- rejected: open-already"), "{text}");
    assert!(
        text.contains("+ Opened on `account.1`, `branch.9`"),
        "{text}"
    );
}

#[test]
fn a_given_of_a_type_that_no_state_handles_has_no_effect() {
    use super::spec_hidden_checks::Renamed;

    let text = failure_of(|| {
        spec::<Open>()
            .given((OPENED, Renamed { account: 1 }))
            .when(Open {
                account: 1,
                branch: 9,
            })
            .rejects(Refused::OpenAlready { account: 1 });
    });
    let title = "\
Open: this Given has no effect: no state of the command handles it
  Renamed on `account.1` {\"account\":1}
  eventmodel/tests/it/testing/spec.rs:";
    assert!(text.starts_with(title), "{text}");
    assert!(
        text.ends_with(
            "it decides on
  Balance of `account.1`, which handles Opened, Deposited, Withdrawn"
        ),
        "{text}"
    );
}

#[test]
fn a_given_on_another_instance_has_no_effect() {
    let text = failure_of(|| {
        spec::<Transfer>()
            .given(OPENED)
            .given(Opened {
                account: 3,
                branch: 9,
            })
            .when(Transfer {
                from: 1,
                to: 2,
                cents: 1,
            })
            .rejects(Refused::NoAccount { account: 2 });
    });
    assert!(
        text.starts_with(
            "Transfer: this Given has no effect: it is on another stream instance than those that the command reads
  Opened on `account.3`, `branch.9`"
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "it decides on
  Balance of `account.1`, which handles Opened, Deposited, Withdrawn
  Balance of `account.2`, which handles"
        ),
        "{text}"
    );
}

#[test]
fn an_invalid_command_is_said_to_be_invalid() {
    let command = || Deposit {
        account: 1,
        cents: 1_000_000,
    };
    spec::<Deposit>().when(command()).invalid(["cents"]);

    let text = failure_of(|| spec::<Deposit>().when(command()).changes_nothing());
    assert!(
        text.starts_with("Deposit: the command is invalid"),
        "{text}"
    );
    assert!(
        text.ends_with("violations\n  cents: must be below 1000000"),
        "{text}"
    );

    let text = failure_of(|| spec::<Deposit>().when(command()).invalid(["account"]));
    assert!(text.contains("  - account\n  + cents\n"), "{text}");

    let valid = Deposit {
        account: 1,
        cents: 1,
    };
    let text = failure_of(|| spec::<Deposit>().when(valid).invalid(["cents"]));
    assert!(
        text.ends_with("violations\n  none: the command is valid"),
        "{text}"
    );
}

#[test]
fn handlers_see_the_time_of_the_spec() {
    use eventmodel::testing::view_spec;

    let noon: Timestamp = "2022-12-12T12:00:00Z".parse().unwrap();
    view_spec::<Balance>()
        .given(OPENED)
        .at(noon)
        .given(deposited(30))
        .then(
            support::savings::Account { account: 1 },
            Balance {
                open: true,
                cents: 30,
                changed: Some(noon),
            },
        );
}
