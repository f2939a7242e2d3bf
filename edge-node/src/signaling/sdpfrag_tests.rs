//! Fragments: examples of RFC 9725, refusals, and arbitrary input.

use proptest::prelude::*;

use super::*;

/// The trickle request of RFC 9725 section 4.3.2.
const TRICKLE: &str = "a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n\
    a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n\
    a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1\r\n\
    a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0 ufrag EsAw network-id 1\r\n\
    a=end-of-candidates\r\n";

fn ours() -> Credentials {
    Credentials { ufrag: "289b31b754eaa438".into(), pwd: "0b66f472495ef0ccac7bda653ab6be49".into() }
}

#[test]
fn the_trickle_example_of_the_rfc_is_understood() {
    let fragment = parse(TRICKLE).expect("fragment");
    let credentials = fragment.credentials.expect("credentials");
    assert_eq!(credentials.ufrag, "EsAw");
    assert_eq!(credentials.pwd, "P2uYro0UCOQ4zxjKXaWCBui1");
    assert_eq!((fragment.candidates, fragment.end_of_candidates), (2, true));
}

#[test]
fn bare_line_feeds_and_mdns_names_are_accepted() {
    let text = "a=ice-ufrag:abcd\na=ice-pwd:0123456789012345678901\nm=audio 9 RTP/AVP 0\n\
        a=mid:0\na=candidate:1 1 UDP 1 5b3c7d.local 9 typ host\n";
    assert_eq!(parse(text).expect("fragment").candidates, 1);
}

#[test]
fn each_way_to_be_malformed_is_named() {
    let cases = [
        ("", FragmentError::Empty),
        ("a=mid:0", FragmentError::Empty),
        ("{\"candidate\": 1}", FragmentError::Line { number: 1 }),
        ("a=mid:0\nm=", FragmentError::Line { number: 2 }),
        ("a=", FragmentError::Line { number: 1 }),
        ("a=ice-ufrag:abcd", FragmentError::Half),
        (
            "a=ice-ufrag:abc",
            FragmentError::Credential { attribute: "ice-ufrag", number: 1, min: 4 },
        ),
        (
            "a=ice-pwd:tooshort",
            FragmentError::Credential { attribute: "ice-pwd", number: 1, min: 22 },
        ),
        ("a=ice-ufrag:abcd\na=ice-ufrag:efgh", FragmentError::Conflict("ice-ufrag")),
        ("a=candidate:1 1 udp 1 192.0.2.1 99999 typ host", FragmentError::Candidate { number: 1 }),
        ("a=candidate:1 1 udp 1 192.0.2.1 9 host", FragmentError::Candidate { number: 1 }),
        ("a=candidate:1 0 udp 1 192.0.2.1 9 typ host", FragmentError::Candidate { number: 1 }),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text), Err(expected), "{text:?}");
    }
    assert_eq!(parse(&"a=mid:0\n".repeat(LINES_MAX + 1)), Err(FragmentError::TooLong));
}

#[test]
fn the_answer_to_a_restart_reads_like_the_example_of_the_rfc() {
    let answer = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=ice-lite\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:x\r\na=ice-options:trickle ice2\r\n\
        a=candidate:1 1 udp 2130706431 198.51.100.1 39132 typ host\r\na=recvonly\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\n";
    let expected = "a=ice-lite\r\na=ice-options:trickle ice2\r\na=group:BUNDLE 0 1\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:289b31b754eaa438\r\n\
        a=ice-pwd:0b66f472495ef0ccac7bda653ab6be49\r\n\
        a=candidate:1 1 udp 2130706431 198.51.100.1 39132 typ host\r\na=end-of-candidates\r\n";
    assert_eq!(of_answer(answer, &ours()), expected);
}

#[test]
fn passwords_do_not_appear_in_debug_output() {
    assert!(!format!("{:?}", ours()).contains("0b66"));
}

/// Lines that look like the real ones, with damaged values.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "a=ice-ufrag:[a-zA-Z0-9+/ ]{0,8}",
        "a=ice-pwd:[a-zA-Z0-9+/]{20,26}",
        "a=candidate:[0-9a-z. ]{0,60}",
        "a=candidate:[0-9]{1,3} [0-9]{1,3} (udp|tcp) [0-9]{1,10} [0-9.]{1,10} [0-9]{1,6} typ (host|srflx)",
        Just("a=end-of-candidates".to_owned()),
        "m=[a-z 0-9/]{0,20}",
        "a=[a-z:]{0,10}",
        ".{0,20}",
    ]
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        let _ = parse(&text);
        let _ = of_answer(&text, &ours());
    }

    #[test]
    fn whatever_is_accepted_holds_credentials_in_their_bounds(lines in prop::collection::vec(line(), 0..12)) {
        if let Ok(Fragment { credentials: Some(credentials), .. }) = parse(&lines.join("\r\n")) {
            prop_assert!((4..=256).contains(&credentials.ufrag.len()));
            prop_assert!((22..=256).contains(&credentials.pwd.len()));
            // What came in goes into an SDP offer, so it must not bring lines of its own.
            prop_assert!(!credentials.ufrag.contains(['\r', '\n', ' ']));
        }
    }

    #[test]
    fn our_own_fragments_are_well_formed(ufrag in "[a-zA-Z0-9+/]{4,32}", pwd in "[a-zA-Z0-9+/]{22,64}") {
        let ours = Credentials { ufrag, pwd };
        let answer = "m=audio 9 x 1\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";
        let parsed = parse(&of_answer(answer, &ours)).expect("fragment");
        prop_assert_eq!(parsed.credentials, Some(ours));
        prop_assert_eq!(parsed.candidates, 1);
    }
}
