//! An offer of any text, answered for every kind of client.
#![no_main]

use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use rand::SeedableRng;
use rand::rngs::StdRng;
use stoa_edge::webrtc::{Class, Downlink, OpenSession, RoomKey, rehearse};

fuzz_target!(|offer: &str| {
    for (downlink, speaks) in
        [(Downlink::Slots, true), (Downlink::Single, false), (Downlink::None, true)]
    {
        let request = OpenSession {
            room: RoomKey(0),
            class: Class::Stage,
            downlink,
            track: speaks.then_some(stoa_audio::frame::TrackId(1)),
            muted: false,
            offer: offer.to_owned(),
        };
        let mut rng = StdRng::seed_from_u64(1);
        // Refusing is fine; panicking is not.
        let _ = rehearse(&request, Instant::now(), &mut rng);
    }
});
