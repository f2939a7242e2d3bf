//! STUN binding requests that keep a path open, and answers to the edge's (RFC 7675, RFC 8445).

use std::net::SocketAddr;
use std::time::Duration;

use rand::{Rng, RngExt};
use str0m::IceCreds;
use str0m::ice::{StunMessage, TransId};

/// Chromium checks a good path every 2.5 s; spread, so that clients do not march in step.
const INTERVAL: Duration = Duration::from_millis(2_500);
const SPREAD: f64 = 0.2;
/// Without an answer for this long a path is lost (RFC 7675 section 5.1).
pub(super) const LOST_AFTER: Duration = Duration::from_secs(30);
/// Priority of a host candidate on the first component (RFC 8445 section 5.1.2.1).
const PRIORITY: u32 = 0x7e00_1eff;

/// Both sides' ICE credentials.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    /// `remote:local` user fragments.
    username: String,
    remote_pwd: String,
    local_pwd: String,
    tie_breaker: u64,
}

impl Credentials {
    /// From ours and what the answer says.
    pub(super) fn new(local: &IceCreds, remote_ufrag: &str, remote_pwd: &str) -> Self {
        Self {
            username: format!("{remote_ufrag}:{}", local.ufrag),
            remote_pwd: remote_pwd.to_owned(),
            local_pwd: local.pass.clone(),
            tie_breaker: rand::random(),
        }
    }

    /// Writes a binding request; returns its length.
    pub(super) fn request(&self, buffer: &mut [u8]) -> Option<usize> {
        StunMessage::binding_request(
            &self.username,
            TransId::new(),
            true,
            self.tie_breaker,
            PRIORITY,
            true,
        )
        .to_bytes(Some(self.remote_pwd.as_bytes()), buffer, hmac)
        .ok()
    }

    /// Whether this is the edge's answer to a request of ours.
    pub(super) fn is_answer(&self, message: &StunMessage<'_>) -> bool {
        message.is_successful_binding_response() && message.verify(self.remote_pwd.as_bytes(), hmac)
    }

    /// Writes the answer to a request of the edge; `None` when it is none.
    pub(super) fn answer(
        &self,
        message: &StunMessage<'_>,
        from: SocketAddr,
        buffer: &mut [u8],
    ) -> Option<usize> {
        let asked = message.is_binding_request() && message.verify(self.local_pwd.as_bytes(), hmac);
        let reply = asked.then(|| StunMessage::binding_reply(message.trans_id(), from))?;
        reply.to_bytes(Some(self.local_pwd.as_bytes()), buffer, hmac).ok()
    }
}

/// When the next request is due after one was sent.
pub(super) fn pause(rng: &mut impl Rng) -> Duration {
    INTERVAL.mul_f64(rng.random_range(1.0 - SPREAD..=1.0 + SPREAD))
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    use aws_lc_rs::hmac::{Context, HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key};
    let mut context = Context::with_key(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key));
    for part in parts {
        context.update(part);
    }
    let tag = context.sign();
    let mut out = [0; 20];
    out.copy_from_slice(&tag.as_ref()[..20]);
    out
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use str0m::IceCreds;
    use str0m::ice::StunMessage;

    use super::Credentials;

    #[test]
    fn each_side_accepts_the_others_messages_and_no_strangers() {
        let ours = IceCreds { ufrag: "usa".into(), pass: "p".repeat(22) };
        let theirs = IceCreds { ufrag: "edge".into(), pass: "q".repeat(22) };
        let client = Credentials::new(&ours, &theirs.ufrag, &theirs.pass);
        let edge = Credentials::new(&theirs, &ours.ufrag, &ours.pass);
        let from = SocketAddr::from(([127, 0, 0, 1], 9));
        let (mut asked, mut told) = ([0; 256], [0; 256]);

        let length = client.request(&mut asked).unwrap();
        let request = StunMessage::parse(&asked[..length]).unwrap();
        assert_eq!(request.split_username(), Some(("edge", "usa")));
        let length = edge.answer(&request, from, &mut told).unwrap();
        let answer = StunMessage::parse(&told[..length]).unwrap();
        assert!(client.is_answer(&answer));

        let stranger = Credentials::new(&ours, "edge", "another password of them");
        assert!(!stranger.is_answer(&answer));
        assert_eq!(client.answer(&request, from, &mut [0; 256]), None, "it is not for the client");
    }
}
