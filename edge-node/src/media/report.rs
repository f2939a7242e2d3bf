//! RTCP sender reports and BYE (RFC 3550 section 6), as compounds with SDES.

/// Longest compound that is written, in bytes.
pub(super) const BYTES_MAX: usize = 64;

/// Every stream of this edge says the same canonical name: they share a clock.
const CNAME: &[u8; 4] = b"stoa";

const SENDER_REPORT: u8 = 200;
const DESCRIPTION: u8 = 202;
const BYE: u8 = 203;

/// What a stream has sent so far, wrapping.
#[derive(Clone, Copy)]
pub(super) struct Sums {
    pub packets: u32,
    pub octets: u32,
}

/// Writes sender report and SDES, and BYE when `leaving`. `ntp` is the NTP timestamp (32.32 bits)
/// of the moment that has the RTP timestamp `clock`.
pub(super) fn write(
    out: &mut [u8; BYTES_MAX],
    ssrc: u32,
    ntp: u64,
    clock: u32,
    sums: Sums,
    leaving: bool,
) -> &[u8] {
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        out[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(&[0x80, SENDER_REPORT, 0, 6]);
    put(&ssrc.to_be_bytes());
    put(&ntp.to_be_bytes());
    put(&clock.to_be_bytes());
    put(&sums.packets.to_be_bytes());
    put(&sums.octets.to_be_bytes());
    // One chunk: SSRC, CNAME item (type 1, length 4), and zeros up to a word.
    put(&[0x81, DESCRIPTION, 0, 3]);
    put(&ssrc.to_be_bytes());
    put(&[1, 4]);
    put(CNAME);
    put(&[0, 0]);
    if leaving {
        put(&[0x81, BYE, 0, 1]);
        put(&ssrc.to_be_bytes());
    }
    &out[..at]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compound_is_as_rfc_3550_section_6_draws_it() {
        let mut room = [0; BYTES_MAX];
        let sums = Sums { packets: 5, octets: 6 };
        let compound = write(&mut room, 0x0102_0304, 0x1122_3344_5566_7788, 9, sums, true);
        let expected: [&[u8]; 9] = [
            &[0x80, 200, 0, 6, 1, 2, 3, 4],
            &[0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88],
            &[0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0, 6],
            &[0x81, 202, 0, 4],
            &[1, 2, 3, 4],
            &[1, 4],
            b"stoa",
            &[0, 0],
            &[0x81, 203, 0, 1, 1, 2, 3, 4],
        ];
        // The SDES chunk is 12 bytes: three words beside the header.
        let mut expected = expected.concat();
        expected[31] = 3;
        assert_eq!(compound, expected);
    }

    #[test]
    fn the_lengths_in_the_headers_add_up() {
        for leaving in [false, true] {
            let mut room = [0; BYTES_MAX];
            let sums = Sums { packets: 1, octets: 2 };
            let compound = write(&mut room, 7, 8, 9, sums, leaving);
            let mut at = 0;
            let mut kinds = Vec::new();
            while at < compound.len() {
                kinds.push(compound[at + 1]);
                let words = u16::from_be_bytes([compound[at + 2], compound[at + 3]]);
                at += 4 * (usize::from(words) + 1);
            }
            assert_eq!(at, compound.len());
            assert_eq!(kinds.len(), if leaving { 3 } else { 2 });
        }
    }
}
