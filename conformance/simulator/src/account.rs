//! For whom a token speaks.

use serde_json::{Value, json};

use crate::options::ORG_ID;
use crate::residents::{Bot, Person};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) email: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) display_name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Person,
    /// A guest.
    AppUser,
    /// The client itself.
    Machine,
}

impl Account {
    pub(crate) fn person(person: &Person) -> Self {
        Self {
            id: person.id.clone(),
            kind: Kind::Person,
            email: person.email.clone(),
            first_name: person.first_name.clone(),
            last_name: person.last_name.clone(),
            display_name: person.display_name(),
        }
    }

    pub(crate) fn guest(subject: &str, display_name: &str) -> Self {
        Self {
            id: format!("guest-{subject}"),
            kind: Kind::AppUser,
            email: format!("{subject}@guests.example.com"),
            first_name: display_name.into(),
            last_name: String::new(),
            display_name: display_name.into(),
        }
    }

    pub(crate) fn machine(client_id: &str, name: &str) -> Self {
        Self {
            id: format!("machine-{client_id}"),
            kind: Kind::Machine,
            email: format!("{client_id}@machines.example.com"),
            first_name: name.into(),
            last_name: String::new(),
            display_name: name.into(),
        }
    }

    pub(crate) fn bot(bot: &Bot) -> Self {
        Self {
            id: bot.id.clone(),
            kind: Kind::Machine,
            email: format!("{}@bots.example.com", bot.id),
            first_name: bot.name.clone(),
            last_name: String::new(),
            display_name: bot.name.clone(),
        }
    }

    /// The body of `/v1/people/me`.
    pub(crate) fn profile(&self, base_url: &str) -> Value {
        json!({
            "id": self.id,
            "emails": [self.email],
            "displayName": self.display_name,
            "nickName": self.first_name,
            "firstName": self.first_name,
            "lastName": self.last_name,
            "avatar": format!("{base_url}/avatars/{}", self.initials()),
            "orgId": ORG_ID,
            "created": "2024-01-02T03:04:05.678Z",
            "type": self.kind.people_type(),
        })
    }

    fn initials(&self) -> String {
        let initials: String = [&self.first_name, &self.last_name]
            .into_iter()
            .filter_map(|name| name.chars().find(char::is_ascii_alphanumeric))
            .collect();
        if initials.is_empty() { "W".into() } else { initials.to_uppercase() }
    }
}

impl Kind {
    fn people_type(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::AppUser => "appuser",
            Self::Machine => "bot",
        }
    }

    /// The `user_type` claim.
    pub(crate) fn user_type(self) -> &'static str {
        match self {
            Self::Person => "user",
            Self::AppUser => "guest",
            Self::Machine => "machine",
        }
    }
}
