//! The certificate's URI, and what an identity covers.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::mesh::control::{Control, Drain, Load, Response, RoomState, Selection};

#[test]
fn an_identity_prints_as_the_uri_it_is_read_from() {
    for uri in ["stoa://edge/ams/edge-1", "stoa://origin/eu-west.1/o_1"] {
        assert_eq!(uri.parse::<Identity>().unwrap().to_string(), uri);
    }
}

#[test]
fn a_uri_of_another_form_names_no_node() {
    for uri in
        ["", "https://edge/ams/e", "stoa://edge/ams", "stoa://edge/ams/e/x", "stoa:edge/ams/e"]
    {
        assert!(matches!(uri.parse::<Identity>(), Err(IdentityError::Form { .. })), "{uri}");
    }
    assert!(matches!("stoa://Edge/ams/e".parse::<Identity>(), Err(IdentityError::Role { .. })));
    assert!(matches!("stoa://edge//e".parse::<Identity>(), Err(IdentityError::Name(_))));
    assert!(matches!("stoa://edge/ams/e%20".parse::<Identity>(), Err(IdentityError::Name(_))));
}

#[test]
fn an_error_shows_no_more_than_200_characters_of_a_hostile_uri() {
    let uri = "x".repeat(10_000);
    let message = uri.parse::<Identity>().unwrap_err().to_string();
    assert!(message.len() < 300, "{}", message.len());
}

#[test]
fn only_an_origin_decides_and_answers() {
    let bodies = [
        Body::Selection(Selection::default()),
        Body::RoomState(RoomState::default()),
        Body::Response(Response::default()),
    ];
    for body in &bodies {
        assert!(matches!(edge().may_say(body), Err(WrongClaim::OriginsOnly { .. })));
        assert_eq!(origin().may_say(body), Ok(()));
    }
    for body in [Body::Drain(Drain::default()), Body::Load(Load::default())] {
        assert_eq!(edge().may_say(&body), Ok(()));
    }
    assert_eq!(Control::default().body, None);
}

#[test]
fn an_edge_publishes_only_tracks_of_participants_it_hosts() {
    let (own, other) = (NodeId::new("edge-1").unwrap(), NodeId::new("edge-2").unwrap());
    assert_eq!(edge().may_publish(TrackKind::Speaker, Some(&own)), Ok(()));
    assert_eq!(edge().may_publish(TrackKind::Speaker, Some(&other)), Err(WrongClaim::ForeignTrack));
    assert_eq!(edge().may_publish(TrackKind::Speaker, None), Err(WrongClaim::ForeignTrack));
    assert_eq!(edge().may_publish(TrackKind::Programme, Some(&own)), Err(WrongClaim::Programme));
    assert_eq!(origin().may_publish(TrackKind::Programme, None), Ok(()));
}

#[test]
fn persistent_misbehaviour_exhausts_the_budget_and_rare_misbehaviour_does_not() {
    let start = Instant::now();
    let mut burst = Misbehaviour::default();
    let noted: Vec<bool> = (0..=MISBEHAVIOUR_PER_MINUTE_MAX).map(|_| burst.note(start)).collect();
    assert_eq!(noted.iter().position(|exhausted| *exhausted), Some(50));

    let mut rare = Misbehaviour::default();
    for second in 0..10_000 {
        assert!(!rare.note(start + Duration::from_secs(2 * second)));
    }
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused_without_panic(text in ".*", tail in ".*") {
        let _ = text.parse::<Identity>();
        if let Ok(identity) = format!("stoa://edge/{tail}").parse::<Identity>() {
            prop_assert_eq!(identity.to_string().parse::<Identity>(), Ok(identity));
        }
    }
}

fn edge() -> Identity {
    "stoa://edge/ams/edge-1".parse().unwrap()
}

fn origin() -> Identity {
    "stoa://origin/ams/origin-1".parse().unwrap()
}
