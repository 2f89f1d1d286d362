//! Timestamps at the beginning of a line: RFC 3164 (`Nov 21 10:58:25`) and ISO 8601 / RFC 3339
//! (`2026-11-21T10:58:25.123+01:00`, `2026-11-21 10:58:25`). By hand, because every line passes through here.

use jiff::{civil, tz::TimeZone};

const MONTHS: [&[u8; 3]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 86_400 * SECOND;

/// What times without a year and without a zone refer to.
#[derive(Clone, Debug)]
pub struct Clock {
    zone: TimeZone,
    /// Nanoseconds since 1970.
    pub now_ns: i64,
    /// The last hour looked up, and when it began: neighbouring lines share it.
    hour: Option<(Hour, i64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hour {
    year: Option<i16>,
    month: u8,
    day: u8,
    hour: i64,
    offset: Option<i64>,
}

/// A date and time as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    year: Option<i16>,
    month: u8,
    day: u8,
    /// Nanoseconds since midnight.
    time: i64,
    /// Seconds east of Greenwich.
    offset: Option<i64>,
}

impl Clock {
    /// For times in `zone`, as seen at `now_ns`.
    pub fn new(zone: TimeZone, now_ns: i64) -> Self {
        Clock { zone, now_ns, hour: None }
    }

    /// This machine's zone and time.
    pub fn system() -> Self {
        Clock::new(TimeZone::system(), now_ns())
    }

    /// Nanoseconds since 1970; `None` for a day that does not exist, and for a time far in the future.
    pub fn resolve(&mut self, written: &Written) -> Option<i64> {
        let newest = self.now_ns + DAY;
        let Written { year, month, day, time, offset } = *written;
        let (hour, within) = (Hour { year, month, day, hour: time / HOUR, offset }, time % HOUR);
        if let Some((_, start)) =
            self.hour.filter(|(known, start)| *known == hour && start + within <= newest)
        {
            return Some(start + within);
        }
        let ns = match year {
            Some(year) => self.in_year(written, year)?,
            None => self.latest(written)?,
        };
        self.hour = Some((hour, ns - within));
        (ns <= newest).then_some(ns)
    }

    /// Without a year: the last time that it was this day.
    fn latest(&self, written: &Written) -> Option<i64> {
        let this_year = jiff::Timestamp::from_nanosecond(self.now_ns.into()).ok()?;
        let this_year = this_year.to_zoned(self.zone.clone()).year();
        let newest = self.now_ns + DAY;
        // Down to the leap year before the last.
        let mut years = (this_year - 8..=this_year + 1).rev();
        years.find_map(|year| self.in_year(written, year).filter(|ns| *ns <= newest))
    }

    fn in_year(&self, written: &Written, year: i16) -> Option<i64> {
        let date = civil::Date::new(year, written.month as i8, written.day as i8).ok()?;
        let local = days(date) * DAY + written.time;
        let offset = match written.offset {
            Some(seconds) => seconds * SECOND,
            None => self.local_offset(date, written.time)?,
        };
        Some(local - offset)
    }

    fn local_offset(&self, date: civil::Date, time: i64) -> Option<i64> {
        let hour = i8::try_from(time / HOUR).ok()?;
        let zoned = date.at(hour, 0, 0, 0).to_zoned(self.zone.clone()).ok()?;
        Some(i64::from(zoned.offset().seconds()) * SECOND)
    }
}

/// The machine's clock: nanoseconds since 1970.
pub fn now_ns() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX)
}

/// The timestamp that `text` begins with, and its length.
pub fn leading(text: &[u8]) -> Option<(Written, usize)> {
    match text.first()? {
        b'0'..=b'9' => iso(text),
        b'A'..=b'Z' | b'a'..=b'z' => rfc3164(text),
        _ => None,
    }
}

/// `2026-11-21T10:58:25.123+01:00`: `T` or a blank, fraction of any length and zone optional.
pub fn iso(text: &[u8]) -> Option<(Written, usize)> {
    let year = number(text, 0, 4)?;
    let (month, day) = (after(text, 4, b'-')?, after(text, 7, b'-')?);
    matches!(text.get(10), Some(b'T' | b't' | b' ')).then_some(())?;
    let (mut time, mut at) = clock_time(text, 11)?;
    if matches!(text.get(at), Some(b'.' | b',')) && text.get(at + 1).is_some_and(u8::is_ascii_digit) {
        let digits = text[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        time += fraction(&text[at + 1..at + 1 + digits]);
        at += 1 + digits;
    }
    let (offset, at) = zone(text, at);
    let written = Written { year: Some(year as i16), month: month as u8, day: day as u8, time, offset };
    Some((written, at))
}

/// `Nov 21 10:58:25`: any case, day of one or two digits, and a year in the place some devices put it.
pub fn rfc3164(text: &[u8]) -> Option<(Written, usize)> {
    let name: [u8; 3] = text.get(..3)?.to_ascii_lowercase().try_into().ok()?;
    let month = MONTHS.iter().position(|m| **m == name)? + 1;
    let mut at = 3 + blanks(text, 3)?;
    let digits = text.get(at..)?.iter().take(2).take_while(|b| b.is_ascii_digit()).count();
    let day = number(text, at, digits)?;
    at += digits;
    at += blanks(text, at)?;
    let mut year = None;
    if text.get(at + 4) == Some(&b' ') {
        year = Some(number(text, at, 4)? as i16);
        at += 5;
    }
    let (time, mut at) = clock_time(text, at)?;
    if year.is_none() && text.get(at) == Some(&b' ') && text.get(at + 5) == Some(&b' ') {
        // "21:28:13 2007 host": a year only if one blank and a word follow.
        let follows = text.get(at + 6).is_some_and(|b| *b != b' ');
        if let Some(found) = number(text, at + 1, 4).filter(|y| follows && (1970..2100).contains(y)) {
            year = Some(found as i16);
            at += 5;
        }
    }
    Some((Written { year, month: month as u8, day: day as u8, time, offset: None }, at))
}

/// `10:58:25` at `at`.
fn clock_time(text: &[u8], at: usize) -> Option<(i64, usize)> {
    let (hour, minute, second) =
        (number(text, at, 2)?, after(text, at + 2, b':')?, after(text, at + 5, b':')?);
    let valid = hour < 24 && minute < 60 && second <= 60;
    valid.then_some(((hour * 3600 + minute * 60 + second) * SECOND, at + 8))
}

fn zone(text: &[u8], at: usize) -> (Option<i64>, usize) {
    let sign = match text.get(at) {
        Some(b'Z' | b'z') => return (Some(0), at + 1),
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return (None, at),
    };
    let colon = usize::from(text.get(at + 3) == Some(&b':'));
    match (number(text, at + 1, 2), number(text, at + 3 + colon, 2)) {
        (Some(hours), Some(minutes)) => (Some(sign * (hours * 3600 + minutes * 60)), at + 5 + colon),
        _ => (None, at),
    }
}

/// Nanoseconds of the digits behind the point.
fn fraction(digits: &[u8]) -> i64 {
    let nine = digits.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    nine.fold(0, |ns, digit| ns * 10 + i64::from(digit - b'0'))
}

fn number(text: &[u8], at: usize, digits: usize) -> Option<i64> {
    let text = text.get(at..at + digits)?;
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0')))
}

/// Two digits behind `mark`.
fn after(text: &[u8], at: usize, mark: u8) -> Option<i64> {
    (text.get(at) == Some(&mark)).then(|| number(text, at + 1, 2)).flatten()
}

fn blanks(text: &[u8], at: usize) -> Option<usize> {
    let count = text.get(at..)?.iter().take_while(|b| **b == b' ').count();
    (1..=2).contains(&count).then_some(count)
}

/// Days since 1970.
fn days(date: civil::Date) -> i64 {
    let epoch = civil::date(1970, 1, 1);
    i64::from(date.since(epoch).map_or(0, |span| span.get_days()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T10:58:25Z
    const NOW: i64 = 1_795_258_705 * SECOND;

    fn resolved(text: &str) -> Option<String> {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let (written, _) = leading(text.as_bytes())?;
        let ns = Clock::new(zone, NOW).resolve(&written)?;
        Some(jiff::Timestamp::from_nanosecond(ns.into()).unwrap().to_string())
    }

    #[test]
    fn reads_iso_with_and_without_zone_and_fraction() {
        assert_eq!(resolved("2026-11-20T10:58:25Z x").unwrap(), "2026-11-20T10:58:25Z");
        assert_eq!(resolved("2026-11-20 10:58:25 x").unwrap(), "2026-11-20T09:58:25Z");
        assert_eq!(resolved("2026-11-20T10:58:25,5-0200").unwrap(), "2026-11-20T12:58:25.5Z");
        let long = format!("2006-11-10T10:43:21.156{}+01:00 host", "0".repeat(60));
        assert_eq!(resolved(&long).unwrap(), "2006-11-10T09:43:21.156Z");
    }

    #[test]
    fn a_day_without_a_year_is_the_last_one_that_has_been() {
        assert_eq!(resolved("Nov 21 10:58:25 web1").unwrap(), "2026-11-21T09:58:25Z");
        assert_eq!(resolved("Dec  4 00:00:01 web1").unwrap(), "2025-12-03T23:00:01Z");
        assert_eq!(resolved("Feb 29 14:07:19 web1").unwrap(), "2024-02-29T13:07:19Z");
        assert_eq!(resolved("mar 7 2008 19:06:53 web1").unwrap(), "2008-03-07T18:06:53Z");
        assert_eq!(resolved("Apr 15 21:28:13 2007 linksys app: x").unwrap(), "2007-04-15T20:28:13Z");
    }

    #[test]
    fn what_is_no_time_or_far_in_the_future_is_none() {
        for text in [
            "",
            "Nov",
            "Nov 21",
            "Nov 31 10:00:00 x",
            "2026-13-01T00:00:00Z",
            "Now we go",
            "2026-11-2",
            "1234567890 x",
            "Nov 21 25:00:00 x",
            "2030-01-01T00:00:00Z",
            "9999-99-99 99:99:99",
        ] {
            assert_eq!(resolved(text), None, "{text}");
        }
    }
}
