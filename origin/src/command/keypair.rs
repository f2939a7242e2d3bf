//! Ed25519 keys as files hold them, and the id that follows from a key: its thumbprint (RFC 7638, RFC 8037),
//! so that nobody has to think of one.

use anyhow::{Context, anyhow};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;

/// What stands before the 32 bytes of a public key in its DER form (RFC 8410 section 4).
const PUBLIC_DER: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Characters of a line of PEM (RFC 7468 section 2).
const PEM_LINE: usize = 64;

/// A new key pair.
pub(super) struct Made {
    /// PKCS #8 in PEM.
    pub(super) private_pem: String,
    /// In PEM.
    pub(super) public_pem: String,
    /// Its id.
    pub(super) id: String,
}

/// Draws a key pair; the library has its own source of randomness.
pub(super) fn draw() -> anyhow::Result<Made> {
    let made = || -> Result<_, aws_lc_rs::error::Unspecified> {
        let pair = Ed25519KeyPair::generate()?;
        let private = pair.to_pkcs8v1()?;
        Ok((pair, private))
    };
    let (pair, private) = made().map_err(|_| anyhow!("no key could be drawn"))?;
    let public = pair.public_key().as_ref();
    Ok(Made {
        private_pem: pem("PRIVATE KEY", private.as_ref()),
        public_pem: pem("PUBLIC KEY", &[PUBLIC_DER.as_slice(), public].concat()),
        id: thumbprint(public),
    })
}

/// The id that follows from a private key in PEM.
pub(super) fn id_of(private_pem: &str) -> anyhow::Result<String> {
    let hint = "this is no Ed25519 private key in PEM, as `stoa-origin key` makes it";
    let der = PrivatePkcs8KeyDer::from_pem_slice(private_pem.as_bytes()).context(hint)?;
    let pair = Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| anyhow!(hint))?;
    Ok(thumbprint(pair.public_key().as_ref()))
}

fn thumbprint(public: &[u8]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public);
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, jwk.as_bytes()))
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(PEM_LINE));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_the_standard_for_its_key() {
        // RFC 8037, appendix A.3.
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let public = URL_SAFE_NO_PAD.decode(x).unwrap();
        assert_eq!(thumbprint(&public), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn the_id_of_a_made_key_follows_from_its_private_half() {
        let made = draw().unwrap();
        assert_eq!(id_of(&made.private_pem).unwrap(), made.id);
        assert_ne!(draw().unwrap().id, made.id);
        assert!(id_of(&made.public_pem).is_err());
    }
}
