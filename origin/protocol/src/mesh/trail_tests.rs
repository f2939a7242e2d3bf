//! Trails on the wire: right, too long and wrong.

use proptest::prelude::*;

use super::*;

fn trail(hops: &[(u32, u32)]) -> Trail {
    let mut trail = Trail::default();
    for (node_us, link_us) in hops {
        assert!(trail.push(Hop { node_us: *node_us, link_us: *link_us }));
    }
    trail
}

/// As [`trail`], for tests that have a trail of their own.
fn long(hops: &[(u32, u32)]) -> Trail {
    trail(hops)
}

fn written(departure: &Departure) -> BytesMut {
    let mut out = BytesMut::new();
    departure.encode(&mut out);
    out
}

#[test]
fn one_frame_in_sixty_four_is_chosen_whatever_its_length() {
    for units in [1, 2, 4, 8, 16, 24] {
        for track in [0, 7, u64::MAX] {
            let numbers = (0..64 * 240).map(|frame| FrameNumber(3 + frame * units));
            let chosen = numbers.filter(|number| is_sampled(TrackId(track), *number)).count();
            assert!((200..=280).contains(&chosen), "{units} units: {chosen} of {}", 64 * 240);
        }
    }
}

#[test]
fn a_departure_on_the_wire_does_not_change() {
    let departure =
        Departure { trail: trail(&[(5, 300), (1_000, 20_000)]), node_us: 63, left_us: 7 };
    let bytes: Vec<String> = written(&departure).iter().map(|b| format!("{b:02x}")).collect();
    insta::assert_snapshot!(bytes.join(" "), @"00 00 00 07 3f 05 41 2c 43 e8 80 00 4e 20");
}

#[test]
fn each_hop_adds_its_two_parts_and_no_more_than_eight_are_kept() {
    let mut trail = Trail::default();
    for hop in 0..HOPS_MAX {
        let departure = Departure::new(&trail, Duration::from_micros(700), 0).unwrap();
        (trail, _) = departure.arrive(300);
        assert_eq!(
            (trail.hops().len(), trail.total()),
            (hop + 1, Duration::from_millis(hop as u64 + 1))
        );
    }
    assert_eq!(Departure::new(&trail, Duration::ZERO, 0), None);
    assert!(!trail.push(Hop::default()));
    let most = Departure { trail: long(&[(u32::MAX, u32::MAX); 7]), node_us: u32::MAX, left_us: 1 };
    assert!(written(&most).len() <= 4 + 8 * (2 * HOPS_MAX - 1));
    let usual = [(PART_US_MAX, PART_US_MAX); 7];
    let usual = Departure { trail: long(&usual), node_us: PART_US_MAX, left_us: 1 };
    assert!(written(&usual).len() <= TRAIL_BYTES_MAX);
}

#[test]
fn impossible_times_are_cut_and_said_to_be() {
    let wild = Departure { trail: trail(&[(1, u32::MAX)]), node_us: PART_US_MAX + 1, left_us: 0 };
    let (arrived, is_sane) = wild.arrive(20);
    assert!(!is_sane);
    assert_eq!(arrived, trail(&[(1, PART_US_MAX), (PART_US_MAX, 20)]));
    assert!(Departure { trail: trail(&[(1, 2)]), node_us: 3, left_us: 0 }.arrive(4).1);
}

#[test]
fn what_is_cut_short_or_too_long_is_refused() {
    let of = |bytes: &[u8]| Departure::decode(bytes).unwrap_err().to_string();
    assert_eq!(of(&[0, 0, 0]), "the datagram ends in the middle of a field");
    assert_eq!(of(&[0, 0, 0, 1, 2, 3]), "the datagram ends in the middle of a field");
    let eight = [[0, 0, 0, 1, 2].as_slice(), &[1; 2 * HOPS_MAX]].concat();
    assert_eq!(of(&eight), "the hops of a record is out of range");
    let wide = [0, 0, 0, 1, 0xc0, 0, 0, 1, 0, 0, 0, 0];
    assert_eq!(of(&wide), "the time of a hop of a record is out of range");
}

proptest! {
    #[test]
    fn departures_come_back_as_they_were(
        hops in proptest::collection::vec(any::<(u32, u32)>(), 0..HOPS_MAX),
        node_us in any::<u32>(),
        left_us in any::<u32>(),
    ) {
        let departure = Departure { trail: trail(&hops), node_us, left_us };
        let bytes = written(&departure);
        prop_assert_eq!(bytes.len(), departure.encoded_len());
        prop_assert_eq!(Departure::decode(&bytes), Ok(departure));
    }

    #[test]
    fn random_bytes_never_panic_and_never_make_a_long_trail(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
        if let Ok(departure) = Departure::decode(&bytes) {
            let (trail, _) = departure.arrive(u32::MAX);
            prop_assert!(trail.hops().len() <= HOPS_MAX);
            prop_assert!(trail.hops().iter().all(|hop| hop.node_us.max(hop.link_us) <= PART_US_MAX));
        }
    }
}
