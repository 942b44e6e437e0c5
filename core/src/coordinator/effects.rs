//! What the session has its driver do, and when: what changes the stored state is stored first, and what follows from it waits.

use super::output::{ClientEvent, Output, Reply, Shown};
use super::rules::Rule;
use super::{Coordinator, Ticket};
use crate::action::guarded::Guarded;
use crate::effect::Effect;
use crate::error::Misuse;
use crate::event::Event;
use crate::input::Input;

/// An effect, and on whose account it came about.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Tagged {
    pub(super) effect: Effect,
    by_guard: bool,
    caller: Option<Ticket>,
}

impl Coordinator {
    /// Gives the session an input that is nobody's mistake.
    pub(super) fn give(&mut self, input: Input) {
        self.give_from(input, false);
    }

    pub(super) fn give_from(&mut self, input: Input, by_guard: bool) {
        // What servers, hosts and stores say is never a mistake; what could be one is given by `try_give`.
        let _ = self.try_give(input, by_guard);
    }

    pub(super) fn try_give(&mut self, input: Input, by_guard: bool) -> Result<(), Misuse> {
        let output = self.session.handle(self.now.wall, input)?;
        self.take_effects(output.effects, by_guard);
        Ok(())
    }

    /// The same for what is no input.
    pub(super) fn act(&mut self, action: Guarded, by_guard: bool) {
        let output = self.session.act(self.now.wall, &action);
        self.take_effects(output.effects, by_guard);
    }

    /// Takes note of what an input led to. What comes with a new state waits until that is stored; what is told keeps its
    /// order in any case.
    pub(super) fn take_effects(&mut self, effects: Vec<Effect>, by_guard: bool) {
        if by_guard {
            self.note_renewals(&effects);
        }
        self.note_logins(&effects);
        let persists = matches!(effects.first(), Some(Effect::Persist { .. }));
        self.changed |= !effects.is_empty();
        for effect in effects {
            if matches!(effect, Effect::Persist { .. }) {
                self.saving.change();
                continue;
            }
            let tagged = Tagged { effect, by_guard, caller: self.caller };
            let follows = self.saving.holds() || by_guard && !self.saving.is_all_settled();
            let waits = persists || matches!(tagged.effect, Effect::Notify { .. }) && follows;
            if waits && self.options.store.is_some() {
                self.saving.hold(tagged);
            } else {
                self.release(tagged);
            }
        }
        if self.options.store.is_none() {
            self.saving.nothing_to_store();
        }
    }

    /// The turn of an effect has come.
    pub(super) fn release(&mut self, tagged: Tagged) {
        let Tagged { effect, by_guard, caller } = tagged;
        match effect {
            Effect::Persist { .. } => {}
            Effect::Send { request } => self.begin_send(request, by_guard, caller),
            Effect::AskForJwt { id } => self.begin_ask(id, None, by_guard),
            Effect::AskForToken { id, ask } => self.begin_ask(id, Some(ask), by_guard),
            Effect::OpenBrowser { url } => {
                if let Some(ticket) = caller {
                    self.url_is_there(ticket, Reply::Url(url));
                }
            }
            Effect::ShowDeviceCode { prompt } => {
                for ticket in self.waiters.tickets_of_login(self.current_login()) {
                    self.out.push_back(Output::Show { ticket, what: Shown::DeviceCode(prompt.clone()) });
                }
            }
            Effect::Notify { event } => self.tell(ClientEvent::Session(event)),
        }
    }

    /// For whoever listens: after everything else, the store's lock given back included.
    pub(super) fn tell(&mut self, event: ClientEvent) {
        if self.obeys(Rule::UnlockBeforeTelling) {
            self.tells.push(event);
        } else {
            self.out.push_back(Output::Tell { event });
        }
    }

    /// After another state was taken in: what is not wanted any longer is dropped, and requests that will not be sent are
    /// not waited for.
    pub(super) fn drop_what_is_superseded(&mut self) {
        let held = self.saving.take_held();
        let mut undone = Vec::new();
        for (after, tagged) in held {
            if self.session.still_wants(&tagged.effect) || is_for_a_person(&tagged.effect) {
                self.saving.hold_again(after, tagged);
            } else if let Effect::Send { request } = &tagged.effect {
                undone.push(Input::SendFailed { id: request.id, fault: crate::SendFault::NotSent });
            } else if let Effect::AskForJwt { id } | Effect::AskForToken { id, .. } = &tagged.effect {
                undone.push(Input::HostFailed { id: *id, reason: "superseded".to_owned() });
            }
        }
        undone.into_iter().for_each(|input| self.give(input));
    }

    /// What renewals came to, for those who wait for one.
    fn note_renewals(&mut self, effects: &[Effect]) {
        for effect in effects {
            let Effect::Notify { event } = effect else { continue };
            match event {
                Event::TokensRefreshed { .. } | Event::SignedIn { .. } => self.guard.renewed(),
                Event::RefreshFailed { fault, retry_at } => {
                    self.guard.failed(std::sync::Arc::clone(fault), *retry_at);
                }
                _ => {}
            }
        }
    }

    /// Nothing is given out without asking from the moment on at which the user signed out.
    pub(super) fn unpublish(&mut self) {
        if self.published.take().is_some() {
            self.out.push_back(Output::Publish { fresh: None });
        }
    }
}

fn is_for_a_person(effect: &Effect) -> bool {
    matches!(effect, Effect::OpenBrowser { .. } | Effect::ShowDeviceCode { .. })
}
