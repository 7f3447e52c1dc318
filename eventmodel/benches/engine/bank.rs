//! The apps that are measured, and what they run on.

use eventmodel::{App, AppOptions, EventModel, MemoryStore, Slice};
pub(crate) use support::measured::*;
use tokio::runtime::{Builder, Runtime};

/// The commands only. A view would take its share of the processor while commands are measured.
pub(crate) fn commands() -> EventModel {
    EventModel::new("bank")
        .slice(Slice::new("Client brings money").command::<Deposit>())
        .slice(Slice::new("Client takes money").command::<Withdraw>())
}

pub(crate) fn with_view() -> EventModel {
    commands().slice(Slice::new("Client looks at the account").view::<Balance>())
}

/// What the tasks run on: two workers, whatever the machine has, so that results can be compared.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime")
}

pub(crate) async fn start(model: EventModel, store: MemoryStore, options: AppOptions) -> App {
    model
        .start_with(store, options)
        .await
        .expect("the app starts")
}

pub(crate) async fn deposit(app: &App, account: u64) {
    let receipt = app.execute(Deposit { account, cents: 1 }).await;
    assert_eq!(receipt.expect("accepted").events.len(), 1);
}
