//! The text of answers: what str0m wrote, with what it has no words for.
//!
//! Pure text work on lines; what the lines mean is str0m's business. Sources get names that follow
//! from their `mid`: an answer that is made anew, after a restart, names them as the first one did.

/// What a media line of an answer is to become.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LineEdit {
    /// Its `mid`.
    pub mid: String,
    /// The direction to answer instead of str0m's, e.g. `inactive`.
    pub direction: Option<&'static str>,
    /// The client sends here: ask for 20 ms packets, silence suppression, and this bit/s at most
    /// (RFC 7587 section 6.1).
    pub uplink_bitrate_max: Option<u32>,
    /// The SSRC to announce instead of the one str0m drew.
    pub ssrc: Option<u32>,
}

/// Applies the edits to an answer of the session that `origin` names, if anything does. Lines without an edit
/// stay as they are.
#[must_use]
pub(super) fn edit_answer(answer: &str, origin: Option<u32>, edits: &[LineEdit]) -> String {
    let mut out = String::with_capacity(answer.len() + 256);
    for (index, section) in sections(answer).into_iter().enumerate() {
        if let (0, Some(origin)) = (index, origin) {
            edit_session(section, origin, &mut out);
            continue;
        }
        let mid = attribute(section, "mid:");
        let edit = edits.iter().find(|edit| index > 0 && Some(edit.mid.as_str()) == mid);
        match edit {
            Some(edit) => edit_section(section, edit, &mut out),
            None => out.push_str(section),
        }
    }
    out
}

/// Whether some audio line of an offer names Opus (RFC 7587 section 7).
#[must_use]
pub(super) fn offers_opus(offer: &str) -> bool {
    sections(offer).into_iter().skip(1).any(|section| {
        section.starts_with("m=audio")
            && lines(section).any(|line| {
                line.strip_prefix("a=rtpmap:")
                    .and_then(|map| map.split_once(' '))
                    .is_some_and(|(_, codec)| codec.to_ascii_lowercase().starts_with("opus/48000"))
            })
    })
}

/// The smallest value that an audio line of an offer gives for `ptime` or `maxptime`, in whole milliseconds.
/// Of several lines the smallest counts, so that none gets more than it asks for.
#[must_use]
pub(super) fn milliseconds(offer: &str, name: &str) -> Option<u32> {
    let audio = sections(offer).into_iter().skip(1).filter(|s| s.starts_with("m=audio"));
    let values = audio.filter_map(|section| {
        attribute(section, name)?.strip_prefix(':')?.trim().parse::<f32>().ok()
    });
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the value is clamped to what fits"
    )]
    values.filter(|ms| ms.is_finite()).map(|ms| ms.clamp(0.0, 1_000.0) as u32).min()
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.trim_end_matches('\r'))
}

/// The session part and each media part, which begins with its `m=` line.
fn sections(sdp: &str) -> Vec<&str> {
    let mut starts = vec![0];
    starts.extend(sdp.match_indices("\nm=").map(|(at, _)| at + 1));
    starts.push(sdp.len());
    starts.windows(2).filter_map(|pair| sdp.get(pair[0]..pair[1])).collect()
}

fn attribute<'a>(section: &'a str, name: &str) -> Option<&'a str> {
    lines(section).find_map(|line| line.strip_prefix("a=")?.strip_prefix(name))
}

/// The user fragment of an offer: bundled lines share one (RFC 9429 section 5.2.1).
#[must_use]
pub(super) fn ice_ufrag(offer: &str) -> Option<&str> {
    sections(offer).into_iter().find_map(|section| attribute(section, "ice-ufrag:"))
}

/// An origin stays the same from answer to answer (RFC 9429 section 5.3.1); ours is a number that
/// the session has anyway.
fn edit_session(section: &str, origin: u32, out: &mut String) {
    for line in lines(section) {
        match line {
            _ if line.starts_with("o=") => {
                out.push_str(&format!("o=stoa {origin} 2 IN IP4 0.0.0.0\r\n"));
            }
            _ if line.starts_with("a=msid-semantic:") => out.push_str("a=msid-semantic:WMS *\r\n"),
            _ => {
                out.push_str(line);
                out.push_str("\r\n");
            }
        }
    }
}

fn edit_section(section: &str, edit: &LineEdit, out: &mut String) {
    let opus = opus_payload_type(section);
    let silent = matches!(edit.direction, Some("inactive" | "recvonly"));
    let mut line_out = |line: &str| {
        out.push_str(line);
        out.push_str("\r\n");
    };
    for line in lines(section) {
        // str0m names the feedback whatever its extension map says; nobody shall send it.
        if line.starts_with("a=rtcp-fb:") && line.ends_with(" transport-cc") {
            continue;
        }
        let direction = matches!(line, "a=sendrecv" | "a=sendonly" | "a=recvonly");
        let source = line.starts_with("a=ssrc:") || line.starts_with("a=msid:");
        match (direction, source) {
            (true, _) => match edit.direction {
                Some(direction) => line_out(&format!("a={direction}")),
                None => line_out(line),
            },
            (_, true) if silent => {}
            (_, true) => line_out(&named(line, edit)),
            _ => match edit.uplink_bitrate_max.zip(opus) {
                Some((bitrate, opus)) if is_fmtp_of(line, opus) => {
                    line_out(&format!("{line};usedtx=1;maxaveragebitrate={bitrate}"));
                }
                _ => line_out(line),
            },
        }
    }
    if edit.uplink_bitrate_max.is_some() {
        line_out("a=ptime:20");
    }
}

fn opus_payload_type(section: &str) -> Option<&str> {
    lines(section).find_map(|line| {
        let (payload_type, codec) = line.strip_prefix("a=rtpmap:")?.split_once(' ')?;
        codec.to_ascii_lowercase().starts_with("opus/").then_some(payload_type)
    })
}

fn is_fmtp_of(line: &str, payload_type: &str) -> bool {
    line.strip_prefix("a=fmtp:")
        .and_then(|rest| rest.split_once(' '))
        .is_some_and(|(of, _)| of == payload_type)
}

/// A source's line with our SSRC and names. The canonical name is the one in our reports.
fn named(line: &str, edit: &LineEdit) -> String {
    let (Some(ssrc), mid) = (edit.ssrc, &edit.mid) else { return line.to_owned() };
    match line.strip_prefix("a=ssrc:").and_then(|rest| rest.split_once(' ')) {
        Some((_, attribute)) if attribute.starts_with("cname:") => {
            format!("a=ssrc:{ssrc} cname:stoa")
        }
        Some((_, attribute)) if attribute.starts_with("msid:") => {
            format!("a=ssrc:{ssrc} msid:stoa-{mid} {mid}")
        }
        Some((_, attribute)) => format!("a=ssrc:{ssrc} {attribute}"),
        None => format!("a=msid:stoa-{mid} {mid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ANSWER: &str = "v=0\r\no=x 1 2 IN IP4 0.0.0.0\r\ns=-\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\na=mid:0\r\na=recvonly\r\n\
        a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:111 opus/48000/2\r\n\
        a=fmtp:111 minptime=10;useinbandfec=1\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=sendonly\r\na=msid:a b\r\n\
        a=ssrc:77 cname:x\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\n";

    #[test]
    fn without_edits_nothing_changes() {
        assert_eq!(edit_answer(ANSWER, None, &[]), ANSWER);
    }

    #[test]
    fn the_uplink_is_asked_for_short_packets_and_silence() {
        let edit =
            LineEdit { mid: "0".into(), uplink_bitrate_max: Some(48_000), ..LineEdit::default() };
        let edited = edit_answer(ANSWER, None, &[edit]);
        let opus = "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1;maxaveragebitrate=48000\r\n";
        assert!(edited.contains(opus), "{edited}");
        assert!(edited.contains("a=fmtp:63 111/111\r\n"), "RED's own line stays: {edited}");
        assert_eq!(edited.matches("a=ptime:20").count(), 1);
        assert!(edited.ends_with("a=fmtp:111 minptime=10\r\n"), "the other line stays: {edited}");
    }

    #[test]
    fn an_inactive_line_announces_no_source() {
        let edit = LineEdit { mid: "1".into(), direction: Some("inactive"), ..LineEdit::default() };
        let edited = edit_answer(ANSWER, None, &[edit]);
        assert!(edited.contains("a=mid:1\r\na=inactive\r\n"), "{edited}");
        assert!(!edited.contains("a=ssrc") && !edited.contains("a=msid"), "{edited}");
        assert!(edited.contains("a=recvonly"), "{edited}");
    }

    #[test]
    fn a_known_source_keeps_its_number_and_names_across_a_restart() {
        let edit = LineEdit { mid: "1".into(), ssrc: Some(5), ..LineEdit::default() };
        let edited = edit_answer(ANSWER, Some(5), std::slice::from_ref(&edit));
        assert!(edited.contains("a=ssrc:5 cname:stoa\r\n") && !edited.contains("77"), "{edited}");
        assert!(edited.contains("a=msid:stoa-1 1\r\n"), "{edited}");
        let anew = ANSWER.replace("77", "88").replace("a b", "c d").replace("o=x 1", "o=x 9");
        assert_eq!(edit_answer(&anew, Some(5), &[edit]), edited);
    }

    #[test]
    fn an_offers_user_fragment_is_that_of_the_session_or_of_the_first_line_with_one() {
        assert_eq!(ice_ufrag(ANSWER), None);
        let line = ANSWER.replace("a=mid:1", "a=ice-ufrag:line\r\na=mid:1");
        assert_eq!(ice_ufrag(&line), Some("line"));
        let both = line.replace("s=-", "s=-\r\na=ice-ufrag:all");
        assert_eq!(ice_ufrag(&both), Some("all"));
    }

    #[test]
    fn opus_is_found_in_audio_lines_only() {
        assert!(offers_opus(ANSWER));
        assert!(!offers_opus(&ANSWER.replace("opus", "pcmu")));
        assert!(!offers_opus(&ANSWER.replace("m=audio", "m=video")));
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC*", mid in "[0-9]{0,2}") {
            let edit = LineEdit { mid, uplink_bitrate_max: Some(1), ssrc: Some(2), direction: None };
            let _ = edit_answer(&text, Some(2), &[edit]);
            let _ = offers_opus(&text);
        }
    }
}
