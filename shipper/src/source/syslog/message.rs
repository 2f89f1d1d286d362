//! A syslog message: what the two grammars have in common.

use super::{rfc3164, rfc5424};
use crate::timestamp::Written;

/// Names of the facilities, by number.
pub const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];
/// Names of the severities, by number, as the `level` label.
pub const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"];

/// One element of structured data: its id, names and values.
pub type Element = (String, Vec<(String, String)>);

/// The parts of a message. What is not there, or is the nil value `-`, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message<'a> {
    /// Facility times eight plus severity.
    pub priority: Option<u8>,
    /// As written.
    pub timestamp: Option<Written>,
    /// Who sent it.
    pub hostname: Option<String>,
    /// Which program.
    pub app: Option<String>,
    /// Which process.
    pub process: Option<String>,
    /// Kind of message.
    pub message_id: Option<String>,
    /// RFC 5424, and in front of the text in what rsyslog forwards.
    pub data: Vec<Element>,
    /// The rest, byte for byte.
    pub text: &'a [u8],
}

impl Message<'_> {
    /// Name of the facility.
    pub fn facility(&self) -> Option<&'static str> {
        self.priority.and_then(|p| FACILITIES.get(usize::from(p >> 3))).copied()
    }

    /// Name of the severity.
    pub fn level(&self) -> Option<&'static str> {
        self.priority.map(|p| LEVELS[usize::from(p & 7)])
    }
}

/// Takes a message apart; `None` if neither grammar fits.
pub fn parse(input: &[u8]) -> Option<Message<'_>> {
    let input = input.trim_ascii_start();
    let (priority, rest) = match input.first()? {
        b'<' => {
            let (priority, rest) = take_priority(input)?;
            (Some(priority), rest)
        }
        _ => (None, input),
    };
    let message = rfc5424::parse(rest).or_else(|| rfc3164::parse(rest, priority.is_some()))?;
    Some(Message { priority, ..message })
}

/// `<165>`: one to three digits without leading zeros, at most 191.
fn take_priority(input: &[u8]) -> Option<(u8, &[u8])> {
    let end = input.iter().take(5).position(|b| *b == b'>')?;
    let digits = std::str::from_utf8(&input[1..end]).ok()?;
    let priority: u8 = digits.parse().ok()?;
    let is_plain = digits.len() == 1 || !digits.starts_with(['0', '+']);
    (priority <= 191 && is_plain && digits != "+").then_some((priority, &input[end + 1..]))
}

/// The text up to the next blank, and what follows the blank.
pub fn word(input: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b' ', input) {
        Some(at) => (&input[..at], &input[at + 1..]),
        None => (input, &[]),
    }
}

/// Owned text; bytes that are no UTF-8 are replaced.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
