//! Schedules of logins in browsers that a coordinator once failed at. Found by seeds, and shortened.

use super::{LOCKED, STRICT};
use crate::coordinator::simulation::server::Policy;
use crate::coordinator::simulation::walk::play;
use crate::coordinator::simulation::world::Browser::{Await, Back, Begin};
use crate::coordinator::simulation::world::How::{Fails, Garbage, Later, Lost, Ok as Fine, Twice};
use crate::coordinator::simulation::world::Setting;
use crate::coordinator::simulation::world::Step::{
    self, Browser, Crash, Delete, Expire, Job, Look, Pass, Refresh, SignIn, SignOut, Start, StoreDown, Token,
};

fn keeps_every_rule(setting: Setting, steps: &[&[Step]]) {
    assert_eq!(play(setting, &steps.concat(), true).map(drop), Ok(()));
}

/// Seed 322. What a login brought is not stored yet when the row is deleted: it is gone, and its user is not told that all is well.
#[test]
fn who_signs_in_while_the_row_is_deleted_is_not_told_that_they_are_signed_in() {
    let steps = [Browser(1, Begin), Job(1, 0, Fine), Delete, Browser(1, Back(0)), Job(1, 0, Fails)];
    keeps_every_rule(STRICT, &[&steps]);
}

/// Seed 12418. The same for whoever asks later how that login ended, when somebody has signed in otherwise.
#[test]
fn a_login_that_came_to_nothing_is_not_told_as_the_sign_in_after_it() {
    let first = [Browser(0, Begin), Job(0, 0, Twice), Browser(0, Back(0)), Job(0, 0, Lost), Delete, Job(0, 0, Fine)];
    let then = [Pass, Job(0, 0, Twice), SignIn(0), Browser(0, Await(0))];
    keeps_every_rule(STRICT, &[&first, &then]);
}

/// Seed 5092. Two changes in one millisecond: a session that was stored and deleted finds the row of somebody who is signed out,
/// and must not take that for its own.
#[test]
fn what_was_deleted_does_not_come_back_over_a_sign_out_of_the_same_millisecond() {
    let first = [Look(0), SignIn(0), Delete, Job(0, 0, Fine), Job(0, 0, Twice), Browser(1, Begin), Job(1, 0, Fine)];
    let then = [Job(0, 0, Fails), Job(0, 0, Fine), Token(1), Browser(1, Begin), Job(1, 1, Fails), Job(0, 0, Fine)];
    let last = [Expire, Job(0, 0, Fine), Pass, Token(0), Job(0, 0, Garbage), Job(0, 0, Fine), Delete];
    keeps_every_rule(STRICT, &[&first, &then, &last]);
}

/// Seed 5128. Another process redeems the code, and its row is older in number than a session that was signed in here
/// meanwhile: the login is over here all the same.
#[test]
fn a_code_is_not_sent_again_by_who_has_the_newer_session() {
    let first = [Refresh(1), Pass, Pass, Browser(0, Begin), Job(0, 0, Fails), Browser(1, Back(0)), Pass];
    let then = [Job(1, 0, Fine), Job(0, 0, Lost), Job(1, 0, Later), Pass, Job(1, 0, Fine), SignIn(0)];
    let last = [Browser(0, Back(0)), Job(1, 1, Fine)];
    keeps_every_rule(STRICT, &[&first, &then, &last]);
}

/// Seed 75140. Tokens that take the place of a login under way are not what that has brought: its callback is nobody's then.
#[test]
fn tokens_from_elsewhere_do_not_complete_the_login_that_they_supersede() {
    let first = [Pass, Job(1, 0, Garbage), Browser(1, Begin), Job(1, 0, Garbage), Browser(1, Begin), Job(1, 0, Fine)];
    let then = [Job(1, 0, Twice), Browser(1, Back(1)), SignIn(1), Job(1, 0, Twice), Browser(1, Back(1)), SignIn(1)];
    keeps_every_rule(LOCKED, &[&first, &then]);
}

/// Seed 486160. The store failed, and the code was sent without it, but did not leave. When it is tried again the store works, and
/// has to be told first.
#[test]
fn a_code_that_is_tried_again_waits_for_a_store_that_works_again() {
    let first = [Pass, Browser(0, Begin), Job(0, 1, Lost), Browser(0, Back(0)), Pass, Job(0, 0, Twice)];
    let then = [Job(0, 0, Garbage), Job(0, 1, Fails), Pass, Job(0, 1, Fine), StoreDown, Pass];
    keeps_every_rule(LOCKED, &[&first, &then]);
}

/// Seed 1363952. The row is deleted before it has what a login brought, and the code of another login is out.
#[test]
fn what_a_login_brought_is_revoked_when_the_row_is_gone_also_during_another_login() {
    let first = [Browser(1, Begin), Pass, Browser(1, Begin), Job(1, 0, Garbage), Browser(1, Back(0)), Pass];
    let then = [Job(1, 0, Fine), Job(1, 0, Fine), Job(1, 0, Fails), Browser(1, Back(1)), Pass, Delete];
    let last = [Job(1, 0, Fails), Pass, Job(1, 1, Twice)];
    keeps_every_rule(STRICT, &[&first, &then, &last]);
}

/// Seed 109009352. The same callback comes again before what it brought is stored, and somebody signs out and in anew: both who wait
/// are told that nothing came of that login.
#[test]
fn the_second_of_two_same_callbacks_is_not_told_of_a_later_sign_in() {
    let first = [Refresh(1), Browser(0, Begin), Job(1, 0, Twice), Job(0, 0, Fine), Browser(0, Back(0))];
    let then = [Browser(1, Back(0)), Job(0, 0, Fails), Job(1, 0, Twice), Job(0, 0, Twice), Job(1, 0, Fine)];
    let last = [Job(1, 0, Lost), Browser(0, Back(0)), Pass, SignOut(0), Job(0, 0, Fine), SignIn(0)];
    keeps_every_rule(STRICT, &[&first, &then, &last]);
}

/// Seed 100320435. The row is deleted, which takes the proof that a code was sent with it, and somebody has begun another row before
/// this process looks: the logins that it had read of are over all the same.
#[test]
fn logins_of_a_row_that_was_deleted_are_over_also_where_another_row_is_there_by_now() {
    let first = [Browser(0, Begin), Browser(1, Begin), Job(0, 0, Fails), Browser(1, Back(0)), Browser(2, Begin)];
    let then = [Job(2, 0, Fine), Browser(1, Back(1)), Job(1, 1, Fine), Browser(2, Back(1)), Job(2, 0, Fine), Delete];
    let last = [Crash(2), Job(1, 0, Garbage), Start(2), Pass, Browser(2, Begin)];
    let setting = Setting { nodes: 3, policy: Policy::Grace, gentle: false, ..LOCKED };
    keeps_every_rule(setting, &[&first, &then, &last]);
}
