//! Why a configuration was refused.

/// A configuration that was refused; names the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A field that is needed is absent or empty.
    #[error("{field} is missing")]
    Missing {
        /// Which field.
        field: &'static str,
    },
    /// A field cannot be used. The problem never quotes a secret.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Plain http is for loopback only (RFC 8252 section 7.3).
    #[error("{field}: plain http is allowed on loopback only, use https")]
    Insecure {
        /// Which field.
        field: &'static str,
    },
}

impl ConfigError {
    pub(crate) fn invalid(field: &'static str, problem: &'static str) -> Self {
        Self::Invalid { field, problem }
    }

    /// The field that was refused.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Missing { field } | Self::Invalid { field, .. } | Self::Insecure { field } => field,
        }
    }
}
