use std::sync::Arc;

use eventcore::{
    Command, CommandError, CommandLogic, Event, NewEvents, RetryPolicy, StreamId, execute,
};
use eventcore_memory::InMemoryEventStore;
use serde::{Deserialize, Serialize};

use crate::Bank;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum AccountEvent {
    Deposited { account: StreamId, cents: u64 },
}

impl Event for AccountEvent {
    fn stream_id(&self) -> &StreamId {
        let Self::Deposited { account, .. } = self;
        account
    }

    fn event_type_name() -> &'static str {
        "AccountEvent"
    }
}

#[derive(Command)]
struct Deposit {
    #[stream]
    account: StreamId,
    cents: u64,
}

impl CommandLogic for Deposit {
    type Event = AccountEvent;
    type State = u64;

    fn apply(&self, balance: u64, event: &AccountEvent) -> u64 {
        let AccountEvent::Deposited { cents, .. } = event;
        balance + cents
    }

    fn handle(&self, _: u64) -> Result<NewEvents<AccountEvent>, CommandError> {
        let (account, cents) = (self.account.clone(), self.cents);
        Ok(vec![AccountEvent::Deposited { account, cents }].into())
    }
}

#[derive(Clone)]
pub struct Eventcore(Arc<InMemoryEventStore>);

impl Bank for Eventcore {
    async fn open() -> Self {
        Self(Arc::new(InMemoryEventStore::new()))
    }

    async fn deposit(&self, account: u64) {
        let account = StreamId::try_new(format!("account-{account}")).expect("an id");
        let command = Deposit { account, cents: 1 };
        let done = execute(&*self.0, command, RetryPolicy::new()).await;
        done.expect("accepted");
    }
}
