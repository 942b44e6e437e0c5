//! Faults on demand: what goes wrong, for which requests, and how often.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::endpoint::Endpoint;
use crate::fault_kind::FaultKind;

/// A fault in the queue. Each request takes the first one that is meant for it.
///
/// In JSON the members of [`FaultKind`] stand beside the others:
/// `{"fault": "cut", "after": true, "endpoint": "access_token", "times": 2}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct Fault {
    /// Only for this endpoint. None: for any.
    pub endpoint: Option<Endpoint>,
    /// Only for forms with this `grant_type`.
    pub grant_type: Option<String>,
    /// Lets so many of its requests pass first.
    pub skip: u32,
    /// How many requests it befalls, 1 where JSON does not say. None: all, until it is cleared.
    pub times: Option<u32>,
    /// What goes wrong.
    pub kind: FaultKind,
}

impl Fault {
    /// This fault, once, for any request.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self { endpoint: None, grant_type: None, skip: 0, times: Some(1), kind }
    }

    /// An error status with an error body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::new(FaultKind::Status { status, retry_after: None, error: None, body: None, after: false })
    }

    /// An OAuth error, in the style of the endpoint.
    #[must_use]
    pub fn error(status: u16, code: &str) -> Self {
        let error = Some(code.into());
        Self::new(FaultKind::Status { status, retry_after: None, error, body: None, after: false })
    }

    /// An error status with `Retry-After`, sent as it is.
    #[must_use]
    pub fn retry_after(status: u16, value: &str) -> Self {
        let retry_after = Some(value.into());
        Self::new(FaultKind::Status { status, retry_after, error: None, body: None, after: false })
    }

    /// An error page.
    #[must_use]
    pub fn html(status: u16) -> Self {
        Self::new(FaultKind::Html { status, after: false })
    }

    /// A token answer without this member.
    #[must_use]
    pub fn without(member: &str) -> Self {
        Self::new(FaultKind::Rewrite { set: Map::new(), remove: vec![member.into()] })
    }

    /// A token answer with this member changed.
    #[must_use]
    pub fn with(member: &str, value: Value) -> Self {
        let set = Map::from_iter([(member.to_owned(), value)]);
        Self::new(FaultKind::Rewrite { set, remove: Vec::new() })
    }

    /// The connection is closed before the request is handled.
    #[must_use]
    pub fn cut_before() -> Self {
        Self::new(FaultKind::Cut { after: false })
    }

    /// The connection is closed after the request was handled: the answer is lost.
    #[must_use]
    pub fn cut_after() -> Self {
        Self::new(FaultKind::Cut { after: true })
    }

    /// The request waits unhandled for so many real milliseconds.
    #[must_use]
    pub fn slow(ms: u64) -> Self {
        Self::new(FaultKind::Slow { ms, after: false })
    }

    /// The request waits unhandled until it is released.
    #[must_use]
    pub fn hold() -> Self {
        Self::new(FaultKind::Hold { after: false })
    }

    /// Only for this endpoint.
    #[must_use]
    pub fn at(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Only for this grant type, as it is written in the form.
    #[must_use]
    pub fn on_grant(mut self, grant_type: &str) -> Self {
        self.grant_type = Some(grant_type.into());
        self
    }

    /// For the next `times` requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// For every request, until it is cleared.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// After so many of its requests have passed.
    #[must_use]
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    fn is_for(&self, endpoint: Endpoint, grant_type: Option<&str>) -> bool {
        self.endpoint.is_none_or(|wanted| wanted == endpoint)
            && self.grant_type.as_deref().is_none_or(|wanted| grant_type == Some(wanted))
    }
}

impl TryFrom<Map<String, Value>> for Fault {
    type Error = serde_json::Error;

    fn try_from(mut members: Map<String, Value>) -> Result<Self, Self::Error> {
        let mut member = |name| members.remove(name);
        let (endpoint, grant_type) = (member("endpoint"), member("grant_type"));
        let (skip, times) = (member("skip"), member("times"));
        Ok(Self {
            endpoint: serde_json::from_value(endpoint.unwrap_or_default())?,
            grant_type: serde_json::from_value(grant_type.unwrap_or_default())?,
            skip: serde_json::from_value::<Option<u32>>(skip.unwrap_or_default())?.unwrap_or(0),
            times: serde_json::from_value(times.unwrap_or(Value::from(1)))?,
            kind: serde_json::from_value(Value::Object(members))?,
        })
    }
}

impl From<Fault> for Map<String, Value> {
    fn from(fault: Fault) -> Self {
        let mut members = match serde_json::to_value(fault.kind) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        if let Some(endpoint) = fault.endpoint {
            members.insert("endpoint".into(), serde_json::to_value(endpoint).unwrap_or_default());
        }
        if let Some(grant_type) = fault.grant_type {
            members.insert("grant_type".into(), grant_type.into());
        }
        members.insert("skip".into(), fault.skip.into());
        members.insert("times".into(), fault.times.into());
        members
    }
}

/// The fault for a request, taken from the queue.
pub(crate) fn take(queue: &mut Vec<Fault>, endpoint: Endpoint, grant_type: Option<&str>) -> Option<FaultKind> {
    let mut found = None;
    for fault in queue.iter_mut() {
        if !fault.is_for(endpoint, grant_type) || fault.times == Some(0) {
            continue;
        }
        if fault.skip > 0 {
            fault.skip -= 1;
            continue;
        }
        if let Some(times) = fault.times.as_mut() {
            *times -= 1;
        }
        found = Some(fault.kind.clone());
        break;
    }
    queue.retain(|fault| fault.times != Some(0));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_waits_for_its_requests_and_leaves_when_it_is_spent() {
        let mut queue = vec![
            Fault::status(503).at(Endpoint::PeopleMe).skip(1).times(2),
            Fault::cut_after().on_grant("refresh_token"),
        ];
        let mut me = || take(&mut queue, Endpoint::PeopleMe, None).is_some();
        assert_eq!([me(), me(), me(), me()], [false, true, true, false]);
        assert_eq!(take(&mut queue, Endpoint::AccessToken, Some("authorization_code")), None);
        let taken = take(&mut queue, Endpoint::AccessToken, Some("refresh_token"));
        assert_eq!(taken, Some(FaultKind::Cut { after: true }));
        assert!(queue.is_empty());
    }

    #[test]
    fn a_fault_in_json_needs_only_its_kind() {
        let fault: Fault = serde_json::from_str(r#"{"fault":"cut","after":true}"#).unwrap();
        assert_eq!(fault, Fault::cut_after());
    }

    #[test]
    fn a_fault_survives_json_and_a_misspelt_member_does_not() {
        let fault = Fault::retry_after(429, "rand(30),add(30)").at(Endpoint::PeopleMe).always();
        let text = serde_json::to_string(&fault).unwrap();
        assert_eq!(serde_json::from_str::<Fault>(&text).unwrap(), fault);
        assert!(serde_json::from_str::<Fault>(r#"{"fault":"cut","afer":true}"#).is_err());
    }
}
