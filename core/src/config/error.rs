//! Why a configuration was refused.

use std::borrow::Cow;
use std::fmt;

/// A configuration that was refused; names the field, and the variable where one is to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    /// A field that is needed is absent or empty.
    Missing {
        /// Which field.
        field: &'static str,
        /// The variable that would set it, where the configuration comes from variables.
        variable: Option<&'static str>,
    },
    /// A field cannot be used. The problem never quotes a secret.
    Invalid {
        /// Which field.
        field: &'static str,
        /// The variable that it comes from.
        variable: Option<&'static str>,
        /// What is wrong with it.
        problem: Cow<'static, str>,
    },
    /// Plain http is for loopback only (RFC 8252 section 7.3).
    Insecure {
        /// Which field.
        field: &'static str,
        /// The variable that it comes from.
        variable: Option<&'static str>,
    },
    /// The server that a field names could not be asked, or failed. Nothing is known to be wrong with the field: try again later.
    Unanswered {
        /// Which field.
        field: &'static str,
        /// The variable that it comes from.
        variable: Option<&'static str>,
        /// What came of asking.
        problem: Cow<'static, str>,
    },
}

impl ConfigError {
    /// A field that is absent.
    pub const fn missing(field: &'static str) -> Self {
        Self::Missing { field, variable: None }
    }

    /// A field that cannot be used. The problem must not quote a secret.
    pub fn invalid(field: &'static str, problem: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid { field, variable: None, problem: problem.into() }
    }

    pub(crate) const fn insecure(field: &'static str) -> Self {
        Self::Insecure { field, variable: None }
    }

    /// The field that was refused.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Missing { field, .. }
            | Self::Invalid { field, .. }
            | Self::Insecure { field, .. }
            | Self::Unanswered { field, .. } => field,
        }
    }

    /// The variable that is to blame, or to be set.
    pub const fn variable(&self) -> Option<&'static str> {
        match self {
            Self::Missing { variable, .. }
            | Self::Invalid { variable, .. }
            | Self::Insecure { variable, .. }
            | Self::Unanswered { variable, .. } => *variable,
        }
    }

    /// The same, with the variable that gave the field, or would have.
    #[must_use]
    pub fn in_variable(mut self, name: Option<&'static str>) -> Self {
        match &mut self {
            Self::Missing { variable, .. }
            | Self::Invalid { variable, .. }
            | Self::Insecure { variable, .. }
            | Self::Unanswered { variable, .. } => *variable = variable.or(name),
        }
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field())?;
        match (self, self.variable()) {
            (Self::Missing { .. }, Some(variable)) => return write!(f, " is missing, set {variable}"),
            (_, Some(variable)) => write!(f, " ({variable})")?,
            (_, None) => {}
        }
        match self {
            Self::Missing { .. } => f.write_str(" is missing"),
            Self::Invalid { problem, .. } | Self::Unanswered { problem, .. } => write!(f, ": {problem}"),
            Self::Insecure { .. } => f.write_str(": plain http is allowed on loopback only, use https"),
        }
    }
}

impl std::error::Error for ConfigError {}
