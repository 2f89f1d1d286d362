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

#[cfg(test)]
mod tests {
    use super::*;

    /// Host, app, process and text, `-` for what is not there.
    fn parts(input: &str) -> String {
        let Some(message) = parse(input.as_bytes()) else { return "raw".into() };
        let or_nil = |part: &Option<String>| part.clone().unwrap_or("-".into());
        let (host, app, process) =
            (or_nil(&message.hostname), or_nil(&message.app), or_nil(&message.process));
        format!("{host} {app} {process} |{}", String::from_utf8_lossy(message.text))
    }

    #[test]
    fn rfc3164_is_read_as_it_is_found_in_the_wild() {
        for (input, expected) in [
            ("<13>Oct 11 22:14:15 db1 su[7]: failed: x", "db1 su 7 |failed: x"),
            ("<13>Oct  1 22:14:15 db1 su: failed", "db1 su - |failed"),
            ("Oct 11 22:14:15 db1 kernel: no priority", "db1 kernel - |no priority"),
            ("<13>Oct 11 22:14:15: switch %LINK-3-UPDOWN: down", "switch %LINK-3-UPDOWN - |down"),
            ("<13>2026-11-21T10:58:25.1+01:00 db1 app word", "db1 app - |word"),
            ("<13>Oct 11 22:14:15 db1  no tag here", "db1 - - |no tag here"),
            ("<13>Oct 11 22:14:15 app: host left out", "- app - |host left out"),
            ("<13>xapi: neither time nor host", "- xapi - |neither time nor host"),
            ("<13>only text", "- - - |only text"),
            ("<13>Oct 11 22:14:15 db1", "db1 - - |"),
            ("<13>", "- - - |"),
            ("no syslog at all", "raw"),
            ("<999>Oct 11 22:14:15 db1 su: x", "raw"),
            ("<192>Oct 11 22:14:15 db1 su: x", "raw"),
            ("", "raw"),
        ] {
            assert_eq!(parts(input), expected, "{input}");
        }
    }

    #[test]
    fn rfc5424_is_read_with_its_structured_data() {
        let input = r#"<165>1 2026-11-21T10:58:25.003Z db1 app 12 ID4 [a@1 k="v \"q\" \] \\ \n"][b] text"#;
        let message = parse(input.as_bytes()).unwrap();
        assert_eq!((message.facility(), message.level()), (Some("local4"), Some("notice")));
        assert_eq!(message.message_id.as_deref(), Some("ID4"));
        let a = ("a@1".to_owned(), vec![("k".to_owned(), r#"v "q" ] \ \n"#.to_owned())]);
        assert_eq!(message.data, [a, ("b".to_owned(), vec![])]);
        assert_eq!(parts(input), "db1 app 12 |text");
        assert_eq!(parts("<1>1 - - - - - -"), "- - - |");
        assert_eq!(parts("<1>1 - - - - - - \u{feff}text"), "- - - |text");
    }

    #[test]
    fn no_text_is_lost_whatever_is_broken() {
        for broken in [
            "<1>1 - host [x",
            "<34>1 9999-99-99T99:99:99Z h a p m - text",
            "<5>1 - - - - - [x k=\"v] text",
            "<7>Oct 99 22:14:15 x",
            "<7>Oct 11 22:14:15\u{7f}\0",
        ] {
            let parsed = parse(broken.as_bytes()).unwrap();
            let text = &broken[broken.find('>').unwrap() + 1..];
            let kept = String::from_utf8_lossy(parsed.text);
            assert!(
                text.ends_with(&*kept)
                    && (kept == text || parsed.timestamp.is_some() || parsed.app.is_some()),
                "{broken}: {kept}"
            );
        }
    }
}
