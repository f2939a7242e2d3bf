//! Who a node is, and how it proves it: TLS 1.3 with certificates on both sides.
//!
//! | module | what it holds |
//! |---|---|
//! | `credentials` | what a node shows, and whom it believes |
//! | `development` | a certificate authority of one's own, made on first start |
//! | `files` | certificates and keys from PEM files |
//! | `name` | the node's name in a certificate |
//! | `tls` | what quinn needs |

mod credentials;
mod development;
mod files;
mod name;
mod tls;

pub(crate) use name::{NameError, identity_of, name_in};
pub(crate) use tls::{SERVER_NAME, Tls};

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tls::client_with_protocol;
