//! Offers from strangers: whatever they say, the answer is an answer or a reason.

use std::time::Instant;

use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::pair::{ROOM, SPEAK, TRACK};
use crate::webrtc::{Class, OfferError, OpenSession, Opened, rehearse};

/// As a browser writes it: one line up, two down.
pub(super) const OFFER: &str = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
    a=group:BUNDLE 0 1 2\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n\
    a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=ice-options:trickle\r\n\
    a=fingerprint:sha-256 D2:FA:0E:C3:22:59:5E:14:95:69:92:3D:13:B4:84:24:2C:C2:A2:C0:3E:FD:34:8E:\
5E:EA:6F:AF:52:CE:E6:0F\r\na=setup:actpass\r\na=mid:0\r\n\
    a=extmap:14 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=sendonly\r\na=msid:- mic\r\n\
    a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
    a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=ssrc:3570614608 cname:x\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=recvonly\r\n\
    a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=setup:actpass\r\n\
    a=fingerprint:sha-256 D2:FA:0E:C3:22:59:5E:14:95:69:92:3D:13:B4:84:24:2C:C2:A2:C0:3E:FD:34:8E:\
5E:EA:6F:AF:52:CE:E6:0F\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n\
    a=fmtp:63 111/111\r\n";

fn answer(offer: String) -> Result<Opened, OfferError> {
    answer_in(SPEAK.class, offer)
}

fn answer_in(class: Class, offer: String) -> Result<Opened, OfferError> {
    let request = OpenSession {
        room: ROOM,
        class,
        downlink: SPEAK.downlink,
        track: Some(TRACK),
        muted: false,
        offer,
    };
    rehearse(&request, Instant::now(), &mut StdRng::seed_from_u64(1))
}

#[test]
fn a_browsers_offer_is_answered_with_its_own_numbers() {
    let opened = answer(OFFER.replace("0 1 2", "0 1")).unwrap();
    assert_eq!(opened.slot_mids, ["1"]);
    assert!(opened.answer.contains("a=extmap:14 urn:ietf:params:rtp-hdrext:ssrc-audio-level"));
    assert!(opened.answer.contains(&format!("a=ice-ufrag:{}", opened.ice_ufrag)));
}

#[test]
fn who_offers_no_uplink_may_listen_and_not_speak() {
    let offer = OFFER.replace("0 1 2", "0 1").replace("a=sendonly", "a=inactive");
    let opened = answer_in(Class::Audience, offer.clone()).unwrap();
    assert!(opened.answer.contains("a=mid:0\r\n") && !opened.answer.contains("a=recvonly"));
    assert_eq!(opened.slot_mids, ["1"]);
    let refused = answer_in(Class::Stage, offer).unwrap_err();
    assert_eq!(refused, OfferError::NoAudio { needed: "sendonly" });
}

#[test]
fn too_many_lines_are_refused_before_they_cost_anything() {
    let line = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n";
    let refused = answer(format!("{OFFER}{}", line.repeat(20))).unwrap_err();
    assert!(refused.to_string().contains("more than 8 media lines"), "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn perturbed_offers_never_panic(
        changes in proptest::collection::vec((0usize..OFFER.len(), "\\PC?"), 1..8)
    ) {
        let mut offer: Vec<String> = OFFER.chars().map(String::from).collect();
        for (at, text) in changes {
            offer[at] = text;
        }
        let _ = answer(offer.concat());
    }

    #[test]
    fn offers_with_lines_missing_or_doubled_never_panic(
        kept in proptest::collection::vec(0usize..3, OFFER.lines().count())
    ) {
        let offer: String =
            OFFER.lines().zip(kept).flat_map(|(line, times)| [line, "\r\n"].repeat(times)).collect();
        let _ = answer(offer);
    }
}
