//! How a receiver knows that it was us: HMAC-SHA256 as Standard Webhooks has it, over id, time and body, so
//! that an old message cannot be sent again under a new time.

use std::fmt;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::settings::WebhookError;

/// Least length of a secret in bytes.
pub const SECRET_BYTES_MIN: usize = 24;

const BASE64_PREFIX: &str = "whsec_";

/// What a message is signed with.
#[derive(Clone)]
pub struct SigningSecret(hmac::Key);

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl SigningSecret {
    /// Takes a secret: behind `whsec_` in base64, otherwise as it is.
    ///
    /// # Errors
    /// [`WebhookError::Secret`] for one that is too short or no base64.
    pub fn new(secret: &str) -> Result<Self, WebhookError> {
        let bytes = match secret.strip_prefix(BASE64_PREFIX) {
            Some(text) => STANDARD.decode(text).map_err(|_| WebhookError::Secret)?,
            None => secret.as_bytes().to_vec(),
        };
        if bytes.len() < SECRET_BYTES_MIN {
            return Err(WebhookError::Secret);
        }
        Ok(Self(hmac::Key::new(HMAC_SHA256, &bytes)))
    }

    /// The value of `webhook-signature`.
    #[must_use]
    pub fn sign(&self, id: &str, timestamp_unix_s: u64, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(format!("{id}.{timestamp_unix_s}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf '%s' 'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}' | openssl dgst -sha256
    /// -mac HMAC -macopt hexkey:$(printf '%s' MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw | base64 -d | od -An -tx1 | tr -d " \n")
    /// -binary | base64`
    #[test]
    fn a_signature_is_what_another_tool_makes_of_the_same() {
        let secret = SigningSecret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature =
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn id_time_and_body_all_count() {
        let secret = SigningSecret::new(&"s".repeat(24)).unwrap();
        let signatures = [
            secret.sign("a", 1, b"x"),
            secret.sign("b", 1, b"x"),
            secret.sign("a", 2, b"x"),
            secret.sign("a", 1, b"y"),
            SigningSecret::new(&"t".repeat(24)).unwrap().sign("a", 1, b"x"),
        ];
        for (at, one) in signatures.iter().enumerate() {
            assert!(!signatures[..at].contains(one), "{at}");
        }
    }

    #[test]
    fn a_short_or_malformed_secret_is_refused_and_none_is_shown() {
        for wrong in ["", "short", "whsec_AAAA", "whsec_%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%"] {
            assert_eq!(SigningSecret::new(wrong).unwrap_err(), WebhookError::Secret, "{wrong}");
        }
        assert_eq!(format!("{:?}", SigningSecret::new(&"s".repeat(24)).unwrap()), "***");
    }
}
