//! The DTLS underneath str0m, from one configuration for the whole process.
//!
//! Building a configuration tests its crypto, with key exchanges and signatures on every curve. That
//! takes longer than a handshake, and str0m's own provider builds one for each session.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use dimpl::{Config, ConfigBuilder, Dtls};
use str0m::config::{DtlsCert, DtlsVersion};
use str0m::crypto::CryptoError;

/// What all sessions of a process share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// For this MTU. All sessions have the same, so there is no second one to keep.
    config: OnceLock<(Option<usize>, Arc<Config>)>,
}

impl Shared {
    /// A new instance, set up as str0m's own provider would.
    ///
    /// # Errors
    /// For an unknown version, and an MTU that DTLS cannot live with.
    pub(super) fn start(
        &self,
        certificate: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Dtls, CryptoError> {
        let start = match version {
            DtlsVersion::Dtls12 => Dtls::new_12,
            DtlsVersion::Dtls13 => Dtls::new_13,
            DtlsVersion::Auto => Dtls::new_auto,
            _ => return Err(CryptoError::Other(format!("no such version of DTLS: {version}"))),
        };
        Ok(start(self.config(mtu)?, certificate.clone(), now))
    }

    fn config(&self, mtu: Option<usize>) -> Result<Arc<Config>, CryptoError> {
        if let Some((known, config)) = self.config.get()
            && *known == mtu
        {
            return Ok(Arc::clone(config));
        }
        let built = builder(mtu).build();
        let config = Arc::new(built.map_err(|error| CryptoError::Other(error.to_string()))?);
        // Of several that come first at once one stays; the others serve their own session.
        let _ = self.config.set((mtu, Arc::clone(&config)));
        Ok(config)
    }
}

fn builder(mtu: Option<usize>) -> ConfigBuilder {
    // A connectivity check has come back before DTLS begins, so a cookie would prove nothing new.
    let builder = Config::builder().use_server_cookie(false);
    match mtu {
        Some(mtu) => builder.mtu(mtu),
        None => builder,
    }
}

#[cfg(test)]
mod tests {
    use super::Shared;

    #[test]
    fn sessions_of_one_mtu_share_a_configuration() {
        let shared = Shared::default();
        let config = |mtu| shared.config(mtu).unwrap();
        let first = config(Some(1_200));
        assert!(std::sync::Arc::ptr_eq(&first, &config(Some(1_200))));
        assert_eq!((first.mtu(), first.use_server_cookie()), (1_200, false));
        assert_eq!(config(Some(1_000)).mtu(), 1_000);
        assert!(shared.config(Some(1)).is_err());
    }
}
