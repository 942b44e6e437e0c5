//! Schedules with names: what each rule is there for. Each is kept with the rule and breaks without it, so the simulation is
//! known to see such a fault. Found by `find_programs`, and shortened by it.

mod logins;

use super::server::Policy;
use super::walk::play;
use super::world::How::{Busy, Fails, Garbage, Later, Lost, Ok as Fine, Twice};
use super::world::Setting;
use super::world::Step::{
    self, Close, Delayed, Delete, Expire, Job, Pass, Refresh, Rejected, SignIn, Start, StoreDown, Token,
};
use crate::coordinator::rules::Rule;

const STRICT: Setting = Setting { nodes: 2, policy: Policy::Strict, lock: false, broken: None, gentle: true };
const LOCKED: Setting = Setting { lock: true, ..STRICT };

fn rests_on(rule: Rule, setting: Setting, steps: &[Step]) {
    let kept = play(Setting { broken: None, ..setting }, steps, true);
    assert_eq!(kept.map(drop), Ok(()), "broken with every rule");
    let broken = play(Setting { broken: Some(rule), ..setting }, steps, true);
    assert!(broken.is_err(), "kept without {rule:?}: the simulation cannot see it");
}

#[test]
fn b1_closing_gives_up_what_waits_for_the_lock() {
    let first = [Pass, Job(0, 1, Fine), Start(0), Job(1, 0, Twice), SignIn(0), Job(0, 0, Fine), Job(0, 0, Twice)];
    let then = [Pass, Job(1, 0, Twice), Pass, Close(0)];
    rests_on(Rule::CloseGivesUpWhatWasNotSent, LOCKED, &[&first[..], &then[..]].concat());
}

#[test]
fn b3_b10_a_no_is_told_after_a_look() {
    rests_on(Rule::LookBeforeNo, LOCKED, &[Delete, Rejected(0), Job(0, 0, Fine), Token(0)]);
}

#[test]
fn b6_a_lock_that_comes_too_late_is_given_back() {
    let steps = [Pass, StoreDown, Pass, Pass, Refresh(1), Pass, Pass, Pass];
    rests_on(Rule::LateLockIsGivenBack, Setting { nodes: 3, ..LOCKED }, &steps);
}

#[test]
fn b7_the_lock_is_given_back_before_anybody_is_told() {
    rests_on(Rule::UnlockBeforeTelling, LOCKED, &[Refresh(1)]);
}

#[test]
fn a_refresh_token_is_spent_under_a_stored_intent() {
    rests_on(Rule::IntentBeforeSend, STRICT, &[Pass, Pass, Pass]);
}

#[test]
fn somebody_elses_intent_is_honoured() {
    let first = [Pass, Job(0, 0, Lost), Pass, Job(0, 0, Fine), Job(0, 0, Fine), Job(0, 0, Busy), Job(0, 0, Later)];
    let then = [Delayed, Rejected(1), Token(0), Pass, Job(1, 0, Fine), Job(0, 0, Fine), Job(0, 0, Fine), Pass];
    rests_on(Rule::ForeignIntentIsHonoured, STRICT, &[&first[..], &then[..]].concat());
}

#[test]
fn a_token_is_used_when_it_is_stored() {
    rests_on(Rule::StoredBeforeUsed, STRICT, &[Pass, Pass, Pass]);
}

#[test]
fn what_was_deleted_stays_deleted() {
    rests_on(Rule::DeletedStaysDeleted, Setting { nodes: 3, ..STRICT }, &[Job(2, 0, Fine), Pass, Delete]);
}

#[test]
fn a_result_is_saved_until_it_is_stored() {
    let steps = [Pass, Pass, Pass, Pass, Pass, Pass, Expire, Job(1, 0, Fine), Job(1, 0, Fails)];
    rests_on(Rule::ResultIsSavedAgain, STRICT, &steps);
}

#[test]
fn b8_a_job_that_never_reports_has_failed() {
    rests_on(Rule::JobsHaveLimits, Setting { nodes: 3, ..LOCKED }, &[Pass, StoreDown, Pass, Pass]);
}

#[test]
fn a_failed_look_at_somebodys_intent_begins_the_count_again() {
    let first =
        [Pass, Job(1, 0, Fine), Job(1, 0, Twice), Job(0, 0, Fine), Job(1, 0, Fine), StoreDown, Job(1, 0, Twice)];
    let then = [Expire, Job(0, 0, Fails), Job(1, 0, Later), Job(2, 1, Fine), Pass, Job(0, 0, Twice), Pass];
    rests_on(Rule::UnbrokenObservation, Setting { nodes: 3, ..STRICT }, &[&first[..], &then[..]].concat());
}

/// Seed 428152. Two sign-ins in one millisecond: the one is stored and deleted, the other, never stored before, takes the
/// empty place. Who still holds the first finds it, and must not take their own for the later one and store it again.
#[test]
fn what_was_deleted_does_not_come_back_over_another_sign_in() {
    let first = [Pass, Pass, Pass, Pass, Pass, SignIn(1), Job(0, 0, Fails), SignIn(0), Job(0, 0, Twice), Delete];
    let then = [Job(1, 1, Fine), Job(1, 0, Garbage), Pass, Job(1, 0, Fine), Pass, Expire, Pass];
    rests_on(Rule::StoredYields, STRICT, &[&first[..], &then[..]].concat());
}

/// Seed 527780.
#[test]
fn a_row_that_began_anew_is_not_taken_for_one_that_was_put_back() {
    let first = [Pass, SignIn(0), Delete, Job(0, 0, Garbage), Refresh(1), SignIn(0), Job(1, 0, Twice), SignIn(1)];
    let then = [Job(0, 0, Fine), Job(0, 1, Fine), Job(0, 0, Twice), Refresh(0), Job(0, 0, Fine), Job(0, 0, Fails)];
    let last = [Delete, Job(0, 0, Fine)];
    assert_eq!(play(LOCKED, &[&first[..], &then[..], &last[..]].concat(), true).map(drop), Ok(()));
}

/// Seed 1079222.
#[test]
fn a_late_save_that_was_stored_and_then_deleted_is_not_made_again() {
    let first = [Job(1, 0, Garbage), Pass, Pass, Pass, Job(0, 0, Twice), Delete, SignIn(0), Job(0, 0, Fine)];
    let then = [StoreDown, Pass, Step::StoreUp, Job(0, 0, Fine), Delete];
    assert_eq!(play(Setting { gentle: false, ..STRICT }, &[&first[..], &then[..]].concat(), true).map(drop), Ok(()));
}

/// Seed 2409460.
#[test]
fn whoever_signed_out_does_not_yield_to_a_late_save_of_its_own() {
    let first = [Pass, Pass, Delete, Job(0, 0, Fine), SignIn(0), Job(0, 0, Garbage), Job(0, 0, Fine), Job(0, 0, Fine)];
    let then =
        [Job(0, 0, Garbage), Pass, Step::SignOut(0), Job(0, 0, Later), Pass, Job(0, 1, Fine), Delete, Step::Delayed];
    assert_eq!(play(LOCKED, &[&first[..], &then[..]].concat(), true).map(drop), Ok(()));
}
