//! Why a store did not do what it was asked. Each error says whether asking again can help.

use thiserror::Error;

/// Why an operation had no, or no known, effect.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// The store cannot be reached, or refuses work for now; nothing was written.
    #[error("the store is not available: {reason}")]
    Unavailable {
        /// What was seen.
        reason: String,
    },
    /// No answer came in time. The operation may have happened, or happen later.
    #[error("the store did not answer in time; whether it did as asked is unknown")]
    Timeout,
    /// The write carries an epoch older than the room's.
    #[error("the write is of an older epoch; the room is at epoch {stored}")]
    Fenced {
        /// The epoch that the store holds.
        stored: u64,
    },
    /// What the operation expected is not what is stored.
    #[error("conflict: {what}")]
    Conflict {
        /// What was found.
        what: &'static str,
    },
    /// The room is not in the store.
    #[error("there is no such room in the store")]
    Absent,
    /// A stored record cannot be read, or the store contradicts itself.
    #[error("the store holds something that cannot be read: {what}")]
    Corrupt {
        /// What could not be read, without its content.
        what: String,
    },
    /// Something is longer, or there is more of it, than allowed.
    #[error("{what} is {found}; at most {max} are allowed")]
    Limit {
        /// Of what.
        what: &'static str,
        /// How much was given or would be stored.
        found: u64,
        /// How much is allowed.
        max: u64,
    },
    /// This backend does not keep this kind of state.
    #[error("this store does not keep {kind}")]
    Unsupported {
        /// The kind, as in [`crate::store::Kind::label`].
        kind: &'static str,
    },
}

impl StoreError {
    /// Whether the same operation may succeed later. After a [`StoreError::Timeout`] an operation that
    /// is not repeatable must be read back first.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Timeout)
    }

    /// As the metrics call it.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "unavailable",
            Self::Timeout => "timeout",
            Self::Fenced { .. } => "fenced",
            Self::Conflict { .. } => "conflict",
            Self::Absent => "absent",
            Self::Corrupt { .. } => "corrupt",
            Self::Limit { .. } => "limit",
            Self::Unsupported { .. } => "unsupported",
        }
    }

    /// For a backend that could not reach its server.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "so that it can be given to map_err as it is"
    )]
    pub(crate) fn unavailable(reason: impl ToString) -> Self {
        Self::Unavailable { reason: reason.to_string() }
    }

    /// For a backend that found bytes it cannot read. `what` must not hold the bytes.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "so that it can be given to map_err as it is"
    )]
    pub(crate) fn corrupt(what: impl ToString) -> Self {
        Self::Corrupt { what: what.to_string() }
    }
}
