use std::sync::Arc;

use cqrs_es::event_sink::EventSink;
use cqrs_es::mem_store::MemStore;
use cqrs_es::{Aggregate, CqrsFramework, DomainEvent};
use serde::{Deserialize, Serialize};

use crate::Bank;

#[derive(Default, Serialize, Deserialize)]
struct Account {
    cents: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum AccountEvent {
    Deposited { cents: u64 },
}

impl DomainEvent for AccountEvent {
    fn event_type(&self) -> String {
        "Deposited".into()
    }

    fn event_version(&self) -> String {
        "1".into()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("that is nothing")]
struct Nothing;

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = u64;
    type Event = AccountEvent;
    type Error = Nothing;
    type Services = ();

    async fn handle(&mut self, cents: u64, (): &(), sink: &EventSink<Self>) -> Result<(), Nothing> {
        if cents == 0 {
            return Err(Nothing);
        }
        sink.write(AccountEvent::Deposited { cents }, self).await;
        Ok(())
    }

    fn apply(&mut self, event: AccountEvent) {
        let AccountEvent::Deposited { cents } = event;
        self.cents += cents;
    }
}

#[derive(Clone)]
pub struct Cqrs(Arc<CqrsFramework<Account, MemStore<Account>>>);

impl Bank for Cqrs {
    async fn open() -> Self {
        Self(Arc::new(CqrsFramework::new(
            MemStore::default(),
            vec![],
            (),
        )))
    }

    async fn deposit(&self, account: u64) {
        let id = format!("account-{account}");
        self.0.execute(&id, 1).await.expect("accepted");
    }
}
