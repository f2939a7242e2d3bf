//! The media port's first look at a datagram, and opening what claims to be SRTP.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stoa_edge::media::srtp::{Master, Profile, Receiver};
use stoa_edge::webrtc::datagram::{Kind, classify};

fuzz_target!(|datagram: &[u8]| {
    let kind = classify(datagram);
    let master = Master::new(Profile::AesGcm128, &[1; 16], &[2; 12]).expect("the right lengths");
    let mut receiver = Receiver::new(&master).expect("keys");
    let mut packet = datagram.to_vec();
    match kind {
        Kind::Rtp => assert!(receiver.open_rtp(&mut packet).is_err(), "nobody knows the key"),
        Kind::Rtcp => assert!(receiver.open_rtcp(&mut packet).is_err(), "nobody knows the key"),
        Kind::BindingRequest(_) | Kind::OtherStun | Kind::Dtls | Kind::Unknown => {}
    }
});
