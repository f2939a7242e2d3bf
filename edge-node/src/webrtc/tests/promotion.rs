//! From the audience to the stage and back, without a word to the client: no SDP, no ICE, no handshake.

use std::ops::Range;

use stoa_audio::opus;

use super::pair::{Edge, SPEAK, STEP, WAIT};
use crate::media::PacketLength;
use crate::webrtc::Class;
use crate::webrtc::change::Change;
use crate::webrtc::registry::Borrowed;

/// Speaks a packet a step.
fn speak(edge: &mut Edge, client: usize, sequences: Range<u16>) {
    for sequence in sequences {
        let now = edge.now;
        edge.clients[client].speak(sequence, 5_000 + 960 * u32::from(sequence), now);
        edge.step(STEP);
    }
}

/// Plays the same voice to audience and stage.
fn play(edge: &mut Edge, numbers: Range<u64>) {
    for number in numbers {
        edge.play(number, 0, Class::Audience);
        edge.play(number, 0, Class::Stage);
        edge.step(STEP);
    }
}

fn numbers(edge: &Edge) -> Vec<u64> {
    edge.uplinked().iter().map(|frame| frame.number.0).collect()
}

#[test]
fn a_listener_who_may_be_promoted_is_answered_as_a_speaker_is() {
    let mut edge = Edge::new();
    let (waiting, speaking) = (edge.add_client(1, WAIT), edge.add_client(2, SPEAK));
    let lines = |client: usize| -> Vec<String> {
        let own = ["a=ice-", "a=ssrc:", "a=msid", "o=", "a=candidate", "a=mid:", "a=group:BUNDLE"];
        let lines = edge.clients[client].answer.lines();
        lines.filter(|line| !own.iter().any(|o| line.starts_with(o))).map(str::to_owned).collect()
    };
    assert_eq!(lines(waiting), lines(speaking));
}

#[test]
fn off_stage_nothing_is_let_in_and_it_is_counted() {
    let mut edge = Edge::new();
    let client = edge.connect(1, WAIT);
    speak(&mut edge, client, 0..50);
    assert_eq!(numbers(&edge), Vec::<u64>::new());
    let counters = edge.sessions.take_counters();
    assert_eq!((counters.off_stage, counters.uplink.frames), (50, 0));
}

#[test]
fn who_is_promoted_is_heard_from_the_next_packet_on_and_who_is_demoted_is_not() {
    let mut edge = Edge::new();
    let client = edge.connect(1, WAIT);
    speak(&mut edge, client, 0..10);
    edge.change(client, Change::Stage(true));
    speak(&mut edge, client, 10..20);
    assert_eq!(numbers(&edge), (0..10).map(|n| 400 + 8 * n).collect::<Vec<_>>());
    edge.change(client, Change::Stage(false));
    speak(&mut edge, client, 20..60);
    assert_eq!(numbers(&edge).len(), 10);
    assert_eq!(edge.sessions.take_counters().off_stage, 50);
    edge.change(client, Change::Stage(true));
    speak(&mut edge, client, 60..70);
    let again = numbers(&edge);
    assert_eq!(again.len(), 20);
    assert!(again.windows(2).all(|pair| pair[0] < pair[1]), "{again:?}");
    // The first packet on the stage was the tenth: its numbers count the time since.
    assert_eq!(again[19] - again[0], 8 * 59);
    assert_eq!(edge.closed(), []);
}

#[test]
fn a_mute_holds_whatever_the_stage() {
    let mut edge = Edge::new();
    let client = edge.connect(1, WAIT);
    edge.change(client, Change::Muted(true));
    edge.change(client, Change::Stage(true));
    speak(&mut edge, client, 0..10);
    assert_eq!(numbers(&edge), Vec::<u64>::new());
    edge.change(client, Change::Muted(false));
    speak(&mut edge, client, 10..20);
    assert_eq!(numbers(&edge).len(), 10);
    let counters = edge.sessions.take_counters();
    assert_eq!((counters.muted, counters.off_stage), (10, 0));
}

#[test]
fn who_moves_hears_every_frame_once_in_packets_of_his_class() {
    let mut edge = Edge::new();
    let client = edge.connect(1, WAIT);
    edge.change(client, Change::Length(PacketLength::Ms60));
    play(&mut edge, 0..50);
    edge.change(client, Change::Stage(true));
    let promoted_at = edge.clients[client].packets.len();
    // A wish that comes on the stage holds from the way back on.
    edge.change(client, Change::Length(PacketLength::Ms120));
    play(&mut edge, 50..100);
    edge.change(client, Change::Stage(false));
    let demoted_at = edge.clients[client].packets.len();
    play(&mut edge, 100..160);
    for _ in 0..10 {
        edge.step(STEP);
    }
    let packets = &edge.clients[client].packets;
    let samples = |packet: &str0m::rtp::RtpPacket| {
        u64::from(opus::duration(&packet.payload).map_or(0, |duration| duration.samples()))
    };
    assert!(packets[..promoted_at].iter().any(|packet| samples(packet) == 2_880));
    // What the client is still to receive of the audience's packets comes first.
    assert!(packets[promoted_at + 1..demoted_at].iter().all(|packet| samples(packet) == 960));
    assert!(packets[demoted_at + 1..].iter().any(|packet| samples(packet) == 5_760));
    for pair in packets.windows(2) {
        assert_eq!(pair[1].header.ssrc, pair[0].header.ssrc);
        assert_eq!(*pair[1].seq_no, *pair[0].seq_no + 1);
        assert_eq!(pair[1].time.numer(), pair[0].time.numer() + samples(&pair[0]));
    }
    let heard: u64 = packets.iter().map(samples).sum();
    // The voice breaks off in the end and is given 20 ms of silence and an empty frame.
    assert_eq!(heard, 162 * 960);
}

#[test]
fn somebody_on_the_stage_hears_what_the_stage_hears() {
    let mut edge = Edge::new();
    let client = edge.connect(1, WAIT);
    let heard = |edge: &mut Edge, number, class| {
        let before = edge.clients[client].packets.len();
        edge.play(number, 0, class);
        edge.step(STEP);
        edge.clients[client].packets.len() - before
    };
    assert_eq!(heard(&mut edge, 0, Class::Stage), 0);
    edge.change(client, Change::Stage(true));
    assert_eq!(heard(&mut edge, 1, Class::Stage), 1);
    assert_eq!(heard(&mut edge, 2, Class::Audience), 0);
    edge.change(client, Change::Stage(true));
    assert_eq!(heard(&mut edge, 3, Class::Stage), 1, "told twice, nothing changes");
    let now = edge.now;
    edge.sessions.shed(1, now, &mut edge.wire);
    assert_eq!(heard(&mut edge, 4, Class::Stage), 1, "nobody on the stage is sent away");
}

#[test]
fn a_promotion_holds_that_comes_before_the_first_check() {
    let mut edge = Edge::new();
    let client = edge.add_client(1, WAIT);
    let session = edge.clients[client].session;
    let Borrowed::Taken(borrowed) = edge.registry.borrow(session) else { panic!("not waiting") };
    // A restart has it in hand: nothing that is said meanwhile may be lost.
    for change in [Change::Muted(true), Change::Stage(true), Change::Muted(false)] {
        assert_eq!(edge.registry.change(session, change), None);
    }
    edge.registry.give_back(borrowed);
    while !edge.clients[client].connected {
        edge.step(STEP);
    }
    speak(&mut edge, client, 0..10);
    assert_eq!(numbers(&edge).len(), 10);
}

#[test]
fn a_speaker_is_told_how_his_packets_arrive() {
    let mut edge = Edge::new();
    let client = edge.connect(1, SPEAK);
    // Every tenth packet is never sent.
    for sequence in (0..1_000u16).filter(|sequence| sequence % 10 != 5) {
        speak(&mut edge, client, sequence..sequence + 1);
        if sequence % 10 == 4 {
            edge.step(STEP);
        }
    }
    let reports = &edge.clients[client].reports;
    assert!((4..=6).contains(&reports.len()), "one after a second, then every five: {reports:?}");
    let last = reports.last().unwrap();
    assert!((22..=29).contains(&last.fraction_lost), "a tenth of 256: {last:?}");
    assert!(last.jitter < 48 && last.last_sr_time != 0, "{last:?}");
}
