//! The joiner beside libopus: its repacketizer must write the same bytes, and its decoder must hear
//! the same samples in a joined packet as in the packets that were joined.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::collections::BTreeSet;
use std::f32::consts::TAU;

use bytes::Bytes;
use libopus::{Application, Bitrate, Channels, Decoder, Encoder, Repacketizer};
use proptest::collection::vec;
use proptest::prelude::*;
use stoa_audio::frame::FrameDuration;
use stoa_audio::opus::{
    DTX_BYTES_MAX, JOINED_BYTES_MAX, Joiner, Mode, Packet, Refused, is_joinable, split,
};

const SAMPLE_RATE: u32 = 48_000;
/// Hybrid, 20 ms, mono.
const TOC: u8 = 15 << 3;
/// Lengths of packets that listeners get, in units of 2.5 ms: 20, 60 and 120 ms.
const LISTENER_UNITS: [u8; 3] = [8, 24, 48];

/// How a stream is encoded.
#[derive(Clone, Copy, Debug)]
struct Setting {
    application: Application,
    channels: Channels,
    bits_per_second: i32,
    /// Samples of a frame in one channel.
    frame: usize,
    /// Variable rate with pauses left out (DTX), or constant rate.
    variable: bool,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn libopus_writes_the_same_packet_from_random_frames(
        toc in (0..64_u8).prop_map(|toc| toc << 2),
        frames in prop_oneof![
            vec(vec(any::<u8>(), 2..40), 1..50),
            vec(vec(any::<u8>(), 2..600), 1..8),
            (2..400_usize).prop_flat_map(|length| vec(vec(any::<u8>(), length), 1..50)),
        ],
    ) {
        let packets: Vec<_> = frames.iter().map(|frame| [&[toc][..], frame].concat()).collect();
        prop_assume!(is_joinable(&packets[0]));
        let mut joiner = Joiner::default();
        let taken = packets.iter().take_while(|packet| joiner.push(packet).is_ok()).count();
        prop_assert_eq!(written(&joiner), repacketized(&packets[..taken]).unwrap());
        if taken < packets.len() {
            let more = repacketized(&packets[..=taken]).map(|packet| packet.len());
            match joiner.push(&packets[taken]).unwrap_err() {
                Refused::Duration => prop_assert!(more.is_err(), "{more:?}"),
                Refused::Bytes => prop_assert!(more.unwrap() > JOINED_BYTES_MAX),
                refused => prop_assert!(false, "{refused:?}"),
            }
        }
        let of_other_channels = [&[toc ^ 0b100][..], &frames[0]].concat();
        prop_assert_eq!(joiner.push(&of_other_channels), Err(Refused::Configuration));
        prop_assert!(repacketized(&[packets[0].clone(), of_other_channels]).is_err());
    }

    #[test]
    fn a_packet_that_libopus_padded_stays_whole_and_keeps_its_duration(
        frames in vec(vec(any::<u8>(), 2..40), 1..7),
        padding in 4..600_usize,
    ) {
        let packets: Vec<_> = frames.iter().map(|frame| [&[TOC][..], frame].concat()).collect();
        let mut packet = repacketized(&packets).unwrap();
        let length = packet.len();
        packet.resize(length + padding, 0);
        libopus::packet::pad(&mut packet, length).unwrap();
        let packet = Bytes::from(packet);
        let apart = split(&packet).unwrap();
        let samples = libopus::packet::get_nb_samples(&packet, SAMPLE_RATE).unwrap();
        prop_assert_eq!(apart.frame_duration().samples() as usize, samples);
        prop_assert_eq!(apart.collect::<Vec<_>>(), [packet]);
    }
}

#[test]
fn libopus_writes_the_same_packets_from_what_it_encodes_and_decodes_them_to_the_same_samples() {
    let voices = [voice(1), voice(2)];
    let mut met = BTreeSet::new();
    for setting in settings() {
        let packets = encoded(setting, &voices[setting.channels as usize - 1]);
        let apart = decoded(setting, &packets);
        for units in LISTENER_UNITS {
            let joined = joined(&packets, FrameDuration::from_units(units).unwrap());
            met.extend(joined.iter().map(|packet| kind(packet)));
            let same = decoded(setting, &joined) == apart;
            assert!(same, "{setting:?} in packets of {units} units sounds different");
        }
    }
    let mut all = BTreeSet::from(["DTX".to_owned()]);
    for mode in [Mode::Silk, Mode::Hybrid, Mode::Celt] {
        let codes = ["0", "1", "2", "3 constant", "3 variable"];
        all.extend(codes.map(|code| format!("{mode:?}, code {code}")));
    }
    assert_eq!(met, all, "each mode must be met in each framing");
}

/// Speech and low-delay coding, one and two channels, 10 and 20 ms, constant and variable rate, at the
/// rates of narrow speech up to those of music.
fn settings() -> Vec<Setting> {
    let mut settings = Vec::new();
    for application in [Application::Voip, Application::Audio, Application::LowDelay] {
        for channels in [Channels::Mono, Channels::Stereo] {
            for bits_per_second in [8_000, 16_000, 32_000, 96_000] {
                for (frame, variable) in [(480, true), (480, false), (960, true), (960, false)] {
                    let setting =
                        Setting { application, channels, bits_per_second, frame, variable };
                    settings.push(setting);
                }
            }
        }
    }
    settings
}

/// What a packet is, as far as joining goes.
fn kind(packet: &[u8]) -> String {
    if packet.len() <= DTX_BYTES_MAX {
        return "DTX".into();
    }
    let toc = Packet::parse(packet).unwrap().toc();
    let rate = match toc.code() {
        3 if packet[1] & 0x80 == 0 => " constant",
        3 => " variable",
        _ => "",
    };
    format!("{:?}, code {}{rate}", toc.mode(), toc.code())
}

fn written(joiner: &Joiner) -> Vec<u8> {
    let mut out = [0; JOINED_BYTES_MAX];
    let length = joiner.write(&mut out).unwrap();
    out[..length].to_vec()
}

fn repacketized(packets: &[Vec<u8>]) -> libopus::Result<Vec<u8>> {
    let packets: Vec<_> = packets.iter().map(Vec::as_slice).collect();
    let mut out = vec![0; 2 * JOINED_BYTES_MAX];
    let length = Repacketizer::new()?.combine(&packets, &mut out)?;
    out.truncate(length);
    Ok(out)
}

/// What a listener gets who is sent packets of up to `duration_max`.
fn joined(packets: &[Vec<u8>], duration_max: FrameDuration) -> Vec<Vec<u8>> {
    let mut joiner = Joiner::new(duration_max, JOINED_BYTES_MAX);
    let (mut held, mut sent) = (Vec::new(), Vec::new());
    for packet in packets {
        if joiner.push(packet).is_err() {
            sent.extend(taken(&mut joiner, &mut held));
            if let Err(refused) = joiner.push(packet) {
                assert_eq!((refused, is_joinable(packet)), (Refused::Whole, false));
                sent.push(packet.clone());
                continue;
            }
        }
        held.push(packet.clone());
    }
    sent.extend(taken(&mut joiner, &mut held));
    sent
}

/// The joined packet, if there is one, which must be what libopus makes of the packets in it.
fn taken(joiner: &mut Joiner, held: &mut Vec<Vec<u8>>) -> Option<Vec<u8>> {
    if joiner.is_empty() {
        return None;
    }
    let packet = written(joiner);
    assert_eq!(packet, repacketized(held).unwrap());
    joiner.clear();
    held.clear();
    Some(packet)
}

fn encoded(setting: Setting, voice: &[f32]) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(SAMPLE_RATE, setting.channels, setting.application).unwrap();
    encoder.set_bitrate(Bitrate::Bits(setting.bits_per_second)).unwrap();
    encoder.set_vbr(setting.variable).unwrap();
    encoder.set_dtx(setting.variable).unwrap();
    let frames = voice.chunks_exact(setting.frame * setting.channels as usize);
    frames.map(|frame| encoder.encode_vec_float(frame, 1_275).unwrap()).collect()
}

fn decoded(setting: Setting, packets: &[Vec<u8>]) -> Vec<u32> {
    let mut decoder = Decoder::new(SAMPLE_RATE, setting.channels).unwrap();
    let mut out = vec![0.0; 5_760 * setting.channels as usize];
    let mut samples = Vec::new();
    for packet in packets {
        let length = decoder.decode_float(packet, &mut out, false).unwrap();
        let heard = &out[..length * setting.channels as usize];
        samples.extend(heard.iter().map(|sample| sample.to_bits()));
    }
    samples
}

/// 1.5 s of something like speech, interleaved: gliding harmonics and a hiss in syllables, with a pause
/// of 0.7 s in which the encoder may fall silent.
fn voice(channels: usize) -> Vec<f32> {
    let mut samples = Vec::new();
    let (mut phase, mut noise) = (0.0_f32, 1_u32);
    for n in 0..SAMPLE_RATE / 2 * 3 {
        let at_s = n as f32 / SAMPLE_RATE as f32;
        let speaks = !(0.5..1.2).contains(&at_s);
        let syllable = if speaks { (TAU * 2.0 * at_s).sin().max(0.0) } else { 0.0 };
        phase = (phase + (120.0 + 40.0 * (TAU * 0.7 * at_s).sin()) / SAMPLE_RATE as f32).fract();
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let hiss = (noise >> 16) as f32 / 65_536.0 - 0.5;
        for channel in 0..channels {
            let shift = channel as f32 / 3.0;
            let harmonics = (1..20_u8).map(f32::from);
            let tone: f32 = harmonics.map(|k| (TAU * k * (phase + shift)).sin() / k).sum();
            samples.push(syllable * (0.2 * tone + 0.1 * hiss));
        }
    }
    samples
}
