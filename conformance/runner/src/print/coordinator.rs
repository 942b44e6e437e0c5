//! What a coordinator has its driver do, and what it answers.

use serde_json::Value;
use webex_oauth::coordinator::{
    ClientEvent, Coordinator, Failure, Fresh, Next, Now, Op, Output, Reply, Shown, Spent, StoreFault, StoreFaultKind,
};

use super::{
    Out, at, callback_ignored, device_prompt, event, fault, http_request, misuse, ms, out, plain, sign_in_reason,
    status, token, token_ask, tokens,
};

/// The questions that every coordinator answers.
pub(crate) fn coordinator(coordinator: &Coordinator, now: Now) -> Out {
    let (wake_at, session) = (coordinator.wake_at(), coordinator.session());
    let wake_at =
        out().put_some("wall", wake_at.wall.map(at)).put_some("mono", wake_at.mono.map(|tick| tick.as_millis()));
    out()
        .put("wake_at", wake_at)
        .put_some("store_fault", coordinator.store_fault().map(store_fault))
        .put("status", status(&session.status(now.wall)))
        .put_some("tokens", session.tokens().map(tokens))
        .put("revision", session.revision())
}

pub(crate) fn output(output: &Output) -> Value {
    match output {
        Output::Do { job, op: what } => out().put("job", job.0).put("op", op(what)).of("do"),
        Output::Stop { job } => out().put("job", job.0).of("stop"),
        Output::Resolve { ticket, reply: what } => {
            out().put("ticket", ticket.0).put("reply", reply(what)).of("resolve")
        }
        Output::Show { ticket, what: Shown::DeviceCode(prompt) } => {
            let what = out().put("device_code", device_prompt(prompt));
            out().put("ticket", ticket.0).put("what", what).of("show")
        }
        Output::Tell { event } => out().put("event", client_event(event)).of("tell"),
        Output::Publish { fresh: what } => out().put_some("fresh", what.as_ref().map(fresh)).of("publish"),
    }
}

fn op(op: &Op) -> Value {
    match op {
        Op::Load => "load".into(),
        Op::Save { snapshot, revision, replaces, due_at } => out()
            .put("snapshot", plain(snapshot))
            .put("revision", *revision)
            .put("replaces", *replaces)
            .put_some("due_at", due_at.map(at))
            .of("save"),
        Op::TryLock => "try_lock".into(),
        Op::Unlock => "unlock".into(),
        Op::Send { request, fresh_connection, within, not_after } => out()
            .put("request", http_request(request))
            .put("fresh_connection", *fresh_connection)
            .put("within", ms(*within))
            .put_some("not_after", not_after.map(|tick| tick.as_millis()))
            .of("send"),
        Op::AskForToken { ask, within } => {
            out().put("ask", token_ask(ask)).put("within", ms(*within)).of("ask_for_token")
        }
        Op::AskForJwt { within } => out().put("within", ms(*within)).of("ask_for_jwt"),
    }
}

fn reply(reply: &Reply) -> Value {
    match reply {
        Reply::Token { token: handle, generation, expires_at } => out()
            .put("token", token(handle))
            .put("generation", *generation)
            .put_some("expires_at", expires_at.map(at))
            .of("token"),
        Reply::Api(next) => out().put("api", api(next)).into(),
        Reply::SignedIn { cleaned_url, state } => {
            out().put_some("cleaned_url", cleaned_url.as_deref()).put_some("state", state.as_deref()).of("signed_in")
        }
        Reply::Url(url) => out().put("url", plain(url)).into(),
        Reply::Done => "done".into(),
        Reply::Failed(why) => out().put("failed", failure(why)).into(),
    }
}

fn api(next: &Next) -> Value {
    match next {
        Next::Return { why } => out().put_some("why", why.as_ref().map(failure)).of("return"),
        Next::Again { token: handle, generation, spent: so_far } => {
            out().put("token", token(handle)).put("generation", *generation).put("spent", spent(*so_far)).of("again")
        }
    }
}

fn spent(spent: Spent) -> Out {
    out().put("replays", spent.replays).put("waited", ms(spent.waited)).put("limit", ms(spent.limit))
}

fn failure(failure: &Failure) -> Value {
    match failure {
        Failure::SignInRequired { reason } => out().put("reason", sign_in_reason(reason)).of("sign_in_required"),
        Failure::Unavailable { fault: why, retry_at } => {
            out().put("fault", fault(why)).put("retry_at", at(*retry_at)).of("unavailable")
        }
        Failure::LoginFailed { fault: why } => out().put("fault", fault(why)).of("login_failed"),
        Failure::CallbackIgnored { reason } => out().put("reason", callback_ignored(*reason)).of("callback_ignored"),
        Failure::LoginCancelled => "login_cancelled".into(),
        Failure::LoginSuperseded => "login_superseded".into(),
        Failure::Timeout { limit } => out().put("limit", ms(*limit)).of("timeout"),
        Failure::Store(fault) => out().put("store", store_fault(fault)).into(),
        Failure::ScopeUnknown => "scope_unknown".into(),
        Failure::Misuse(what) => out().put("misuse", misuse(what)).into(),
        Failure::Closed => "closed".into(),
        Failure::Interrupted => "interrupted".into(),
    }
}

fn client_event(told: &ClientEvent) -> Value {
    match told {
        ClientEvent::Session(what) => out().put("session", event(what)).into(),
        ClientEvent::StoreFailed(fault) => out().put("store_failed", store_fault(fault)).into(),
        ClientEvent::StoreRecovered => "store_recovered".into(),
    }
}

fn store_fault(fault: &StoreFault) -> Out {
    let kind = match fault.kind {
        StoreFaultKind::Unavailable => "unavailable",
        StoreFaultKind::Denied => "denied",
        StoreFaultKind::Full => "full",
        StoreFaultKind::Damaged => "damaged",
        StoreFaultKind::Other => "other",
    };
    out().put("kind", kind).put("problem", fault.problem.as_str())
}

pub(crate) fn fresh(fresh: &Fresh) -> Out {
    out()
        .put("token", token(&fresh.token))
        .put("generation", fresh.generation)
        .put_some("expires_at", fresh.expires_at.map(at))
        .put("from", at(fresh.from))
        .put_some("until", fresh.until.map(at))
}
