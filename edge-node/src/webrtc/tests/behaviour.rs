//! What clients are promised.

use std::net::SocketAddr;
use std::time::Duration;

use str0m::change::SdpAnswer;

use super::pair::{Edge, LISTEN, PLAYER, PUBLISH, SPEAK, STEP, TRACK, frame};
use crate::media::PacketLength;
use crate::webrtc::change::Change;
use crate::webrtc::{Class, OfferError};

#[test]
fn a_listener_hears_every_slot_without_a_gap() {
    let mut edge = Edge::new();
    let client = edge.connect(1, LISTEN);
    for number in 0..300 {
        for slot in 0..3 {
            edge.play(number, slot, Class::Audience);
        }
        edge.step(STEP);
    }
    let packets = &edge.clients[client].packets;
    assert_eq!(packets.len(), 900);
    let mut sources: Vec<u32> = packets.iter().map(|p| *p.header.ssrc).collect();
    sources.sort_unstable();
    sources.dedup();
    assert_eq!(sources.len(), 3);
    for ssrc in sources {
        let stream: Vec<_> = packets.iter().filter(|p| *p.header.ssrc == ssrc).collect();
        for pair in stream.windows(2) {
            assert_eq!(*pair[1].seq_no, *pair[0].seq_no + 1);
            assert_eq!(pair[1].time.numer(), pair[0].time.numer() + 960);
        }
        assert_eq!(stream[0].payload[..], frame(0, 1).payload[..]);
    }
}

#[test]
fn sender_reports_reach_the_listener_and_none_is_str0ms() {
    let mut edge = Edge::new();
    let client = edge.connect(1, LISTEN);
    for number in 0..600 {
        edge.play(number, 0, Class::Audience);
        edge.step(STEP);
    }
    let last = edge.clients[client].packets.last().unwrap();
    let info = last.last_sender_info.expect("a sender report");
    assert!(info.sender_packet_count > 100, "{info:?}");
    assert_eq!(edge.sessions.take_counters().fenced, 0);
}

#[test]
fn a_player_with_one_line_hears_the_dominant_speaker_only() {
    let mut edge = Edge::new();
    let client = edge.connect(1, PLAYER);
    for number in 0..10 {
        edge.play(number, 0, Class::Audience);
        edge.play(number, 1, Class::Audience);
        edge.play(number, 0, Class::Stage);
        edge.step(STEP);
    }
    assert_eq!(edge.clients[client].packets.len(), 10);
}

#[test]
fn a_speakers_frames_come_out_until_he_is_muted() {
    let mut edge = Edge::new();
    let client = edge.connect(1, SPEAK);
    let speak = |edge: &mut Edge, sequences: std::ops::Range<u16>| {
        for sequence in sequences {
            let now = edge.now;
            let timestamp = 5_000 + 960 * u32::from(sequence);
            edge.clients[client].speak(sequence, timestamp, now);
            edge.step(STEP);
        }
    };
    speak(&mut edge, 0..10);
    let numbers: Vec<u64> = edge.uplinked().iter().map(|f| f.number.0).collect();
    assert_eq!(numbers, (0..10).map(|n| 400 + 8 * n).collect::<Vec<_>>());
    assert!(edge.uplinked().iter().all(|f| f.track == TRACK));
    edge.change(client, Change::Muted(true));
    speak(&mut edge, 10..20);
    assert_eq!(edge.uplinked().len(), 10);
    edge.change(client, Change::Muted(false));
    speak(&mut edge, 20..30);
    let numbers: Vec<u64> = edge.uplinked()[10..].iter().map(|f| f.number.0).collect();
    assert_eq!(numbers[numbers.len() - 1] - numbers[0], 8 * 9, "time went on while muted");
}

#[test]
fn the_answer_asks_a_speaker_for_short_packets_and_silence() {
    let mut edge = Edge::new();
    let client = edge.add_client(1, PUBLISH);
    let answer = &edge.clients[client].answer;
    assert!(answer.contains("a=ice-lite"), "{answer}");
    assert!(answer.contains("a=ptime:20"), "{answer}");
    assert!(answer.contains("usedtx=1;maxaveragebitrate=48000"), "{answer}");
    assert!(answer.contains("red/48000/2"), "{answer}");
    assert!(answer.contains("ssrc-audio-level"), "{answer}");
    assert!(!answer.contains("transport-"), "{answer}");
}

#[test]
fn an_ice_restart_goes_on_with_the_same_streams_at_a_new_address() {
    let mut edge = Edge::new();
    let client = edge.connect(1, LISTEN);
    edge.play(0, 0, Class::Audience);
    edge.step(STEP);
    let session = edge.clients[client].session;
    let mut changes = edge.clients[client].rtc.sdp_api();
    changes.ice_restart(true);
    let (offer, pending) = changes.apply().unwrap();
    let now = edge.now;
    let offer = offer.to_sdp_string();
    let restarted = edge.sessions.restart(session, &offer, now, &mut edge.wire).unwrap();
    assert!(restarted.answer.contains(&restarted.ice_ufrag));
    let answer = SdpAnswer::from_sdp_string(&restarted.answer).unwrap();
    edge.clients[client].rtc.sdp_api().accept_answer(pending, answer).unwrap();
    // The network changes: what the client sends comes from another port from now on.
    edge.clients[client].address = SocketAddr::from(([198, 51, 100, 9], 77));
    let new = str0m::Candidate::host(edge.clients[client].address, "udp").unwrap();
    edge.clients[client].rtc.add_local_candidate(new);
    for _ in 0..100 {
        edge.step(STEP);
    }
    let before = edge.clients[client].packets.len();
    assert_eq!(before, 3, "a frame, and the end that a voice is given when it breaks off");
    edge.play(1, 0, Class::Audience);
    edge.step(STEP);
    let packets = &edge.clients[client].packets;
    assert_eq!(packets.len(), 4);
    assert_eq!(packets[3].header.ssrc, packets[0].header.ssrc);
    assert_eq!(*packets[3].seq_no, *packets[0].seq_no + 3);
}

#[test]
fn a_client_that_falls_silent_is_let_go_after_thirty_seconds() {
    let mut edge = Edge::new();
    let client = edge.connect(1, LISTEN);
    let session = edge.clients[client].session;
    edge.clients.clear();
    for _ in 0..29 {
        edge.step(Duration::from_secs(1));
    }
    assert_eq!(edge.closed(), []);
    for _ in 0..3 {
        edge.step(Duration::from_secs(1));
    }
    assert_eq!(edge.closed(), [(session, "timed-out")]);
    assert_eq!((edge.sessions.fanout().listeners(), edge.registry.sessions()), (0, 0));
}

#[test]
fn closing_says_goodbye() {
    let mut edge = Edge::new();
    let client = edge.connect(1, LISTEN);
    edge.play(0, 0, Class::Audience);
    edge.step(STEP);
    let (session, now) = (edge.clients[client].session, edge.now);
    edge.sessions.close(session, now, &mut edge.wire);
    edge.step(STEP);
    assert_eq!(edge.closed(), [(session, "closed")]);
    assert!(edge.clients[client].closed, "DTLS close_notify has arrived");
}

#[test]
fn a_session_that_nobody_claims_expires() {
    let mut edge = Edge::new();
    let client = edge.add_client(1, LISTEN);
    let session = edge.clients[client].session;
    assert_eq!(edge.registry.expire(edge.now + Duration::from_secs(14)), []);
    assert_eq!(edge.registry.expire(edge.now + Duration::from_secs(15)), [session]);
    assert_eq!(edge.registry.sessions(), 0);
}

#[test]
fn offers_that_cannot_be_used_are_refused_with_a_reason() {
    let mut edge = Edge::new();
    assert!(matches!(
        edge.open("no sdp".into(), LISTEN),
        Err(OfferError::NoOpus | OfferError::Malformed(_))
    ));
    let opus = "hello\r\nm=audio 9 x 111\r\na=rtpmap:111 opus/48000/2\r\n".to_owned();
    let reason = edge.open(opus, LISTEN).unwrap_err().to_string();
    assert!(reason.contains("RFC 8866") && !reason.contains(['\n', '(']), "{reason}");
    let mut other = Edge::new();
    let client = other.add_client(1, LISTEN);
    let mut changes = other.clients[client].rtc.sdp_api();
    changes.ice_restart(true);
    let listening = changes.apply().unwrap().0.to_sdp_string();
    let refused = edge.open(listening.clone(), PUBLISH).unwrap_err();
    assert_eq!(refused, OfferError::NoAudio { needed: "sendonly" });
    let no_opus = listening.replace("opus/48000", "pcmu/8000");
    assert_eq!(edge.open(no_opus, LISTEN).unwrap_err(), OfferError::NoOpus);
}

#[test]
fn overload_sends_away_who_came_last_and_nobody_on_the_stage() {
    let mut edge = Edge::new();
    let clients: Vec<_> = (1..=4).map(|port| edge.connect(port, LISTEN)).collect();
    let speaker = edge.connect(9, SPEAK);
    let now = edge.now;
    edge.sessions.shed(2, now, &mut edge.wire);
    for _ in 0..3 {
        edge.step(STEP);
    }
    let gone: Vec<_> = clients[2..].iter().rev().map(|c| edge.clients[*c].session).collect();
    let expected: Vec<_> = gone.into_iter().map(|session| (session, "overloaded")).collect();
    assert_eq!(edge.closed(), expected);
    assert!(edge.clients[clients[3]].closed && !edge.clients[clients[0]].closed, "by a goodbye");
    edge.sessions.shed(10, now, &mut edge.wire);
    edge.step(STEP);
    assert_eq!(edge.closed().len(), 4);
    assert!(!edge.closed().iter().any(|(id, _)| *id == edge.clients[speaker].session));
}

#[test]
fn a_listener_gets_packets_of_the_length_that_he_asks_for() {
    let mut edge = Edge::new();
    let client = edge.connect(1, LISTEN);
    edge.change(client, Change::Length(PacketLength::Ms60));
    for number in 0..9 {
        edge.play(number, 0, Class::Audience);
        edge.step(STEP);
    }
    let samples = |packet: &str0m::rtp::RtpPacket| {
        stoa_audio::opus::duration(&packet.payload).unwrap().samples()
    };
    let heard: Vec<_> = edge.clients[client].packets.iter().map(samples).collect();
    assert!(heard.contains(&2_880) && heard.iter().all(|samples| *samples <= 2_880), "{heard:?}");
}
