//! Our answers beside str0m's own STUN.

use proptest::prelude::*;
use str0m::ice::TransId;

use super::*;

const PASSWORD: &str = "a password of the edge";

fn credentials() -> Credentials {
    let mut credentials = Credentials::default();
    credentials.add("edge", PASSWORD, "client");
    credentials
}

fn sign(password: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    tag(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password), parts)
}

fn request(username: &str, password: &str, nominates: bool) -> Vec<u8> {
    let id = TransId::new();
    let message = StunMessage::binding_request(username, id, true, 7, 1_000, nominates);
    let mut bytes = vec![0; 512];
    let length = message.to_bytes(Some(password.as_bytes()), &mut bytes, sign).unwrap();
    bytes.truncate(length);
    bytes
}

fn answer(check: &Check, source: SocketAddr) -> Vec<u8> {
    let mut room = vec![0; Check::answer_bytes(source)];
    check.answer(source, &mut room);
    room
}

fn sources() -> [SocketAddr; 2] {
    ["198.51.100.7:4711".parse().unwrap(), "[2001:db8::7]:65535".parse().unwrap()]
}

#[test]
fn str0m_accepts_our_answer_to_its_request() {
    for (source, nominates) in sources().into_iter().zip([true, false]) {
        let request = request("edge:client", PASSWORD, nominates);
        let check = credentials().verify(&request).expect("a good check");
        assert_eq!(check.nominates, nominates);
        let answer = answer(&check, source);
        let message = StunMessage::parse(&answer).unwrap();
        assert!(message.is_successful_binding_response());
        assert!(message.verify(PASSWORD.as_bytes(), sign));
        assert_eq!(message.mapped_address(), Some(source));
        let asked = StunMessage::parse(&request).unwrap();
        assert_eq!(message.trans_id(), asked.trans_id());
    }
}

#[test]
fn our_answer_is_the_one_that_str0m_would_write() {
    for source in sources() {
        let request = request("edge:client", PASSWORD, true);
        let asked = StunMessage::parse(&request).unwrap();
        let mut theirs = vec![0; 512];
        let length = StunMessage::binding_reply(asked.trans_id(), source)
            .to_bytes(Some(PASSWORD.as_bytes()), &mut theirs, sign)
            .unwrap();
        let check = credentials().verify(&request).unwrap();
        assert_eq!(answer(&check, source), theirs[..length]);
    }
}

#[test]
fn a_wrong_password_or_name_is_refused() {
    let credentials = credentials();
    for (name, password) in [
        ("edge:client", "another password"),
        ("edge:stranger", PASSWORD),
        ("other:client", PASSWORD),
        ("edge:", PASSWORD),
        ("edge", PASSWORD),
    ] {
        assert!(credentials.verify(&request(name, password, true)).is_none(), "{name}");
    }
    assert!(credentials.verify(&request("edge:client", PASSWORD, true)).is_some());
}

#[test]
fn a_check_without_a_fingerprint_passes_and_one_with_a_wrong_one_does_not() {
    let whole = request("edge:client", PASSWORD, true);
    let (mut without, _) = whole.split_last_chunk::<8>().map(|(a, b)| (a.to_vec(), b)).unwrap();
    let shorter = u16::try_from(without.len() - HEADER).unwrap();
    without[2..4].copy_from_slice(&shorter.to_be_bytes());
    assert!(credentials().verify(&without).is_some());
    let mut wrong = whole;
    let last = wrong.len() - 1;
    wrong[last] ^= 1;
    assert!(credentials().verify(&wrong).is_none());
}

#[test]
fn a_choice_that_somebody_appended_is_not_the_clients() {
    let mut check = request("edge:client", PASSWORD, false);
    check.truncate(check.len() - 8);
    check.extend_from_slice(&[0, 0x25, 0, 0]);
    let length = u16::try_from(check.len() - HEADER).unwrap();
    check[2..4].copy_from_slice(&length.to_be_bytes());
    assert!(!credentials().verify(&check).expect("the rest is whole").nominates);
}

#[test]
fn the_names_of_restarts_are_good_until_newer_ones_push_them_out() {
    let mut credentials = credentials();
    for restart in 1..=UFRAGS_MAX {
        let old = credentials.verify(&request("edge:client", PASSWORD, true));
        assert!(old.is_some(), "before restart {restart}");
        let (ours, theirs) = (format!("edge{restart}"), format!("client{restart}"));
        credentials.add(&ours, "new password", &theirs);
        let new = request(&format!("{ours}:{theirs}"), "new password", true);
        assert!(credentials.verify(&new).is_some());
        assert_eq!(credentials.current(&theirs), Some((&*ours, "new password")));
        assert_eq!(credentials.current("client"), None);
    }
    assert!(credentials.verify(&request("edge:client", PASSWORD, true)).is_none());
}

proptest! {
    #[test]
    fn one_changed_bit_or_a_lost_end_is_refused(bit in 0usize..1_000, cut in 0usize..120) {
        let whole = request("edge:client", PASSWORD, true);
        let mut perturbed = whole.clone();
        let bit = bit % (8 * perturbed.len());
        // Without its two bytes of type a fingerprint is none, and what follows the integrity is
        // nobody's word.
        prop_assume!(!(perturbed.len() - 8..perturbed.len() - 6).contains(&(bit / 8)));
        perturbed[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(credentials().verify(&perturbed).is_none());
        let cut = whole.len().saturating_sub(cut + 1);
        prop_assert!(credentials().verify(&whole[..cut]).is_none());
    }
}
