//! RFC 3164 as it is found in the wild: `Oct 11 22:14:15 host app[123]: text`, what follows the priority.
//! Every part may be missing.

use super::{
    message::{Message, text, word},
    rfc5424,
};
use crate::timestamp;

/// Longest tag that is taken for the name of a program.
const TAG_LIMIT: usize = 128;
/// Console servers put their daemon's name where the host should be.
const NOT_HOSTS: [&[u8]; 1] = [b"ctld"];

/// `None` if there is neither a priority nor a time: then it can be anything.
pub fn parse(input: &[u8], has_priority: bool) -> Option<Message<'_>> {
    let input = input.trim_ascii_start();
    let Some((written, length)) = timestamp::leading(input) else {
        return has_priority.then(|| without_time(input));
    };
    // Cisco ends the time with a colon, others with a point.
    let rest = &input[length..];
    let rest = rest.strip_prefix(b":").or_else(|| rest.strip_prefix(b".")).unwrap_or(rest);
    if !rest.is_empty() && !rest.starts_with(b" ") {
        return has_priority.then(|| without_time(input));
    }
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let message = match host(rest) {
        Some((hostname, rest)) => Message { hostname: Some(text(hostname)), ..tagged(rest) },
        None => tagged(rest),
    };
    Some(Message { timestamp: Some(written), ..message })
}

/// Without a time there is no host either: `xapi: text`. A word without a colon is text.
fn without_time(input: &[u8]) -> Message<'_> {
    let (first, _) = word(input);
    if first.ends_with(b":") { tagged(input) } else { Message { text: input, ..Message::default() } }
}

/// The host, unless the first word cannot be one.
fn host(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, rest) = word(input);
    let fits = |b: &u8| b.is_ascii_alphanumeric() || *b >= 0x80 || b".-_:@/#".contains(b);
    let is_tag = name.ends_with(b":") || NOT_HOSTS.contains(&name);
    (!name.is_empty() && !is_tag && name.iter().all(fits)).then_some((name, rest))
}

/// `app[123]: text`, `app: text`, `app text`. A second blank before it says that there is no tag.
fn tagged(input: &[u8]) -> Message<'_> {
    let (tag, rest) = word(input);
    if tag.is_empty() || tag.len() > TAG_LIMIT {
        return Message { text: input.strip_prefix(b" ").unwrap_or(input), ..Message::default() };
    }
    let name = tag.strip_suffix(b":").unwrap_or(tag);
    let open = memchr::memrchr(b'[', name).filter(|at| *at > 0 && name.ends_with(b"]"));
    let (app, process) = match open {
        Some(at) => (&name[..at], Some(text(&name[at + 1..name.len() - 1]))),
        None => (name, None),
    };
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    // rsyslog forwards structured data in front of the text.
    let (data, rest) = match rfc5424::elements(rest) {
        Some((data, behind)) if !data[0].1.is_empty() => (data, behind.strip_prefix(b" ").unwrap_or(behind)),
        _ => (Vec::new(), rest),
    };
    let app = (!app.is_empty()).then(|| text(app));
    Message { app, process, data, text: rest, ..Message::default() }
}
