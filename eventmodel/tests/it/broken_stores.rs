//! The suite for stores catches what it is for: each broken store fails the tests that are about its flaw, and a
//! sound store that is as loose as the contract allows passes all of them.

use std::panic::{AssertUnwindSafe, catch_unwind};

use eventmodel_testing::{contract, hosts_contract, store_contract};

mod flaw;
mod hosts;
mod loose;

use flaw::Flaw;
use hosts::{Wrong, WrongHosts};
use loose::LooseStore;

use crate::snapshots::keeper::{Keeper, Keeping};

store_contract!(a_loose_store, || async { LooseStore::new(Flaw::Nothing) });

hosts_contract!(hosts_of_a_loose_store, || async {
    LooseStore::new(Flaw::Nothing)
});

/// What the test said when it failed.
fn failure(test: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(test)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(
        text.or_else(|| Some((*panic.downcast_ref::<&str>()?).to_owned()))
            .unwrap_or_default(),
    )
}

macro_rules! caught {
    ($store:ident, $flaws:ident; $($name:ident: $flaw:ident { $($topic:ident::$test:ident)* })*) => {$(
        #[test]
        fn $name() {
            $({
                let store = async { $store::new($flaws::$flaw) };
                let failed = failure(|| contract::run(store, contract::$topic::$test));
                let message = failed.expect(concat!(stringify!($test), " did not notice it"));
                assert!(!message.is_empty());
                println!("{}: {message}", stringify!($test));
            })*
        }
    )*};
}

caught! { LooseStore, Flaw;
    a_store_that_ignores_guards: IgnoresGuards {
        guards::the_second_writer_of_a_first_event_loses
        guards::a_guard_behind_the_tail_conflicts
        guards::a_guard_ahead_of_the_tail_conflicts
        guards::one_guard_that_fails_stores_nothing_anywhere
        writers::exactly_one_of_eight_writers_wins_each_round
        writers::no_update_is_lost
        history::a_concurrent_history_has_one_order
    }
    a_store_that_guards_only_what_is_written: IgnoresGuardsOfWhatIsOnlyRead {
        guards::an_instance_that_is_only_read_can_be_guarded
        guards::the_absence_of_an_instance_can_be_guarded
        guards::one_guard_that_fails_stores_nothing_anywhere
        history::a_concurrent_history_has_one_order
    }
    a_store_that_takes_any_first_event: TakesAnyFirstEvent {
        guards::the_second_writer_of_a_first_event_loses
        guards::the_absence_of_an_instance_can_be_guarded
    }
    a_store_that_takes_guards_ahead: TakesGuardsAhead {
        guards::a_guard_ahead_of_the_tail_conflicts
    }
    a_store_that_tests_guards_before_it_locks: TestsGuardsBeforeTheLock {
        writers::exactly_one_of_eight_writers_wins_each_round
        history::a_concurrent_history_has_one_order
        ids::a_command_sent_many_times_at_once_is_stored_once
    }
    a_store_that_mixes_up_guards_now_and_then: MixesUpGuards {
        guards::a_false_guard_among_several_is_never_taken
    }
    a_store_that_tells_a_wrong_revision_in_a_conflict: TellsAWrongRevisionInAConflict {
        guards::a_guard_behind_the_tail_conflicts
        history::a_concurrent_history_has_one_order
    }
    a_store_that_forgets_ids: ForgetsIds {
        ids::the_same_command_again_gives_the_first_receipt
        ids::the_first_receipt_is_given_when_the_guards_no_longer_hold
        ids::a_command_sent_many_times_at_once_is_stored_once
        ids::what_was_committed_is_found
    }
    a_store_that_takes_any_command_under_a_used_id: TakesAnyCommandUnderAUsedId {
        ids::another_command_under_a_used_id_is_refused
        ids::a_used_id_is_noticed_on_another_instance
    }
    a_store_that_takes_all_commands_for_absent: TakesAllForAbsent {
        ids::a_command_that_is_said_to_be_absent_is_absent
    }
    a_store_that_shares_ids_between_logs: SharesIdsBetweenLogs {
        logs::two_logs_know_nothing_of_each_other
    }
    a_store_that_stores_a_part_before_a_conflict: StoresAPartBeforeAConflict {
        guards::one_guard_that_fails_stores_nothing_anywhere
        atomicity::after_a_conflict_nothing_of_a_batch_is_there
    }
    a_store_that_stores_events_one_by_one: StoresTheEventsOneByOne {
        atomicity::concurrent_batches_never_interleave
        atomicity::a_read_never_ends_within_a_batch
        atomicity::a_load_never_shows_a_part_of_a_batch
    }
    a_store_that_loses_an_event_of_a_batch: LosesAnEventOfABatch {
        guards::several_instances_are_written_in_one_append
        atomicity::a_batch_of_many_events_is_stored_whole_and_in_order
    }
    a_store_that_delivers_twice_to_followers: DuplicatesForFollowers {
        following::followers_miss_nothing_while_others_write
        following::a_slow_reader_misses_nothing
        reading::a_follower_gets_what_is_appended_later
    }
    a_store_that_loses_for_followers: LosesForFollowers {
        following::followers_miss_nothing_while_others_write
        following::a_slow_reader_misses_nothing
        following::a_reader_that_is_resumed_at_every_event_misses_nothing
    }
    a_store_that_ends_for_followers: EndsForFollowers {
        reading::a_follower_gets_what_is_appended_later
    }
    a_store_that_starts_a_reader_too_late: StartsOneLate {
        reading::a_log_is_read_from_any_position
    }
    a_store_that_delivers_copies: DeliversCopies {
        several_streams::an_event_of_several_streams_is_delivered_once
        several_streams::a_reader_goes_on_after_an_event_of_two_streams
    }
    a_store_that_ignores_patterns: IgnoresPatterns {
        reading::a_reader_chooses_by_subject
        reading::a_follower_chooses_by_subject
        reading::a_read_that_does_not_follow_ends
    }
    a_store_that_reads_only_by_the_first_subject: ReadsOnlyTheFirstSubject {
        several_streams::an_event_of_several_streams_is_delivered_once
    }
    a_store_that_tells_no_log_from_another: TellsNoLogFromAnother {
        reading::a_log_is_told_from_another
    }
    a_store_that_takes_any_number: TakesAnyNumber {
        payloads::more_records_than_the_limit_are_refused
    }
    a_store_that_truncates_loads: TruncatesLoads {
        loading::an_instance_of_ten_thousand_events_is_loaded
    }
    a_store_that_ignores_floors: IgnoresFloors {
        loading::a_load_knows_of_the_event_it_is_told_of
        guards::the_first_event_of_an_instance_expects_nothing_before_it
    }
    a_store_that_takes_the_end_of_the_log_for_a_revision: TellsTheRevisionOfTheLog {
        loading::an_instance_without_events_is_empty
        guards::what_others_write_elsewhere_breaks_no_guard
        writers::writers_of_different_instances_never_conflict
    }
    a_store_that_takes_a_copy_for_the_last_event: CountsCopiesInTheLastPosition {
        loading::the_last_position_is_that_of_the_last_event
    }
    a_store_that_shares_history_of_two_keys: SharesHistoryOfKeys {
        subjects::hostile_keys_do_not_share_history
    }
    a_store_that_rounds_times: RoundsTimes {
        payloads::metadata_comes_back_to_the_last_field
    }
    a_store_that_drops_a_field: DropsCausation {
        payloads::metadata_comes_back_to_the_last_field
    }
    a_store_that_takes_payloads_for_text: ReadsPayloadsAsText {
        payloads::any_bytes_are_a_payload
        payloads::a_large_payload_is_intact
    }
    a_store_that_stores_what_fits_of_a_batch: StoresWhatFitsOfABatch {
        payloads::a_payload_over_the_limit_is_refused
    }
    a_store_that_forgets_when_it_is_opened: ForgetsWhenOpened {
        logs::opening_a_log_again_keeps_it
        logs::a_log_is_opened_by_many_at_once
    }
    a_store_that_creates_missing_logs: CreatesMissingLogs {
        logs::a_log_that_was_not_opened_is_named_in_the_error
    }
}

caught! { LooseStore, Flaw;
    a_follower_that_is_given_events_twice: DuplicatesForFollowers {
        following::followers_miss_nothing_while_others_write
    }
    a_view_that_is_not_given_all_events: LosesForFollowers {
        view_hosts::a_view_applies_each_event_once_and_in_order
        view_hosts::a_view_that_is_hosted_again_goes_on_where_it_was
        inboxes::an_inbox_gives_each_event_in_the_order_of_the_log
    }
}

caught! { WrongHosts, Wrong;
    a_view_that_says_it_has_reached_what_it_has_not: SaysItHasReached {
        view_hosts::a_view_that_has_reached_a_position_shows_what_was_there
        view_hosts::a_view_stops_at_an_event_that_it_cannot_read
    }
    a_view_that_skips_events: SkipsEvents {
        view_hosts::a_view_applies_each_event_once_and_in_order
    }
    a_view_that_lists_by_text: ListsByText {
        view_hosts::a_view_lists_by_the_tokens_of_a_key
    }
    a_watch_that_does_not_start_with_what_is_there: WatchesOnlyWhatChanges {
        view_hosts::a_watcher_starts_with_what_is_there_and_misses_nothing
    }
    a_watch_that_loses_changes: LosesChanges {
        view_hosts::a_watcher_starts_with_what_is_there_and_misses_nothing
    }
    a_watch_that_does_not_know_where_it_was: ForgetsWhereAWatcherWas {
        view_hosts::a_watcher_that_comes_back_gets_what_changed
    }
    an_inbox_that_loses_what_is_dropped: LosesWhatIsDropped {
        inboxes::a_next_that_is_dropped_loses_no_event
    }
    an_inbox_that_never_repeats: NeverRepeats {
        inboxes::what_was_not_done_comes_again
    }
    an_inbox_that_forgets: Forgets {
        inboxes::what_was_done_does_not_come_again_in_whatever_order
        inboxes::two_inboxes_share_the_events_and_one_goes_on_alone
        inboxes::what_is_parked_is_kept_until_it_is_released
    }
    a_trail_that_tells_the_oldest_first: TellsTheOldestFirst {
        audit_trails::an_entry_comes_back_as_it_was_noted
        audit_trails::a_query_gets_what_it_asks_for_the_newest_first
    }
    a_trail_that_rounds_times: RoundsTimes {
        audit_trails::an_entry_comes_back_as_it_was_noted
    }
}

caught! { Keeper, Keeping;
    a_store_that_takes_an_older_snapshot_for_the_newest: OlderAsNewest {
        snapshots::a_snapshot_is_only_for_its_fold
        snapshots::an_older_snapshot_is_never_the_newest_state
        snapshots::a_snapshot_is_whole_while_others_write
    }
    a_store_that_gives_a_snapshot_to_any_fold: OfAnyFold {
        snapshots::a_snapshot_is_only_for_its_fold
        snapshots::an_older_snapshot_is_never_the_newest_state
    }
    a_store_that_mixes_up_the_snapshots_of_instances: OfAnySubject {
        snapshots::the_snapshot_of_the_last_event_is_loaded
        snapshots::an_event_of_two_streams_has_a_snapshot_in_each
    }
    a_store_that_keeps_the_snapshot_of_a_refused_append: OfARefusedAppend {
        snapshots::an_append_that_is_not_stored_leaves_no_snapshot
    }
    a_store_that_keeps_the_snapshot_of_an_append_that_was_stored_before: OfAnAppendThatWasStoredBefore {
        snapshots::an_append_that_is_not_stored_leaves_no_snapshot
    }
    a_store_that_gives_a_snapshot_to_who_did_not_ask: Unasked {
        snapshots::a_snapshot_is_only_for_who_asks_for_it
    }
    a_store_that_loses_the_events_after_a_snapshot: WithoutTheEventsAfterIt {
        snapshots::an_older_snapshot_is_never_the_newest_state
        snapshots::a_snapshot_is_whole_while_others_write
    }
    a_store_that_cuts_snapshots_short: CutShort {
        snapshots::a_snapshot_of_the_largest_size_is_intact
    }
    a_store_that_never_gives_a_snapshot_back: Never {
        snapshots::the_snapshot_of_the_last_event_is_loaded
    }
}

#[test]
fn random_histories_catch_a_broken_store_and_say_how_to_repeat_it() {
    for flaw in [
        Flaw::IgnoresGuardsOfWhatIsOnlyRead,
        Flaw::TakesGuardsAhead,
        Flaw::ForgetsIds,
        Flaw::TakesAnyCommandUnderAUsedId,
        Flaw::StoresAPartBeforeAConflict,
        Flaw::LosesAnEventOfABatch,
        Flaw::DeliversCopies,
        Flaw::TellsTheRevisionOfTheLog,
        Flaw::ForgetsWhenOpened,
    ] {
        let store = async { LooseStore::new(flaw) };
        let message = failure(|| contract::agrees_with_the_model(store));
        let message = message.unwrap_or_else(|| panic!("{flaw:?} was not noticed"));
        println!("{flaw:?}: {message}\n");
        assert!(message.contains("PROPTEST_RNG_SEED="), "{message}");
        // Shrunk: no flaw needs more than two or three appends to be seen.
        let steps = message.matches("\n  Append {").count();
        assert!(steps <= 5, "{steps} appends are left: {message}");
    }
}
