//! What becomes of an offer on its way to the media plane, and that nothing can make it grow.

use proptest::prelude::*;

use super::*;

fn credentials(ufrag: &str) -> Credentials {
    Credentials { ufrag: ufrag.into(), pwd: "0b66f472495ef0ccac7bda653ab6be49".into() }
}

#[test]
fn candidates_go_and_every_other_byte_stays() {
    let candidate = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host";
    for end in ["\r\n", "\n", "\r"] {
        let lines = |lines: &[&str]| lines.iter().map(|line| format!("{line}{end}")).collect();
        let sent: String = lines(&[
            "v=0",
            candidate,
            "m=audio 9 x 111",
            candidate,
            candidate,
            "a=end-of-candidates",
            "a=candidates-are-fine",
        ]);
        let kept: String = lines(&["v=0", "m=audio 9 x 111", "a=candidates-are-fine"]);
        assert_eq!(Offer::read(&sent).expect("small").to_text(), kept, "{end:?}");
    }
}

#[test]
fn an_offer_over_16_kib_is_refused_with_its_size() {
    let candidates = "a=candidate:1\r\n".repeat(2_000);
    assert!(Offer::read(&candidates[..OFFER_BYTES_MAX]).is_ok());
    let refused = Offer::read(&candidates[..=OFFER_BYTES_MAX]).expect_err("one byte too many");
    assert_eq!(refused.to_string(), "the SDP offer has 16385 bytes; at most 16384 are read");
}

#[test]
fn a_restart_renews_every_credential_of_the_offer() {
    let sdp = "v=0\r\nm=audio 9 x 111\r\na=ice-ufrag:old1\r\na=ice-pwd:oldoldoldoldoldoldoldold\r\n\
        a=mid:0\r\nm=audio 9 x 111\r\na=ice-ufrag:old1\r\na=ice-pwd:oldoldoldoldoldoldoldold\r\n\
        a=mid:1\r\n";
    let offer = Offer::read(sdp).expect("small");
    assert_eq!(offer.ufrag(), Some("old1"));
    let renewed = offer.with_credentials(&credentials("newer")).expect("small");
    assert_eq!(renewed.ufrag(), Some("newer"));
    let expected =
        sdp.replace("old1", "newer").replace(&"old".repeat(8), &credentials("newer").pwd);
    assert_eq!(renewed.to_text(), expected);
}

#[test]
fn long_credentials_cannot_make_an_offer_grow_beyond_its_bound() {
    let offer = Offer::read(&"a=ice-ufrag:a\r\n".repeat(1_000)).expect("small");
    let refused = offer.with_credentials(&credentials(&"x".repeat(256)));
    assert_eq!(refused, Err(OfferTooLarge { bytes: 270_000 }));
}

#[test]
fn passwords_do_not_appear_in_debug_output() {
    let offer = Offer::read("a=ice-pwd:0b66f472495ef0ccac7bda\r\n").expect("small");
    assert_eq!(format!("{offer:?}"), "Offer(34 bytes)");
}

proptest! {
    #[test]
    fn no_line_of_what_is_kept_is_a_candidate(
        lines in prop::collection::vec(("a=candidate:|a=end-of-candidates|a=mid:0|", "\r\n|\n|\r|"), 0..20),
    ) {
        let sdp: String = lines.iter().flat_map(|(line, end)| [line.as_str(), end.as_str()]).collect();
        let kept = Offer::read(&sdp).expect("small").to_text();
        prop_assert!(kept.len() <= sdp.len());
        let candidate = |line: &str| line.starts_with("a=candidate:") || line.starts_with("a=end-of-c");
        prop_assert!(!kept.split(['\r', '\n']).any(candidate), "{kept:?}");
    }

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        let _ = Offer::read(&text).map(|offer| offer.with_credentials(&credentials("abcd")));
    }
}
