//! Spaces: who is in them, and what was said there.

use crate::account::Account;
use crate::options::Options;

#[derive(Clone)]
pub(crate) struct Membership {
    pub(crate) id: String,
    pub(crate) space: String,
    pub(crate) account: Account,
    pub(crate) created_ms: u64,
}

#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) space: String,
    pub(crate) account: Account,
    pub(crate) text: String,
    pub(crate) created_ms: u64,
}

/// Oldest first, both.
#[derive(Default)]
pub(crate) struct Spaces {
    pub(crate) memberships: Vec<Membership>,
    pub(crate) messages: Vec<Message>,
    numbered: u64,
}

impl Spaces {
    /// As the options want them at the start.
    pub(crate) fn new(options: &Options, now: u64) -> Self {
        let mut spaces = Self::default();
        for space in &options.spaces {
            for account in space.members.iter().filter_map(|id| account(options, id)) {
                spaces.add(&space.id, account, now);
            }
        }
        spaces
    }

    pub(crate) fn is_in(&self, space: &str, account: &Account) -> bool {
        self.memberships.iter().any(|member| member.space == space && member.account.id == account.id)
    }

    /// A new member.
    pub(crate) fn add(&mut self, space: &str, account: Account, now: u64) -> Membership {
        let id = format!("membership-{}", self.number());
        let membership = Membership { id, space: space.into(), account, created_ms: now };
        self.memberships.push(membership.clone());
        membership
    }

    pub(crate) fn say(&mut self, space: &str, account: Account, text: &str, now: u64) -> Message {
        let id = format!("message-{}", self.number());
        let message = Message { id, space: space.into(), account, text: text.into(), created_ms: now };
        self.messages.push(message.clone());
        message
    }

    fn number(&mut self) -> u64 {
        self.numbered += 1;
        self.numbered
    }
}

/// The person or the bot with this id or e-mail address.
pub(crate) fn account(options: &Options, hint: &str) -> Option<Account> {
    let person = options.person(hint).map(Account::person);
    person.or_else(|| options.bots.iter().map(Account::bot).find(|bot| bot.id == hint || bot.email == hint))
}
