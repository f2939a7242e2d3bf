//! From a client's offer to a session and an answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rand::{Rng, RngExt};
use str0m::change::SdpOffer;
use str0m::config::DtlsCert;
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::rtp::Extension;
use str0m::{Candidate, IceCreds, Rtc, RtcConfig};

use super::admission::{Admission, Booking};
use super::candidates::Candidates;
use super::consent::Credentials;
use super::engine::Engine;
use super::keys::{Hook, KeySlot};
use super::microphone::{Line, Microphone};
use super::sdp::{self, LineEdit};
use super::session::{Parts, Session};
use super::uplink::PayloadTypes;
use super::{Class, Downlink, OfferError, OpenSession, Opened, Restarted, SLOTS_MAX, SessionId};
use crate::media::{Downstream, PacketLength};

/// What a speaker's browser is asked not to exceed, in bit/s.
const UPLINK_BITRATE_MAX: u32 = 48_000;

/// Audio and other lines in an offer; more are refused before they cost anything.
const LINES_MAX: usize = 8;

/// What all sessions of a process have in common.
pub(super) struct Surroundings {
    pub hook: Hook,
    pub certificate: DtlsCert,
    pub candidates: Candidates,
    /// Of the packets of the audience, unless an offer asks for others.
    pub audience_length: PacketLength,
}

/// Answers an offer.
///
/// # Errors
/// An [`OfferError`] when there is nothing to answer it with.
pub(super) fn open(
    request: &OpenSession,
    id: SessionId,
    surroundings: &Surroundings,
    booking: Booking,
    now: Instant,
    rng: &mut impl Rng,
) -> Result<(Session, Opened), OfferError> {
    let offer = parse(&request.offer)?;
    let credentials = IceCreds { ufrag: token(rng, 16), pass: token(rng, 32) };
    let ice_ufrag = credentials.ufrag.clone();
    let (mut rtc, keys) = build(surroundings, credentials, now)?;
    let answer = rtc.sdp_api().accept_offer(offer).map_err(malformed)?.to_sdp_string();
    let lines = Lines::choose(&rtc, &answer, request)?;
    let types = payload_types(&rtc).ok_or(OfferError::NoOpus)?;
    let mut streams = [None; SLOTS_MAX];
    let mut edits = lines.edits;
    for (stream, mid) in streams.iter_mut().zip(&lines.downlink) {
        let ssrc = take_stream(&mut rtc, *mid);
        *stream = ssrc.map(|ssrc| Downstream {
            ssrc,
            payload_type: types.opus,
            first_sequence: rng.random_range(0..0x8000),
            timestamp_offset: rng.random(),
        });
        edits.push(LineEdit { mid: mid.to_string(), ssrc, ..LineEdit::default() });
    }
    let microphone = lines.uplink.zip(request.track).map(|(mid, track)| {
        let media = rtc.media(mid);
        let level_id = media.and_then(|media| media.remote_extmap().id_of(Extension::AudioLevel));
        let report_ssrc = other_than(&streams, rng);
        Microphone::new(Line { track, types, level_id, report_ssrc })
    });
    let mut credentials = Credentials::default();
    let IceCreds { ufrag, pass } = rtc.direct_api().local_ice_credentials();
    credentials.add(&ufrag, &pass, remote_ufrag(&request.offer)?);
    let session = Session::new(
        Parts {
            id,
            room: request.room,
            class: request.class,
            audience_length: audience_length(request, surroundings.audience_length),
            single: request.downlink == Downlink::Single,
            booking,
            muted: request.muted,
            rtc,
            keys,
            credentials,
            microphone,
            streams,
            edits,
        },
        now,
    );
    let opened = Opened {
        session: id,
        answer: sdp::edit_answer(&answer, session.origin(), &session.edits),
        slot_mids: lines.downlink.iter().map(ToString::to_string).collect(),
        ice_ufrag,
    };
    Ok((session, opened))
}

/// Answers an offer as [`super::Plane::open`] would, and forgets the session at once: for whoever
/// wants to know what an offer is worth, and for feeding hostile ones.
///
/// # Errors
/// As [`super::Plane::open`], except that it is never full.
pub fn rehearse(
    request: &OpenSession,
    now: Instant,
    rng: &mut impl Rng,
) -> Result<Opened, OfferError> {
    let hook = Hook::shared();
    let certificate = hook.certificate().ok_or(OfferError::Full("it has no certificate"))?;
    let here = SocketAddr::from(([127, 0, 0, 1], 9));
    let candidates = Candidates::new(here, &[], &[]);
    let audience_length = PacketLength::default();
    let surroundings = Surroundings { hook, certificate, candidates, audience_length };
    let unlimited = Arc::new(Admission::new(1, u64::MAX));
    let booking = unlimited.book(request.class, length(request, audience_length));
    let booking = booking.ok_or(OfferError::Full("it bears no more listeners"))?;
    open(request, SessionId(0), &surroundings, booking, now, rng).map(|(_, opened)| opened)
}

/// Answers an offer with new ICE credentials; streams and their SSRCs stay as they are. Where str0m's
/// session is gone, another one is made for the answer alone.
///
/// # Errors
/// [`OfferError::Malformed`]; the session goes on as before.
pub(super) fn restart(
    session: &mut Session,
    offer: &str,
    surroundings: &Surroundings,
    now: Instant,
) -> Result<Restarted, OfferError> {
    let remote_ufrag = remote_ufrag(offer)?;
    let mut made;
    let (rtc, parsed) = match &mut session.engine {
        Engine::Awake(rtc) => (rtc, parse(offer)?),
        Engine::Asleep(asleep) => {
            // Whatever role the client offers now, the association has one already.
            let role = if asleep.is_active() { "a=setup:passive" } else { "a=setup:active" };
            let parsed = parse(&offer.replace("a=setup:actpass", role))?;
            let credentials = match session.credentials.current(remote_ufrag) {
                Some((ufrag, pass)) => IceCreds { ufrag: ufrag.into(), pass: pass.into() },
                None => IceCreds::new(),
            };
            (made, _) = build(surroundings, credentials, now)?;
            (&mut made, parsed)
        }
    };
    let answer = rtc.sdp_api().accept_offer(parsed).map_err(malformed)?.to_sdp_string();
    let mut edits = session.edits.clone();
    for mid in mids(&answer) {
        // str0m has drawn a new SSRC for each line; ours go on.
        take_stream(rtc, mid);
        if !edits.iter().any(|edit| edit.mid == mid.to_string()) {
            let mid = mid.to_string();
            edits.push(LineEdit { mid, direction: Some("inactive"), ..LineEdit::default() });
        }
    }
    let credentials = rtc.direct_api().local_ice_credentials();
    session.credentials.add(&credentials.ufrag, &credentials.pass, remote_ufrag);
    Ok(Restarted {
        answer: sdp::edit_answer(&answer, session.origin(), &edits),
        ice_ufrag: credentials.ufrag,
        ice_pwd: credentials.pass,
    })
}

/// str0m's side of a session, as all of ours are.
fn build(
    surroundings: &Surroundings,
    credentials: IceCreds,
    now: Instant,
) -> Result<(Box<Rtc>, KeySlot), OfferError> {
    let (mut rtc, keys) = surroundings.hook.listen(|| {
        let rtc = RtcConfig::new()
            .set_crypto_provider(surroundings.hook.provider())
            .set_dtls_cert(surroundings.certificate.clone())
            .set_local_ice_credentials(credentials)
            .set_ice_lite(true)
            .set_rtp_mode(true)
            .set_stats_interval(None)
            .clear_codecs()
            .enable_opus(true, true)
            // Without transport-wide feedback, which would send as many packets up as go down.
            .clear_extension_map()
            .set_extension(1, Extension::AudioLevel)
            .set_extension(4, Extension::RtpMid)
            .build(now);
        Box::new(rtc)
    });
    for address in surroundings.candidates.iter() {
        let candidate = Candidate::host(address, "udp").map_err(malformed)?;
        rtc.add_local_candidate(candidate);
    }
    Ok((rtc, keys))
}

fn remote_ufrag(offer: &str) -> Result<&str, OfferError> {
    let missing = || OfferError::Malformed("it has no ICE user fragment".into());
    sdp::ice_ufrag(offer).ok_or_else(missing)
}

/// Which lines of the offer are used, and how.
#[derive(Default)]
struct Lines {
    uplink: Option<Mid>,
    downlink: Vec<Mid>,
    /// Edits of lines that are not simply downlinks.
    edits: Vec<LineEdit>,
}

impl Lines {
    fn choose(rtc: &Rtc, answer: &str, request: &OpenSession) -> Result<Self, OfferError> {
        let wanted = match request.downlink {
            Downlink::None => 0,
            Downlink::Single => 1,
            Downlink::Slots => SLOTS_MAX,
        };
        let mut lines = Self::default();
        for mid in mids(answer) {
            let Some(media) = rtc.media(mid) else { continue };
            if media.kind() != MediaKind::Audio {
                continue;
            }
            let direction = media.direction();
            let up = direction.is_receiving() && request.track.is_some() && lines.uplink.is_none();
            let down = direction.is_sending() && lines.downlink.len() < wanted;
            if up {
                lines.uplink = Some(mid);
            }
            if down {
                lines.downlink.push(mid);
            }
            lines.edit(mid, direction, up, down);
        }
        // A listener whose client offers no uplink listens.
        let must_speak = request.class == Class::Stage && request.track.is_some();
        if must_speak && lines.uplink.is_none() {
            return Err(OfferError::NoAudio { needed: "sendonly" });
        }
        if wanted > 0 && lines.downlink.is_empty() {
            return Err(OfferError::NoAudio { needed: "recvonly" });
        }
        Ok(lines)
    }

    fn edit(&mut self, mid: Mid, offered: Direction, up: bool, down: bool) {
        let direction = match (up, down) {
            (true, true) => None,
            (true, false) => (offered == Direction::SendRecv).then_some("recvonly"),
            (false, true) => (offered == Direction::SendRecv).then_some("sendonly"),
            (false, false) => Some("inactive"),
        };
        let uplink_bitrate_max = up.then_some(UPLINK_BITRATE_MAX);
        if direction.is_some() || up {
            let mid = mid.to_string();
            self.edits.push(LineEdit { mid, direction, uplink_bitrate_max, ssrc: None });
        }
    }
}

fn parse(offer: &str) -> Result<SdpOffer, OfferError> {
    if offer.matches("\nm=").count() > LINES_MAX {
        return Err(OfferError::Malformed(format!("it has more than {LINES_MAX} media lines")));
    }
    let parsed = SdpOffer::from_sdp_string(offer).map_err(malformed)?;
    if sdp::offers_opus(offer) { Ok(parsed) } else { Err(OfferError::NoOpus) }
}

/// str0m's own words are for its developers: several lines, and addresses of our memory among them.
/// Only those of a single plain line are passed on.
fn malformed(error: impl std::fmt::Display) -> OfferError {
    let words = error.to_string();
    let plain = !words.contains(['\n', '(', '{']) && words.len() <= 120;
    let reason =
        if plain { words } else { "it is not an SDP of RFC 8866 with WebRTC's lines".into() };
    OfferError::Malformed(reason)
}

/// Length of the packets that an offer is to be answered with; none for who does not listen. The stage hears
/// short ones.
pub(super) fn length(request: &OpenSession, audience: PacketLength) -> Option<PacketLength> {
    match (request.downlink, request.class) {
        (Downlink::None, _) => None,
        (_, Class::Stage) => Some(PacketLength::Ms20),
        (_, Class::Audience) => Some(audience_length(request, audience)),
    }
}

/// In the audience a session hears packets of the length that its offer asks for (`ptime`, RFC 8866 section 6.4), or of the
/// edge's own choice, but of nothing longer than the offer allows (`maxptime`).
fn audience_length(request: &OpenSession, choice: PacketLength) -> PacketLength {
    let milliseconds = |name| sdp::milliseconds(&request.offer, name).map(PacketLength::at_most);
    let wish = milliseconds("ptime").unwrap_or(choice);
    milliseconds("maxptime").map_or(wish, |most| wish.min(most))
}

/// An SSRC that none of the streams has.
fn other_than(streams: &[Option<Downstream>; SLOTS_MAX], rng: &mut impl Rng) -> u32 {
    let ssrc: u32 = rng.random_range(1..u32::MAX - 3);
    let taken = |ssrc: u32| streams.iter().flatten().any(|stream| stream.ssrc == ssrc);
    // Of four numbers three streams leave one.
    (ssrc..=ssrc + 3).find(|ssrc| !taken(*ssrc)).unwrap_or(ssrc)
}

fn mids(answer: &str) -> Vec<Mid> {
    let mids = answer.lines().filter_map(|line| line.strip_prefix("a=mid:"));
    mids.map(|mid| Mid::from(mid.trim_end())).collect()
}

/// Takes a line's sending stream out of str0m's hands, so that it never sends on our SSRC: one SSRC
/// with two senders would repeat nonces.
fn take_stream(rtc: &mut Rtc, mid: Mid) -> Option<u32> {
    let mut direct = rtc.direct_api();
    let ssrc = direct.stream_tx_by_mid(mid, None)?.ssrc();
    direct.remove_stream_tx(ssrc);
    Some(*ssrc)
}

fn payload_types(rtc: &Rtc) -> Option<PayloadTypes> {
    let config = rtc.codec_config();
    let opus = config.params().iter().find(|params| params.spec().codec == Codec::Opus)?;
    Some(PayloadTypes { opus: *opus.pt(), red: opus.red().map(|pt| *pt) })
}

/// Characters of ICE credentials (RFC 8839 section 5.4): 6 bits each.
fn token(rng: &mut impl Rng, length: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (0..length).map(|_| char::from(ALPHABET[rng.random_range(0..64)])).collect()
}
