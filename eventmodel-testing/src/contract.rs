//! What every store must do, as tests that any store can be put under.
//!
//! The suite knows a store only by its trait. It takes nothing for granted that the trait does not promise:
//! positions may have gaps, an event of several streams may have a copy for each, others may write to the same
//! server, answers may be slow. Each test opens a log of its own, and no wait is without a bound.

// These are the bodies of tests: they panic to fail, and their names say what they are about.
#![allow(missing_docs, clippy::missing_panics_doc)]

use std::future::Future;
use std::sync::Arc;

use eventmodel::Store;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::timeout;

mod bench;
mod draft;
mod hosted;
mod machine;
mod model;
mod reader;
mod seats;

pub mod atomicity;
pub mod audit_trails;
pub mod following;
pub mod guards;
pub mod history;
pub mod ids;
pub mod inboxes;
pub mod loading;
pub mod logs;
pub mod payloads;
pub mod reading;
pub mod several_streams;
pub mod snapshots;
pub mod subjects;
pub mod view_hosts;
pub mod writers;

pub use bench::Bench;

/// Tests a [`Store`](eventmodel::Store): expands to a module of named tests, one for each thing that a store must do.
///
/// Give it the module's name and an async closure that makes a store, or the future of a store, for each test. It
/// may be the same store each time: every test opens logs of its own.
///
/// ```
/// use eventmodel::MemoryStore;
/// use eventmodel_testing::store_contract;
///
/// store_contract!(memory, || async { MemoryStore::new() });
/// # fn main() {}
/// ```
///
/// A test has a runtime of its own, with several threads. It fails when an answer takes longer than a minute;
/// `EVENTMODEL_CONTRACT_PATIENCE` sets another number of seconds. One test compares the store with a model over
/// random histories: `PROPTEST_CASES` says how many, `PROPTEST_RNG_SEED` repeats those of a run that failed.
#[macro_export]
macro_rules! store_contract {
    ($name:ident, $make:expr) => {
        #[cfg(test)]
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $crate::__store_contract_tests! { $make;
                guards {
                    the_first_event_of_an_instance_expects_nothing_before_it
                    the_second_writer_of_a_first_event_loses
                    an_append_at_the_tail_is_stored
                    a_guard_behind_the_tail_conflicts
                    a_guard_ahead_of_the_tail_conflicts
                    what_others_write_elsewhere_breaks_no_guard
                    several_instances_are_written_in_one_append
                    an_instance_that_is_only_read_can_be_guarded
                    the_absence_of_an_instance_can_be_guarded
                    one_guard_that_fails_stores_nothing_anywhere
                    a_false_guard_among_several_is_never_taken
                    the_order_of_guards_and_events_is_free
                }
                several_streams {
                    an_event_of_two_streams_is_in_the_history_of_both
                    an_event_of_two_streams_moves_the_revision_of_both
                    either_of_its_streams_can_be_continued
                    a_guard_on_either_of_its_streams_refuses_it
                    an_event_of_several_streams_is_delivered_once
                    a_reader_goes_on_after_an_event_of_two_streams
                    several_events_of_several_streams_are_appended_together
                }
                atomicity {
                    a_batch_of_many_events_is_stored_whole_and_in_order
                    after_a_conflict_nothing_of_a_batch_is_there
                    concurrent_batches_never_interleave
                    a_read_never_ends_within_a_batch
                    a_load_never_shows_a_part_of_a_batch
                }
                ids {
                    the_same_command_again_gives_the_first_receipt
                    the_first_receipt_is_given_when_the_guards_no_longer_hold
                    a_command_sent_many_times_at_once_is_stored_once
                    another_command_under_a_used_id_is_refused
                    a_body_that_is_not_known_is_not_another_one
                    a_used_id_is_noticed_on_another_instance
                    the_id_of_a_refused_command_is_not_used_up
                    what_was_committed_is_found
                    a_command_that_is_said_to_be_absent_is_absent
                    ids_that_look_alike_are_different
                }
                reading {
                    a_log_is_read_in_the_order_it_was_written
                    a_log_is_read_from_any_position
                    a_read_that_does_not_follow_ends
                    a_follower_gets_what_is_appended_later
                    a_follower_at_the_end_gets_only_what_is_new
                    a_reader_chooses_by_subject
                    a_follower_chooses_by_subject
                    a_log_is_told_from_another
                }
                following {
                    followers_miss_nothing_while_others_write
                    a_slow_reader_misses_nothing
                    followers_of_a_part_miss_nothing_while_others_write
                    a_reader_that_is_resumed_at_every_event_misses_nothing
                }
                loading {
                    an_instance_without_events_is_empty
                    an_instance_is_loaded_after_a_revision
                    a_load_knows_of_the_event_it_is_told_of
                    an_instance_of_ten_thousand_events_is_loaded
                    ten_thousand_instances_are_told_apart
                    the_last_position_is_that_of_the_last_event
                }
                snapshots {
                    the_snapshot_of_the_last_event_is_loaded
                    a_snapshot_is_only_for_its_fold
                    a_snapshot_is_only_for_who_asks_for_it
                    an_older_snapshot_is_never_the_newest_state
                    an_append_that_is_not_stored_leaves_no_snapshot
                    an_event_of_two_streams_has_a_snapshot_in_each
                    a_snapshot_of_the_largest_size_is_intact
                    a_snapshot_is_whole_while_others_write
                }
                subjects {
                    hostile_keys_come_back_as_they_were
                    hostile_keys_do_not_share_history
                    two_tokens_are_never_taken_for_others
                }
                payloads {
                    a_large_payload_is_intact
                    many_large_events_are_loaded_together
                    a_payload_over_the_limit_is_refused
                    more_records_than_the_limit_are_refused
                    any_bytes_are_a_payload
                    metadata_comes_back_to_the_last_field
                }
                logs {
                    a_log_that_was_not_opened_is_named_in_the_error
                    opening_a_log_again_keeps_it
                    a_log_is_opened_by_many_at_once
                    several_logs_are_opened_together
                    two_logs_know_nothing_of_each_other
                }
                writers {
                    exactly_one_of_eight_writers_wins_each_round
                    writers_of_different_instances_never_conflict
                    what_is_loaded_while_others_write_is_the_beginning_of_the_history
                    no_update_is_lost
                }
                history {
                    a_concurrent_history_has_one_order
                }
            }

            #[test]
            fn any_history_agrees_with_the_model() {
                $crate::contract::agrees_with_the_model(async { ($make)().await });
            }
        }
    };
    ($future:expr) => {
        $crate::store_contract!(store_contract, || $future);
    };
}

/// Tests the places of a store where views live, where automations keep their progress, and where the audit trail
/// is kept: what [`Store::views`](eventmodel::Store::views), [`inboxes`](eventmodel::Store::inboxes) and
/// [`audit`](eventmodel::Store::audit) give.
///
/// ```
/// use eventmodel::MemoryStore;
/// use eventmodel_testing::hosts_contract;
///
/// hosts_contract!(memory, || async { MemoryStore::new() });
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! hosts_contract {
    ($name:ident, $make:expr) => {
        #[cfg(test)]
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $crate::__store_contract_tests! { $make;
                view_hosts {
                    a_view_of_an_empty_log_is_empty
                    a_view_applies_each_event_once_and_in_order
                    a_view_that_has_reached_a_position_shows_what_was_there
                    an_event_that_is_none_of_its_own_takes_a_view_further
                    a_view_lists_by_the_tokens_of_a_key
                    a_view_is_listed_in_pages
                    a_view_stops_at_an_event_that_it_cannot_read
                    a_watcher_starts_with_what_is_there_and_misses_nothing
                    a_watcher_that_comes_back_gets_what_changed
                    a_view_knows_its_logs
                    a_view_that_is_stopped_ends_its_watchers
                    a_view_that_is_hosted_again_goes_on_where_it_was
                }
                inboxes {
                    an_inbox_gives_each_event_in_the_order_of_the_log
                    an_inbox_waits_for_the_next_event
                    a_next_that_is_dropped_loses_no_event
                    what_was_not_done_comes_again
                    what_was_done_does_not_come_again_in_whatever_order
                    two_inboxes_share_the_events_and_one_goes_on_alone
                    what_is_parked_is_kept_until_it_is_released
                }
                audit_trails {
                    an_entry_comes_back_as_it_was_noted
                    a_query_gets_what_it_asks_for_the_newest_first
                }
            }
        }
    };
    ($future:expr) => {
        $crate::hosts_contract!(hosts_contract, || $future);
    };
}

#[macro_export]
#[doc(hidden)]
macro_rules! __store_contract_tests {
    ($make:expr; $($topic:ident { $($test:ident)* })*) => {$($(
        #[test]
        fn $test() {
            $crate::contract::run(
                async { ($make)().await },
                $crate::contract::$topic::$test,
            );
        }
    )*)*};
}

/// Runs one test of the suite, on a store that is made for it.
pub fn run<S, T>(store: impl Future<Output = S>, test: impl FnOnce(Bench) -> T)
where
    S: Store,
    T: Future<Output = ()>,
{
    let runtime = runtime();
    runtime.block_on(within_bounds(async {
        test(Bench::open(Arc::new(store.await)).await).await;
    }));
    // A store may have tasks that never end.
    runtime.shutdown_background();
}

/// Compares the store with the model over random histories.
pub fn agrees_with_the_model<S: Store>(store: impl Future<Output = S>) {
    let runtime = runtime();
    let store: Arc<dyn Store> = Arc::new(runtime.block_on(within_bounds(store)));
    machine::compare(runtime.handle(), &store);
    runtime.shutdown_background();
}

/// Several threads, however few processors there are: most of the suite is about what happens at the same time.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap_or_else(|error| panic!("there is no runtime: {error}"))
}

/// A test has many answers to wait for, but not for ever.
async fn within_bounds<T>(test: impl Future<Output = T>) -> T {
    let bound = 10 * bench::patience();
    let answer = timeout(bound, test).await;
    answer.unwrap_or_else(|_| panic!("the test did not end within {bound:?}"))
}

/// The results of all tasks. If one of them fails, so does the test, and the others are stopped.
async fn join_all<T: 'static>(mut tasks: JoinSet<T>) -> Vec<T> {
    let mut results = Vec::with_capacity(tasks.len());
    while let Some(result) = tasks.join_next().await {
        match result {
            Ok(result) => results.push(result),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    results
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn no_test_of_the_suite_is_forgotten() {
        let sources = [
            include_str!("contract/atomicity.rs"),
            include_str!("contract/audit_trails.rs"),
            include_str!("contract/following.rs"),
            include_str!("contract/guards.rs"),
            include_str!("contract/history.rs"),
            include_str!("contract/ids.rs"),
            include_str!("contract/inboxes.rs"),
            include_str!("contract/loading.rs"),
            include_str!("contract/logs.rs"),
            include_str!("contract/payloads.rs"),
            include_str!("contract/reading.rs"),
            include_str!("contract/several_streams.rs"),
            include_str!("contract/snapshots.rs"),
            include_str!("contract/subjects.rs"),
            include_str!("contract/view_hosts.rs"),
            include_str!("contract/writers.rs"),
        ];
        let written: BTreeSet<&str> = sources
            .iter()
            .flat_map(|source| source.lines())
            .filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next())
            .collect();
        let listed: BTreeSet<&str> = include_str!("contract.rs")
            .lines()
            .filter(|line| line.starts_with("                    "))
            .map(str::trim)
            .filter(|word| word.bytes().all(|b| b == b'_' || b.is_ascii_lowercase()))
            .collect();
        assert_eq!(listed, written);
    }
}
