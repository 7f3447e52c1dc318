//! A state that is written by hand, over as many instances as its command names: not a part of the API, but nothing
//! that a user can write makes the engine panic.

use eventmodel::__private::{ErasedSlot, Slot};
use eventmodel::board::{CommandInfo, ModelProblem, StateInfo, TypeInfo};
use eventmodel::model::{DecisionState, Emits, StatePart};
use eventmodel::record::SubjectError;
use eventmodel::{
    Command, Decide, Decision, Event, EventModel, ExecuteError, MemoryStore, Rejection, Slice,
    StartError, emit, reject,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use support::bank::{Account, Balance, Open, Opened, Refused, account};

/// The balances of these accounts; the board is told of `PARTS` states.
struct Each<const PARTS: usize>(Vec<Balance>);

impl<const PARTS: usize> DecisionState for Each<PARTS> {
    type Keys = Vec<Account>;
    type Slots = Vec<Slot<Balance>>;

    const PARTS: &'static [StateInfo] = &[<Balance as StatePart>::PART; PARTS];

    fn slots(keys: &Vec<Account>) -> Result<Self::Slots, SubjectError> {
        keys.iter().map(<Balance as StatePart>::slot).collect()
    }

    fn erased<'a>(slots: &'a mut Self::Slots, out: &mut impl Extend<&'a mut dyn ErasedSlot>) {
        out.extend(slots.iter_mut().map(|slot| slot as &mut dyn ErasedSlot));
    }

    fn with<R>(slots: &Self::Slots, now: Timestamp, decide: impl FnOnce(&Self) -> R) -> R {
        let balances = slots
            .iter()
            .map(|slot| <Balance as StatePart>::cloned(slot, now));
        decide(&Self(balances.collect()))
    }
}

/// Opens the first of the accounts, if none of them is open.
#[derive(Serialize, Deserialize)]
struct OpenFirst<const PARTS: usize> {
    accounts: Vec<String>,
}

impl<const PARTS: usize> Command for OpenFirst<PARTS> {
    const INFO: &'static CommandInfo = &CommandInfo::__new(
        TypeInfo::__new("OpenFirst", module_path!(), "", &[], file!(), line!()),
        None,
        None,
        Each::<PARTS>::PARTS,
        &[Opened::INFO],
        Refused::INFO,
        Open::INFO.schema,
    );

    type State = Each<PARTS>;
    type Rejection = Refused;

    fn keys(&self) -> Vec<Account> {
        self.accounts.iter().map(|name| account(name)).collect()
    }
}

impl<const PARTS: usize> Emits<Opened> for OpenFirst<PARTS> {}

impl<const PARTS: usize> Decide for OpenFirst<PARTS> {
    fn decide(&self, Each(balances): &Each<PARTS>) -> Decision<Self> {
        if balances.iter().any(|balance| balance.open) {
            return reject(Refused::Open);
        }
        emit(Opened {
            account: self.accounts[0].clone(),
        })
    }
}

fn model<const PARTS: usize>() -> EventModel {
    EventModel::new("bank")
        .slice(Slice::new("Customer opens the first of his accounts").command::<OpenFirst<PARTS>>())
}

#[tokio::test]
async fn a_state_over_more_instances_than_can_be_counted_in_a_word_is_decided_on() {
    let store = MemoryStore::new();
    let app = model::<1>().start(store.clone()).await.unwrap();
    for count in [64, 65, 300] {
        let accounts: Vec<String> = (0..count).map(|n| format!("{count}-{n}")).collect();
        let open = || OpenFirst::<1> {
            accounts: accounts.clone(),
        };
        let receipt = app.execute(open()).await.unwrap();
        assert_eq!(receipt.events.len(), 1);
        // From the cache, and from the store.
        let other = model::<1>().start(store.clone()).await.unwrap();
        for app in [&app, &other] {
            let refused = app.execute(open()).await;
            assert!(
                matches!(refused, Err(ExecuteError::Rejected(Refused::Open))),
                "{refused:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_command_that_names_more_states_than_it_may_does_not_start() {
    model::<64>().start(MemoryStore::new()).await.unwrap();
    let error = model::<65>().start(MemoryStore::new()).await.unwrap_err();
    let StartError::Model(error) = error else {
        panic!("{error}")
    };
    assert_eq!(
        error.problems,
        [ModelProblem::TooManyStates {
            command: "OpenFirst",
            states: 65,
            max: 64
        }]
    );
}
