//! People who move to another edge, and edges that leave.

use std::time::Duration;

use stoa_audio::frame::{Frame, TrackId};
use stoa_link::{LinkId, TrackBinding};
use stoa_protocol::mesh::control::{
    Answer, Ask, Body, Drain, Join, Leave, Relay, Undrain, WireRole,
};

use super::world::{World, join_ask};

const STEP: Duration = Duration::from_millis(20);

/// His track at the other edge.
const NEW: TrackId = TrackId(4_711);

/// Ada speaks at one edge and has joined through another; Sin listens.
fn moved() -> (World, LinkId, LinkId, LinkId) {
    let mut world = World::new();
    let (ams, fra, sin) = (world.up(1, "ams"), world.up(2, "fra"), world.up(3, "sin"));
    world.create(ams, "r");
    world.join_speaking(ams, "r", "ada");
    world.subscribe(sin, "r");
    assert_eq!(world.speak(ams, "r", "ada"), [sin]);
    let Ask::Join(join) = join_ask("r", "ada", WireRole::Speaker) else { panic!() };
    let answer = world.ask(fra, Ask::Join(Join { resumes: true, track: NEW.0, ..join }));
    assert!(matches!(answer, Answer::Room(_)), "{answer:?}");
    let binding = TrackBinding { track: NEW, ..World::binding("r", "ada") };
    world.service.handle_bound(fra, &binding, world.now);
    world.pump();
    (world, ams, fra, sin)
}

/// A frame of his at the other edge.
fn there(world: &World, voice: bool) -> Frame {
    Frame { track: NEW, voice, ..world.frame("r", "ada") }
}

#[test]
fn who_moves_is_heard_by_the_old_edge_until_the_new_one_brings_his_voice() {
    let (mut world, ams, fra, sin) = moved();
    for _ in 0..50 {
        world.advance(STEP);
        assert_eq!(world.speak(ams, "r", "ada"), [sin]);
    }
    let silence = there(&world, false);
    world.send_frame(fra, &silence);
    assert_eq!(world.speak(ams, "r", "ada"), [sin], "a pause ends nothing");
    let voice = there(&world, true);
    assert_eq!(world.send_frame(fra, &voice), [sin]);
    assert!(world.speak(ams, "r", "ada").is_empty(), "nobody is heard twice");
    assert_eq!(world.service.counts().voices_handed_over, 1);
}

#[test]
fn who_brings_no_voice_is_heard_by_the_old_edge_for_ten_seconds_at_most() {
    let (mut world, ams, _, sin) = moved();
    for _ in 0..499 {
        world.advance(STEP);
        assert_eq!(world.speak(ams, "r", "ada"), [sin]);
    }
    world.advance(STEP);
    world.advance(STEP);
    assert!(world.speak(ams, "r", "ada").is_empty());
}

#[test]
fn who_is_muted_or_leaves_while_he_moves_is_not_heard_by_the_old_edge() {
    let (mut world, ams, fra, _) = moved();
    world.mute(fra, "r", "ada", true);
    assert!(world.speak(ams, "r", "ada").is_empty());

    let (mut world, ams, fra, _) = moved();
    let leave = Leave { room: "r".into(), participant: "ada".into() };
    assert!(matches!(world.ask(fra, Ask::Leave(leave)), Answer::Done(_)));
    assert!(world.speak(ams, "r", "ada").is_empty());
}

#[test]
fn an_edge_that_was_cut_off_does_not_take_back_who_has_gone_elsewhere_meanwhile() {
    let (mut world, ams, fra, sin) = moved();
    let voice = there(&world, true);
    assert_eq!(world.send_frame(fra, &voice), [sin]);
    world.down(ams);
    let ams = world.up(4, "ams");
    let Ask::Join(join) = join_ask("r", "ada", WireRole::Speaker) else { panic!() };
    let refused = world.problem(ams, Ask::Join(Join { resumes: true, ..join.clone() }));
    assert_eq!(refused.status, 409);
    world.advance(STEP);
    let voice = there(&world, true);
    assert_eq!(world.send_frame(fra, &voice), [sin]);
    let again = world.ask(ams, Ask::Join(Join { resumes: true, track: 9, ..join }));
    assert!(matches!(again, Answer::Room(_)), "he may come back himself: {again:?}");
}

fn offers(name: &str, (latitude, longitude): (f64, f64)) -> Body {
    let public_url = format!("https://{name}");
    let (latitude, longitude) = (Some(latitude), Some(longitude));
    Body::Relay(Relay { public_url, latitude, longitude, ..Relay::default() })
}

fn named(world: &mut World, link: LinkId) -> Option<Vec<String>> {
    world.advance(Duration::from_secs(1));
    let told = world.take(link, |body| match body {
        Body::Alternatives(told) => {
            Some(told.edges.iter().map(|edge| edge.url.clone()).collect::<Vec<_>>())
        }
        _ => None,
    });
    told.into_iter().last()
}

#[test]
fn edges_hear_where_their_clients_may_go_and_of_none_that_leaves() {
    let mut world = World::new();
    let edges = [("ams", 1), ("fra", 2), ("sin", 3), ("lhr", 4)];
    let links = edges.map(|(name, link)| world.up(link, name));
    let places = [("ams", (52.4, 4.9)), ("fra", (50.1, 8.7)), ("sin", (1.4, 103.8))];
    for (link, (name, place)) in links.into_iter().zip(places) {
        world.control(link, offers(name, place));
    }
    let urls = |names: &[&str]| {
        Some(names.iter().map(|name| format!("https://{name}")).collect::<Vec<_>>())
    };
    let [ams, fra, sin, lhr] = links;
    assert_eq!(named(&mut world, ams), urls(&["fra", "sin"]));
    assert_eq!(named(&mut world, lhr), urls(&["ams", "fra", "sin"]), "without a URL of its own");
    assert_eq!(named(&mut world, fra), urls(&["ams", "sin"]));
    world.control(fra, Body::Drain(Drain { deadline_ms: 30_000 }));
    assert_eq!(world.service.edges_draining(), 1);
    assert_eq!(named(&mut world, ams), urls(&["sin"]));
    assert_eq!(named(&mut world, fra), None, "nothing is new to it");
    world.control(fra, Body::Undrain(Undrain {}));
    assert_eq!(named(&mut world, sin), urls(&["fra", "ams"]));
}
