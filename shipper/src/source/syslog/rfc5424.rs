//! RFC 5424: `1 2003-10-11T22:14:15.003Z host app 8710 ID47 [id name="value"] text`, what follows the priority.

use super::message::{Element, Message, text, word};
use crate::timestamp;

/// `None` if this is not the grammar.
pub fn parse(input: &[u8]) -> Option<Message<'_>> {
    let (version, rest) = word(input);
    let is_version = (1..=3).contains(&version.len()) && version.iter().all(u8::is_ascii_digit);
    if !is_version || version.starts_with(b"0") {
        return None;
    }
    let (time, rest) = word(rest);
    let written = match time {
        b"-" => None,
        _ => Some(timestamp::iso(time).filter(|(_, length)| *length == time.len())?.0),
    };
    let (hostname, rest) = header(rest)?;
    let (app, rest) = header(rest)?;
    let (process, rest) = header(rest)?;
    let (message_id, rest) = header(rest)?;
    let (data, rest) = match rest.strip_prefix(b"-") {
        Some(rest) => (Vec::new(), rest),
        None => elements(rest)?,
    };
    if !rest.is_empty() && !rest.starts_with(b" ") {
        return None;
    }
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let rest = rest.strip_prefix("\u{feff}".as_bytes()).unwrap_or(rest);
    Some(Message { priority: None, timestamp: written, hostname, app, process, message_id, data, text: rest })
}

/// A field of the header, which a blank follows; `-` is none.
fn header(input: &[u8]) -> Option<(Option<String>, &[u8])> {
    let (field, rest) = word(input);
    let valid = !field.is_empty() && field.len() < input.len() && !field.iter().any(u8::is_ascii_control);
    let value = (field != b"-").then(|| text(field));
    valid.then_some((value, rest))
}

/// `[id name="value" …][…]`: at least one.
pub fn elements(input: &[u8]) -> Option<(Vec<Element>, &[u8])> {
    let (first, mut rest) = element(input)?;
    let mut found = vec![first];
    while rest.starts_with(b"[") {
        let Some((next, behind)) = element(rest) else { break };
        found.push(next);
        rest = behind;
    }
    Some((found, rest))
}

fn element(input: &[u8]) -> Option<(Element, &[u8])> {
    let input = input.strip_prefix(b"[")?;
    let end = input.iter().position(|b| matches!(b, b' ' | b']' | b'=' | b'"'))?;
    let (id, mut rest) = input.split_at(end);
    if id.is_empty() || !matches!(rest[0], b' ' | b']') || id.iter().any(u8::is_ascii_control) {
        return None;
    }
    let mut parameters = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        if let Some(rest) = rest.strip_prefix(b"]") {
            return Some(((text(id), parameters), rest));
        }
        let (parameter, behind) = parameter(rest)?;
        parameters.push(parameter);
        rest = behind;
    }
}

/// `name="value"`; some senders put a blank behind the equals sign.
fn parameter(input: &[u8]) -> Option<((String, String), &[u8])> {
    let end = input.iter().position(|b| matches!(b, b'=' | b' ' | b']' | b'"'))?;
    let name = &input[..end];
    let mut rest = input[end..].strip_prefix(b"=")?.trim_ascii_start().strip_prefix(b"\"")?;
    let mut value = Vec::new();
    loop {
        let at = rest.iter().position(|b| matches!(b, b'"' | b'\\'))?;
        value.extend(&rest[..at]);
        if rest[at] == b'"' {
            return (!name.is_empty()).then(|| ((text(name), text(&value)), &rest[at + 1..]));
        }
        // Only these three are escaped; before anything else a backslash stands for itself.
        let escaped = *rest.get(at + 1)?;
        if !matches!(escaped, b'"' | b'\\' | b']') {
            value.push(b'\\');
        }
        value.push(escaped);
        rest = &rest[at + 2..];
    }
}
