//! Moments as people write them: RFC 3339 in UTC, as in `2026-12-31T23:59:59Z`. No clock is looked at.

use std::fmt::Write as _;

const DAY_S: u64 = 86_400;
/// Until the end of the year 9999, the last that RFC 3339 can write.
const UNIX_S_END: u64 = 253_402_300_800;

/// Seconds since 1970 of a moment such as `2026-12-31T23:59:59Z`, or of a day's beginning,
/// `2026-12-31`; none for anything else, for other time zones, and for moments before 1970.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, time.strip_suffix(['Z', 'z'])?),
        None => (text, "00:00:00"),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let in_range = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !in_range {
        return None;
    }
    let days = days_before(year) + (1..month).map(|month| days_of(year, month)).sum::<u64>();
    Some((days + day - 1) * DAY_S + hour * 3_600 + minute * 60 + second)
}

/// A moment in milliseconds since 1970 as `2026-12-31T23:59:59.999Z`; one that is too late for RFC 3339
/// is written as the last that is not.
#[must_use]
pub fn format_ms(unix_ms: u64) -> String {
    let unix_ms = unix_ms.min(UNIX_S_END * 1_000 - 1);
    let (unix_s, ms) = (unix_ms / 1_000, unix_ms % 1_000);
    let (mut days, second) = (unix_s / DAY_S, unix_s % DAY_S);
    // At least as many years as days of leap years, so that the loop has a step or two to go.
    let mut year = 1970 + days / 366;
    while days_before(year + 1) <= days {
        year += 1;
    }
    days -= days_before(year);
    let mut month = 1;
    while days >= days_of(year, month) {
        days -= days_of(year, month);
        month += 1;
    }
    let mut text = String::with_capacity(24);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    // Writing to a `String` cannot fail.
    let _ = write!(
        text,
        "{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z",
        days + 1
    );
    text
}

fn numbers(text: &str, between: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(between);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400)
}

fn days_of(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970 to the beginning of a year.
fn days_before(year: u64) -> u64 {
    let leap_days = |year: u64| (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    (year - 1970) * 365 + leap_days(year) - leap_days(1970)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_moments_read_and_write_as_the_date_command_says() {
        let known = [
            (0, "1970-01-01T00:00:00"),
            (951_782_400, "2000-02-29T00:00:00"),
            (1_700_000_000, "2023-11-14T22:13:20"),
            (4_102_444_799, "2099-12-31T23:59:59"),
            (4_107_542_400, "2100-03-01T00:00:00"),
            (253_402_300_799, "9999-12-31T23:59:59"),
        ];
        for (unix_s, text) in known {
            assert_eq!(parse(&format!("{text}Z")), Some(unix_s), "{text}");
            assert_eq!(format_ms(unix_s * 1_000 + 7), format!("{text}.007Z"));
        }
        assert_eq!(parse("2023-11-14"), Some(1_699_920_000));
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        let wrong = [
            "",
            "2023",
            "2023-13-01",
            "2023-02-29",
            "2100-02-29",
            "1969-12-31",
            "2023-1-1",
            "2023-11-14T24:00:00Z",
            "2023-11-14T22:13:20",
            "2023-11-14T22:13:20+01:00",
            "2023-11-14T22:13Z",
            "+023-11-14",
        ];
        for text in wrong {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_reads_as_it_was_written(unix_s in 0..UNIX_S_END) {
            let text = format_ms(unix_s * 1_000);
            prop_assert_eq!(parse(&text.replace(".000Z", "Z")), Some(unix_s));
        }

        #[test]
        fn any_text_and_any_number_pass_without_panic(text in ".{0,30}", unix_ms: u64) {
            let _ = parse(&text);
            prop_assert_eq!(format_ms(unix_ms).len(), 24);
        }
    }
}
