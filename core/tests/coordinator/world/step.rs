//! What may happen.

use crate::coordinator::rules::Rule;
use crate::coordinator::simulation::server::Policy;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) nodes: usize,
    pub(crate) policy: Policy,
    /// The store has a lock.
    pub(crate) lock: bool,
    /// A rule that is switched off.
    pub(crate) broken: Option<Rule>,
    /// Steps that excuse the loss of a session do not happen.
    pub(crate) gentle: bool,
}

/// How a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Ok,
    /// Not done, and said so.
    Fails,
    /// Done, and the answer is lost.
    Lost,
    /// The answer is lost, and it may be done later: a save alone.
    Later,
    /// A body that nobody can read, a result of another kind.
    Garbage,
    /// Reported twice.
    Twice,
    /// The server acts upon it, and the answer lies in the socket.
    Processed,
    /// 503.
    Busy,
}

/// What becomes of logins in browsers. They are counted in the order in which their pages were opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Browser {
    /// A login begins.
    Begin,
    /// The person agreed, and the browser comes back: for the first time, or once more.
    Back(usize),
    /// The person said no.
    Denied(usize),
    /// The login is cancelled.
    GiveUp(usize),
    /// Somebody waits for its end.
    Await(usize),
}

/// What becomes of device logins. They are counted in the order in which the server has begun them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Device {
    /// A login begins.
    Begin,
    /// The person agreed.
    Agree(usize),
    /// The person said no.
    Refuse(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Token(usize),
    Refresh(usize),
    Rejected(usize),
    SignIn(usize),
    Browser(usize, Browser),
    Device(usize, Device),
    SignOut(usize),
    Look(usize),
    Close(usize),
    GiveUp(usize),
    /// The n-th job that is out at this node.
    Job(usize, usize, How),
    Crash(usize),
    Start(usize),
    Fork(usize),
    Suspend(usize),
    Resume(usize),
    /// Until somebody wants to be woken.
    Pass,
    /// An hour and a bit: tokens end.
    Expire,
    /// The wall clock of this node is set by an hour, forward or back.
    SetClock(usize, bool),
    Delayed,
    Delete,
    StoreDown,
    StoreUp,
    /// A replica that lacks the last write takes the store's place.
    FailOver,
}
