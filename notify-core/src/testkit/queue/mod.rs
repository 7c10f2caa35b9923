//! The contract of [`Queue`](crate::queue::Queue), clause by clause.

mod accept;
mod begin;
mod caps;
mod claim;
mod effects;
mod handoff;
mod histories;
mod keys;
mod operators;
mod people;
mod premises;
mod races;
mod reclaim;
mod settle;
mod upkeep;

use crate::testkit::{StoreHarness, clauses};

clauses! {
    /// Makes a test of each clause of [`Queue`](crate::queue::Queue). Takes an expression that makes a
    /// [`StoreHarness`](crate::testkit::StoreHarness), once for each test.
    ///
    /// ```
    /// # #[cfg(test)]
    /// notify_core::queue_tests!(notify_core::testkit::Memory::new());
    /// ```
    macro $ queue_tests for queue: dyn StoreHarness {
        accept {
            what_was_accepted_is_there_after_a_crash,
            the_refusal_of_one_item_leaves_its_neighbours_alone,
            what_is_to_be_sent_can_be_claimed_from_its_due_time_on,
            what_is_held_can_be_claimed_from_its_due_time_on,
            what_is_suppressed_ends_at_once_with_its_reason,
            a_job_of_an_unknown_kind_is_kept_with_its_payload,
            a_job_that_is_there_already_stays_as_it_is,
            an_advance_moves_its_job_in_the_same_commit,
            an_advance_that_is_done_removes_its_job,
            an_advance_of_a_lost_job_is_fenced_and_stores_nothing,
            a_chunk_that_is_accepted_twice_is_stored_once,
            an_item_that_is_refused_does_not_advance_its_job,
            a_job_is_moved_on_where_there_is_nothing_to_make,
        }
        keys {
            the_same_key_and_request_is_a_duplicate_with_the_first_id,
            the_same_key_with_another_request_is_a_conflict,
            two_equal_keys_in_one_batch_make_one_notification,
            of_32_callers_with_one_key_at_once_one_is_new,
            of_32_callers_with_one_key_and_different_requests_the_others_conflict,
            keys_of_different_tenants_are_different_keys,
            the_same_notification_again_is_a_duplicate_of_itself,
            a_key_outlives_the_end_of_its_notification,
        }
        handoff {
            a_handoff_is_called_once_after_the_commit_with_epoch_1,
            a_handoff_is_dropped_if_nothing_was_stored,
            a_handoff_of_what_is_not_to_be_sent_at_once_is_dropped,
            nobody_else_claims_what_was_handed_over,
            what_was_handed_over_is_taken_back_when_its_loan_ended,
            what_was_handed_over_holds_for_as_long_as_its_lease_says,
        }
        premises {
            a_stale_item_names_the_premise_and_stores_nothing,
            a_refused_begin_changes_nothing_and_the_lease_still_holds,
            one_failed_premise_is_enough_and_the_others_count_nothing,
            not_expired_holds_before_the_instant_only,
            preferences_hold_until_the_person_changes_them,
            preferences_hold_until_the_tenant_changes_its_rules,
            an_opt_out_between_claim_and_begin_refuses,
            a_stamp_of_another_database_does_not_hold,
            a_fresh_read_holds_no_longer_than_its_age,
            a_suppressed_address_fails_for_its_scope_channel_and_tenant_only,
            content_is_not_said_again_within_its_window,
            content_does_not_stand_in_its_own_way,
            a_step_depends_on_the_state_of_the_step_before,
            a_step_is_not_begun_once_the_step_before_was_seen,
        }
        caps {
            a_cap_counts_in_an_exact_sliding_window,
            a_cap_says_when_there_is_room_again,
            a_cap_of_nothing_never_has_room,
            a_cap_counts_a_delivery_once_however_often_it_begins,
            a_cap_counts_from_the_last_begin_on,
            a_cap_takes_back_what_certainly_did_not_go_out,
            a_cap_keeps_what_may_have_gone_out,
            a_cap_is_counted_at_accept_too,
            a_cap_holds_within_one_item_and_one_batch,
            a_cap_holds_among_16_workers_at_once,
            a_refused_delivery_is_not_counted,
            caps_of_different_keys_and_tenants_are_different_caps,
        }
        claim {
            claim_lends_nothing_that_is_not_due,
            claim_lends_of_each_lane_at_most_what_was_asked,
            claim_leaves_other_lanes_alone,
            a_job_is_lent_to_one_owner_at_a_time,
            claimers_at_once_get_each_job_once,
            each_claim_raises_the_epoch_by_one,
            what_is_due_earlier_is_lent_earlier,
            a_lease_says_whose_job_it_is_and_how_long_it_holds,
            a_released_job_is_as_it_was,
            release_asked_again_is_applied,
            release_of_a_lost_lease_is_fenced,
            what_was_begun_is_not_given_back,
            extend_prolongs_and_names_what_is_lost,
        }
        begin {
            begin_makes_a_delivery_sending,
            begin_counts_one_call_and_keeps_what_is_frozen,
            begin_asked_again_is_go_and_counts_once,
            begin_asked_again_is_go_whatever_changed_since,
            begin_with_a_lost_lease_is_fenced_and_changes_nothing,
            begin_after_the_loan_was_given_back_is_fenced,
            each_start_of_a_batch_has_its_own_answer,
        }
        settle {
            settle_writes_state_event_and_details_together,
            settle_asked_again_is_applied_and_written_once,
            settle_asked_again_after_the_job_was_lent_anew_changes_nothing,
            settle_with_a_lost_lease_is_fenced_and_changes_nothing,
            an_illegal_settlement_is_refused_and_nothing_of_the_call_is_stored,
            a_settlement_without_a_call_ends_what_was_not_begun,
            again_makes_a_job_due_at_that_time_for_anyone,
            finished_takes_a_job_out_of_the_queue,
            settle_of_a_job_that_is_no_delivery_ends_it,
            targets_that_were_settled_come_with_the_next_lease,
            a_recipient_of_the_call_is_erased_when_the_delivery_ends,
        }
        effects {
            the_effect_release_lets_a_waiting_step_go,
            the_effect_cancel_ends_a_waiting_step,
            the_effect_suppress_suppresses_an_address,
            an_effect_fences_whoever_has_the_step,
            no_effect_touches_what_is_being_sent_or_has_ended,
            no_effect_touches_another_tenant,
            effects_of_a_fenced_settlement_do_not_happen,
        }
        reclaim {
            reclaim_takes_the_leases_of_dead_owners,
            reclaim_takes_the_leases_that_ended,
            a_reclaimed_lease_is_fenced_everywhere,
            reclaim_raises_the_epoch_and_counts_a_crash_but_no_call,
            what_was_being_sent_comes_back_as_interrupted_until_it_is_settled,
            what_was_not_being_sent_does_not_come_back_as_interrupted,
            a_job_that_killed_three_owners_is_poison,
            what_was_being_sent_in_a_crash_is_taken_back_after_it,
        }
        operators {
            cancel_ends_what_is_queued_or_held,
            cancel_fences_whoever_has_the_job,
            cancel_is_too_late_for_what_is_being_sent,
            cancel_is_too_late_for_what_has_ended,
            cancel_ends_dead_letters,
            dead_letters_come_newest_first_in_pages,
            requeue_gives_a_fresh_set_of_attempts_and_a_higher_epoch,
            requeue_opens_the_targets_that_nobody_took,
            requeue_is_for_dead_letters_only,
            a_lease_from_before_a_requeue_is_fenced,
            purge_ends_a_dead_letter_for_good,
            an_operators_changes_leave_one_audit_row_each,
            operators_reach_their_own_tenant_only,
        }
        people {
            hasten_makes_what_is_held_for_a_person_due_and_leaves_it_held,
            hasten_leaves_what_waits_for_something_else_alone,
            hasten_leaves_other_people_and_tenants_alone,
            hasten_leaves_alone_what_is_due_being_sent_or_over,
            hasten_fences_whoever_has_something_of_theirs,
            usage_counts_what_a_cap_would_count_and_counts_nothing_itself,
            usage_says_when_there_is_room,
            a_notification_is_found_by_its_key,
        }
        races {
            begin_by_two_at_once_counts_once,
            settle_by_two_at_once_is_written_once,
            of_begin_and_cancel_at_once_one_wins,
            of_settle_and_reclaim_at_once_one_wins,
            of_two_requeues_at_once_one_wins,
        }
        histories {
            any_history_is_answered_as_the_model_does,
        }
        upkeep {
            depth_counts_each_lane,
            depth_counts_jobs_that_killed_their_owners,
            sweep_forgets_keys_that_are_old_enough,
            sweep_forgets_ended_deliveries_that_are_old_enough,
            sweep_keeps_dead_letters_for_longer_and_counts_them,
            sweep_never_forgets_what_is_open,
            sweep_keeps_the_key_of_what_is_still_open,
            sweep_answers_whether_there_is_more,
            wait_returns_when_something_was_accepted,
            wait_returns_on_wake,
            wait_returns_when_its_time_is_over,
            debug_output_shows_no_data,
        }
    }
}
