//! The ways in which an answer can go wrong.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::raw::Raw;

/// What goes wrong. `after` means that the request is handled first (codes are spent, tokens are
/// rotated) and only its answer suffers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum FaultKind {
    /// This status with an error body in the style of the endpoint.
    Status {
        /// The HTTP status.
        status: u16,
        /// `Retry-After`, sent as it is.
        #[serde(default)]
        retry_after: Option<String>,
        /// The OAuth code, or the message of a Webex body.
        #[serde(default)]
        error: Option<String>,
        /// The whole body instead, sent as JSON.
        #[serde(default)]
        body: Option<Value>,
        /// The request is handled first.
        #[serde(default)]
        after: bool,
    },
    /// A page where JSON is expected.
    Html {
        /// The HTTP status.
        status: u16,
        /// The request is handled first.
        #[serde(default)]
        after: bool,
    },
    /// `302` to another place.
    Redirect {
        /// `Location`, sent as it is.
        location: String,
    },
    /// Status 200 with an OAuth error in the body.
    OkWithError {
        /// The OAuth code.
        error: String,
    },
    /// Handled and answered as usual, but with this status (201, say).
    WithStatus {
        /// The HTTP status.
        status: u16,
    },
    /// Handled, and the JSON object of the answer is changed.
    Rewrite {
        /// Members to put in, in place of those of the same name.
        #[serde(default)]
        set: Map<String, Value>,
        /// Members to leave out.
        #[serde(default)]
        remove: Vec<String>,
    },
    /// Handled, and one member of the JSON object of the answer is replaced by, or added with, any bytes.
    Member {
        /// Which member.
        name: String,
        /// What stands in place of its value, sent as it is: JSON that no parser writes, or no JSON at all.
        raw: Raw,
        /// The member that is there stays there: the name comes twice.
        #[serde(default)]
        beside: bool,
    },
    /// Handled, and any bytes are sent as the body.
    Body {
        /// The body, sent as it is.
        raw: Raw,
    },
    /// Handled, and the JSON object of the answer is written as a form.
    FormEncoded,
    /// Handled, and a byte order mark stands before the body.
    Bom,
    /// Handled, and `expires_in` is answered as a string of digits.
    StringExpiresIn,
    /// Handled, and the body is left out.
    EmptyBody,
    /// Handled, and the second half of the body is left out.
    Truncated,
    /// Handled, and the body is sent as something that it is not.
    ContentType {
        /// `Content-Type`, sent as it is.
        value: String,
    },
    /// The answer takes its time.
    Slow {
        /// Real milliseconds.
        ms: u64,
        /// The request is handled first, then the wait begins.
        #[serde(default)]
        after: bool,
    },
    /// The answer waits until it is released.
    Hold {
        /// The request is handled first, then the wait begins.
        #[serde(default)]
        after: bool,
    },
    /// The connection is closed without an answer.
    Cut {
        /// The request is handled first: the answer is lost.
        #[serde(default)]
        after: bool,
    },
    /// Handled, and the connection is closed within the head of the answer.
    CutHead {
        /// So many bytes of the head are sent.
        bytes: u64,
    },
    /// Handled, and the connection is closed within the body, before its `Content-Length` is reached.
    CutBody {
        /// So many bytes of the body are sent.
        bytes: u64,
    },
    /// Handled, and the answer comes in small pieces, which keeps every timeout between two bytes from ending.
    Drip {
        /// So many bytes at once.
        bytes: u64,
        /// Real milliseconds between two pieces.
        every_ms: u64,
        /// Which part of the answer drips; the rest comes as usual.
        #[serde(default)]
        part: Part,
    },
    /// Handled, and these informational answers come first: 100, 103.
    Interim {
        /// The statuses, in this order.
        statuses: Vec<u16>,
    },
    /// A body of blanks with a huge `Content-Length`.
    Huge {
        /// What is announced.
        length: u64,
        /// How much is sent before the connection is closed. None: all of it.
        #[serde(default)]
        send: Option<u64>,
    },
}

impl FaultKind {
    /// Its name in the log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Html { .. } => "html",
            Self::Redirect { .. } => "redirect",
            Self::OkWithError { .. } => "ok_with_error",
            Self::WithStatus { .. } => "with_status",
            Self::Rewrite { .. } => "rewrite",
            Self::Member { .. } => "member",
            Self::Body { .. } => "body",
            Self::FormEncoded => "form_encoded",
            Self::Bom => "bom",
            Self::StringExpiresIn => "string_expires_in",
            Self::EmptyBody => "empty_body",
            Self::Truncated => "truncated",
            Self::ContentType { .. } => "content_type",
            Self::Slow { .. } => "slow",
            Self::Hold { .. } => "hold",
            Self::Cut { .. } => "cut",
            Self::CutHead { .. } => "cut_head",
            Self::CutBody { .. } => "cut_body",
            Self::Drip { .. } => "drip",
            Self::Interim { .. } => "interim",
            Self::Huge { .. } => "huge",
        }
    }

    /// Whether the request is handled before the fault shows.
    pub(crate) fn after(&self) -> bool {
        match self {
            Self::Status { after, .. }
            | Self::Html { after, .. }
            | Self::Slow { after, .. }
            | Self::Hold { after }
            | Self::Cut { after } => *after,
            Self::Redirect { .. } | Self::OkWithError { .. } | Self::Huge { .. } => false,
            Self::WithStatus { .. }
            | Self::Rewrite { .. }
            | Self::Member { .. }
            | Self::Body { .. }
            | Self::FormEncoded
            | Self::Bom
            | Self::CutHead { .. }
            | Self::CutBody { .. }
            | Self::Drip { .. }
            | Self::Interim { .. }
            | Self::StringExpiresIn
            | Self::EmptyBody
            | Self::Truncated
            | Self::ContentType { .. } => true,
        }
    }
}

/// A part of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Head and body.
    #[default]
    Whole,
    /// The status line and the headers.
    Head,
    /// What comes behind them.
    Body,
}
