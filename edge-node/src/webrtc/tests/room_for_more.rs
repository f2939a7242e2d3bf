//! A whole media plane that may send little: who is let in, and who is told to go elsewhere.

use prometheus::Registry;

use super::offers::OFFER;
use super::pair::{ROOM, TRACK};
use crate::webrtc::{
    Class, Downlink, OfferError, OpenSession, Opened, Plane, PlaneConfig, PlaneMetrics,
};

/// As many as a thousand packets a second of the usual size take.
const BITS_PER_SECOND: u64 = 1_000 * 270 * 8;

fn open(plane: &Plane, class: Class, ptime_ms: u32) -> Result<Opened, OfferError> {
    let speaks = class == Class::Stage;
    plane.open(&OpenSession {
        room: ROOM,
        class,
        downlink: Downlink::Slots,
        track: speaks.then_some(TRACK),
        muted: false,
        offer: format!("{}a=ptime:{ptime_ms}\r\n", OFFER.replace("BUNDLE 0 1 2", "BUNDLE 0 1")),
    })
}

#[test]
fn an_audience_beyond_what_may_be_sent_is_refused_and_the_stage_has_a_reserve() {
    let registry = Registry::new();
    let config = PlaneConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        workers: 1,
        egress_bits_per_second_max: Some(BITS_PER_SECOND),
        ..PlaneConfig::default()
    };
    let (plane, _queue) = Plane::start(&config, PlaneMetrics::new(&registry).unwrap()).unwrap();
    let listen = |ms| open(&plane, Class::Audience, ms);
    // 95 % of a thousand packets: 17 a second of 60 ms each.
    let audience: Vec<_> = (0..55).map(|_| listen(60).unwrap()).collect();
    assert!(matches!(listen(60), Err(OfferError::Full(_))));
    assert!(listen(120).is_ok(), "there is room for fewer packets");
    assert!(open(&plane, Class::Stage, 60).is_ok());
    assert!(matches!(open(&plane, Class::Stage, 60), Err(OfferError::Full(_))));
    // As many packets as the speaker gets, and one listener's.
    audience[..4].iter().for_each(|listener| plane.close(listener.session));
    assert!(listen(60).is_ok(), "who leaves makes room");
    let refused =
        registry.gather().into_iter().find(|m| m.name() == "stoa_edge_sessions_refused_total");
    let refused = refused.unwrap().get_metric()[0].get_counter().get_value();
    assert!((refused - 2.0).abs() < f64::EPSILON, "{refused}");
    plane.stop();
}
