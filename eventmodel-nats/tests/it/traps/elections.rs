//! While three replicas elect a leader nobody answers for one, and a question that comes too early is never answered.

use std::time::Duration;

use eventmodel::ExecuteError;
use eventmodel::Store;
use eventmodel_nats::NatsStore;
use eventmodel_nats_harness::Cluster;
use support::bank::{Open, Refused, bank, deposit};
use tokio::time::timeout;

use super::bench::{BOUND, Bench};
use crate::builder;

/// Longer than an election takes.
const PATIENT: Duration = Duration::from_secs(10);

async fn connect(url: String) -> NatsStore {
    let builder = builder().replicas(3).timeout(PATIENT);
    builder.connect(url).await.unwrap()
}

fn open(account: &str) -> Open {
    Open {
        account: account.into(),
    }
}

/// No guard protects a rejection: it is only believed when the leader says that its state is the newest.
#[tokio::test]
async fn a_command_is_rejected_as_it_should_be_when_the_leader_has_just_died() {
    let cluster = Cluster::start().await.unwrap();
    let beginning = bank().start(connect(cluster.url()).await).await.unwrap();
    let _ = beginning.execute(open("a")).await.unwrap();
    let leader = cluster.leader_of("bank").await.unwrap();
    let beside = cluster.node((leader + 1) % 3).url();
    let app = bank().start(connect(beside).await).await.unwrap();
    let _ = app.execute(deposit("a", 5)).await.unwrap();
    cluster.node(leader).kill();
    let rejected = timeout(BOUND, app.execute(open("a"))).await.unwrap();
    assert!(
        matches!(rejected, Err(ExecuteError::Rejected(Refused::Open))),
        "{rejected:?}"
    );
}

#[tokio::test]
async fn what_only_a_leader_knows_is_answered_when_there_is_one_again() {
    let cluster = Cluster::start().await.unwrap();
    let writer = Bench::open(connect(cluster.url()).await).await;
    let item = writer.item("a");
    let position = writer.put("first", &item, 0).await;
    let leader = cluster.leader_of(&writer.log).await.unwrap();
    let beside = cluster.node((leader + 1) % 3).url();
    let bench = writer.through(connect(beside).await).await;
    let command = bench.append("first", &[(&item, 0)]).command().clone();
    cluster.node(leader).kill();
    let subjects = [item.clone()];
    let all = async {
        tokio::join!(
            bench.store.revision(&bench.log, &item),
            bench.store.last_position(&bench.log),
            bench.store.committed(&bench.log, &command, &subjects),
            bench.load(&item, 0, position),
        )
    };
    let (revision, last, committed, loaded) = timeout(BOUND, all).await.unwrap();
    assert_eq!(revision.unwrap().get(), position);
    assert_eq!(last.unwrap().get(), position);
    assert_eq!(committed.unwrap().unwrap().events.len(), 1);
    assert_eq!(loaded.unwrap().items.len(), 1);
}
