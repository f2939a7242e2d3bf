//! Access tokens of participants and back ends: JWTs signed with HS256 or EdDSA, by keys that belong to tenants.
//!
//! | module | what it holds |
//! |---|---|
//! | `claims` | what a token says |
//! | `error` | why tokens and keys are refused |
//! | `key` | one key: its algorithm, its tenant, its end |
//! | `keys` | all keys: signing, verifying, rotation |
//! | `revocations` | tokens that hold no longer, though their time is not over |
//! | `rules` | who may do what by a token |

mod claims;
mod error;
mod key;
mod keys;
mod revocations;
mod rules;

#[cfg(test)]
mod tests;

pub use claims::{Claims, Grant, Grants, LEEWAY_S, TEXT_CHARACTERS_MAX, TOKEN_LIFE_MAX_S};
pub use error::{KeyError, TokenError};
pub use key::{Algorithm, KEY_ID_CHARACTERS_MAX, Key, SECRET_BYTES_MIN, SigningKey};
pub use keys::{Bearer, KEYS_MAX, KEYS_TRIED_MAX, Keys, TOKEN_BYTES_MAX};
pub use revocations::{
    KEYS_REVOKED_MAX, REVOCATIONS_MAX, Revocation, Revocations, Revoked, TableFull, Trace,
};
pub use rules::Action;
