//! Audit trails: how each command ended, as it was noted, the newest first.

use std::time::Duration;

use eventmodel::memory;
use eventmodel::store::{AuditEntry, AuditQuery, AuditTrail, AuditedEvent, Outcome};
use eventmodel::{CommandId, Position};
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::bench::{Bench, RETRY};

/// The entries of the query, once there are so many: a trail may be written behind the back of the command.
async fn query(
    bench: &Bench,
    trail: &dyn AuditTrail,
    query: &AuditQuery,
    count: usize,
) -> Vec<AuditEntry> {
    let deadline = Instant::now() + bench.patience;
    loop {
        match trail.query(query).await {
            Ok(found) if found.len() >= count || Instant::now() > deadline => return found,
            Ok(_) => {}
            Err(error) if error.is_retryable() && Instant::now() < deadline => {}
            Err(error) => panic!("the trail cannot be read: {error}"),
        }
        sleep(RETRY).await;
    }
}

/// An entry of every outcome, a second apart, all of one request.
fn entries(bench: &Bench) -> Vec<AuditEntry> {
    let outcomes = [
        Outcome::Accepted {
            events: vec![
                AuditedEvent {
                    event_type: "RoomBooked".into(),
                    position: Position::new(7),
                },
                AuditedEvent {
                    event_type: "Änderung \"1\"".into(),
                    position: Position::new(9),
                },
            ],
            already_committed: false,
        },
        Outcome::Accepted {
            events: vec![],
            already_committed: true,
        },
        Outcome::Rejected {
            code: "already-booked".into(),
            message: "ä \"1\" 100%\n".into(),
        },
        Outcome::Conflict,
        Outcome::Failed {
            message: "the store failed".into(),
        },
    ];
    let start = Timestamp::from_second(Timestamp::now().as_second()).expect("it is in range");
    let entry = |(n, outcome): (usize, Outcome)| AuditEntry {
        time: start + Duration::from_millis(1000 * n as u64 + 123),
        command: if n % 2 == 0 { "BookRoom" } else { "CheckIn" }.into(),
        id: CommandId::fresh(),
        correlation_id: bench.log.clone(),
        causation_id: (n == 1).then(|| "an event/0".into()),
        source: "the desk \"1\"".into(),
        outcome,
    };
    outcomes.into_iter().enumerate().map(entry).collect()
}

pub async fn an_entry_comes_back_as_it_was_noted(bench: Bench) {
    let trail = memory::audit_of(&*bench.store);
    let noted = entries(&bench);
    for entry in &noted {
        trail.record(entry.clone());
    }
    let of_request = AuditQuery::new().correlation_id(&*bench.log);
    let mut found = query(&bench, &*trail, &of_request, noted.len()).await;
    found.reverse();
    assert_eq!(found, noted);
    for entry in &noted {
        let by_id = AuditQuery::new().id(entry.id.clone());
        let found = query(&bench, &*trail, &by_id, 1).await;
        assert_eq!(found, std::slice::from_ref(entry));
    }
}

pub async fn a_query_gets_what_it_asks_for_the_newest_first(bench: Bench) {
    let trail = memory::audit_of(&*bench.store);
    let noted = entries(&bench);
    for entry in &noted {
        trail.record(entry.clone());
    }
    let all = AuditQuery::new().correlation_id(&*bench.log);
    query(&bench, &*trail, &all, noted.len()).await;
    let places = async |asked: AuditQuery| -> Vec<usize> {
        let found = query(&bench, &*trail, &asked, 0).await;
        let place = |entry: &AuditEntry| noted.iter().position(|noted| noted.id == entry.id);
        found.iter().filter_map(place).collect()
    };
    assert_eq!(places(all.clone()).await, [4, 3, 2, 1, 0]);
    assert_eq!(places(all.clone().limit(2)).await, [4, 3]);
    assert_eq!(places(all.clone().limit(0)).await, [0; 0]);
    assert_eq!(places(all.clone().command("BookRoom")).await, [4, 2, 0]);
    assert_eq!(places(all.clone().command("CheckIn").limit(1)).await, [3]);
    assert_eq!(places(all.clone().since(noted[2].time)).await, [4, 3, 2]);
    assert_eq!(places(all.clone().command("Nobody")).await, [0; 0]);
    let unknown = AuditQuery::new().id(CommandId::fresh());
    assert_eq!(places(unknown).await, [0; 0]);
    let of_another = AuditQuery::new().correlation_id("another request of nobody");
    assert_eq!(places(of_another).await, [0; 0]);
}
