//! The RFCs' own vectors, and sender against receiver.

use super::derive::SessionKeys;
use super::derive::{Label, counter_key, counter_mode, derive};
use super::sealer::Sealer;
use super::{Master, Masters, OpenError, Profile, Receiver, Sender};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn salt14(bytes: &[u8]) -> [u8; 14] {
    let mut salt = [0; 14];
    salt[..bytes.len()].copy_from_slice(bytes);
    salt
}

#[test]
fn keys_derive_as_rfc_3711_appendix_b_3_says() {
    let master = Master::new(
        Profile::AesCm128Sha1,
        &hex("E1F97A0D3E018BE0D64FA32C06DE4139"),
        &hex("0EC675AD498AFEEBB6960B3AABE6"),
    )
    .unwrap();
    let mut key = [0; 16];
    derive(&master, Label::RtpKey, &mut key).unwrap();
    assert_eq!(key.to_vec(), hex("C61E7A93744F39EE10734AFE3FF7A087"));
    let mut salt = [0; 14];
    derive(&master, Label::RtpSalt, &mut salt).unwrap();
    assert_eq!(salt.to_vec(), hex("30CBBC08863D8C85D49DB34A9AE1"));
    let mut auth = [0; 20];
    derive(&master, Label::RtpAuth, &mut auth).unwrap();
    assert_eq!(auth.to_vec(), hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
}

#[test]
fn the_key_stream_is_that_of_rfc_3711_appendix_b_2() {
    let key = counter_key(&hex("2B7E151628AED2A6ABF7158809CF4F3C")).unwrap();
    let mut iv = [0; 16];
    iv[..14].copy_from_slice(&hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"));
    let mut stream = [0; 48];
    counter_mode(&key, iv, &mut stream).unwrap();
    let expected = "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB \
                    41E95B3BB0A2E8DD477901E4FCA894C0";
    assert_eq!(stream.to_vec(), hex(expected));
}

const RFC_7714_PLAIN: &str = "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 \
                              20646976 69736120 696e2070 61727465 73207472 6573";

fn seal_rfc_7714(profile: Profile, key: &[u8]) -> Vec<u8> {
    let salt = salt14(&hex("517569642070726f2071756f"));
    let mut keys = SessionKeys { profile, key: [0; 32], salt, auth: [0; 20] };
    keys.key[..key.len()].copy_from_slice(key);
    let sealer = Sealer::from_session_keys(&keys).unwrap();
    let mut packet = hex(RFC_7714_PLAIN);
    packet.extend_from_slice(&[0; 16]);
    sealer.seal(&mut packet, 12, 0x5501_a0b2, 0xf17b).unwrap();
    packet
}

#[test]
fn aes_128_gcm_seals_as_rfc_7714_section_16_1_1_says() {
    let key: Vec<u8> = (0..16).collect();
    let expected = "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 \
                    0d294e6f 42a5f47a 51c7d19b 36de3adf 8833 899d7f27 beb16a91 52cf765e e4390cce";
    assert_eq!(seal_rfc_7714(Profile::AesGcm128, &key), hex(expected));
}

#[test]
fn aes_256_gcm_seals_as_rfc_7714_section_16_2_1_says() {
    let key: Vec<u8> = (0..32).collect();
    let expected = "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 \
                    9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13";
    assert_eq!(seal_rfc_7714(Profile::AesGcm256, &key), hex(expected));
}

const PROFILES: [Profile; 3] = [Profile::AesCm128Sha1, Profile::AesGcm128, Profile::AesGcm256];

fn pair(profile: Profile) -> (Sender, Receiver) {
    let length = 2 * (profile.key_bytes() + profile.salt_bytes());
    let material: Vec<u8> = (0..length).map(|i| u8::try_from(i).unwrap()).collect();
    let ours = Masters::from_exporter(profile, &material, true).unwrap();
    let theirs = Masters::from_exporter(profile, &material, false).unwrap();
    (Sender::new(&ours.local).unwrap(), Receiver::new(&theirs.remote).unwrap())
}

fn rtp(sender: &Sender, ssrc: u32, index: u64, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 111];
    packet.extend_from_slice(&index.to_be_bytes()[6..]);
    packet.extend_from_slice(&[0; 4]);
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(payload);
    packet.resize(packet.len() + sender.rtp_overhead(), 0);
    sender.seal_rtp(&mut packet, 12, ssrc, index).unwrap();
    packet
}

#[test]
fn a_receiver_follows_the_sender_across_a_roll_over() {
    for profile in PROFILES {
        let (sender, mut receiver) = pair(profile);
        for index in 0xfff0..0x1_0010u64 {
            let mut packet = rtp(&sender, 7, index, b"voice");
            let (payload, seen) = receiver.open_rtp(&mut packet).unwrap();
            assert_eq!((&packet[payload], seen), (&b"voice"[..], index));
        }
    }
}

#[test]
fn a_packet_is_taken_once_and_a_changed_one_never() {
    for profile in PROFILES {
        let (sender, mut receiver) = pair(profile);
        let first = rtp(&sender, 7, 5, b"voice");
        for byte in 0..first.len() {
            let mut changed = first.clone();
            changed[byte] ^= 0x40;
            assert!(receiver.open_rtp(&mut changed).is_err(), "byte {byte} of {profile:?}");
        }
        assert!(receiver.open_rtp(&mut first.clone()).is_ok());
        assert_eq!(receiver.open_rtp(&mut first.clone()), Err(OpenError::Replay));
    }
}

#[test]
fn a_late_packet_is_taken_within_the_window_only() {
    let (sender, mut receiver) = pair(Profile::AesGcm128);
    for index in [100, 37, 101] {
        assert!(receiver.open_rtp(&mut rtp(&sender, 7, index, b"v")).is_ok(), "{index}");
    }
    assert_eq!(receiver.open_rtp(&mut rtp(&sender, 7, 37, b"v")), Err(OpenError::Replay));
}

#[test]
fn control_packets_open_once_and_only_unchanged() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        for _ in 0..3 {
            let mut plain = vec![0x80, 200, 0, 1];
            plain.extend_from_slice(&7u32.to_be_bytes());
            plain.extend_from_slice(b"report!!");
            let mut packet = plain.clone();
            packet.resize(plain.len() + sender.rtcp_overhead(), 0);
            sender.seal_rtcp(&mut packet, 7).unwrap();
            assert_ne!(packet[8..16], plain[8..16]);
            for byte in 0..packet.len() {
                let mut changed = packet.clone();
                changed[byte] ^= 0x20;
                assert!(receiver.open_rtcp(&mut changed).is_err(), "byte {byte} of {profile:?}");
            }
            let mut copy = packet.clone();
            let end = receiver.open_rtcp(&mut copy).unwrap();
            assert_eq!(copy[..end], plain[..]);
            assert_eq!(receiver.open_rtcp(&mut packet), Err(OpenError::Replay));
        }
    }
}

#[test]
fn short_input_is_an_error_and_not_a_panic() {
    for profile in PROFILES {
        let (mut sender, mut receiver) = pair(profile);
        for length in 0..40 {
            let mut packet = vec![0x90; length];
            assert!(receiver.open_rtp(&mut packet).is_err());
            assert!(receiver.open_rtcp(&mut packet).is_err());
            let _ = sender.seal_rtp(&mut packet, 12, 1, 1);
            let _ = sender.seal_rtcp(&mut packet, 1);
        }
    }
}
