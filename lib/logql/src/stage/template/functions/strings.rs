//! Texts.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use gotmpl::{FuncMap, TemplateError, Value};
use regex::bytes::Regex;

use super::{super::CURRENT, Args, Outcome, arg, failed, int, string, text};
use crate::regexp;

/// Longest text that a function makes.
const MAX_TEXT: usize = 1 << 20;

pub fn add(functions: &mut FuncMap) {
    let mut one = |name: &str, f: fn(Args<'_>) -> Outcome| {
        functions.insert(name.into(), Arc::new(f));
    };
    one("__line__", |_| string(CURRENT.with_borrow(|(line, _)| line.clone())));
    for name in ["lower", "ToLower"] {
        one(name, |args| string(text(args, 0)?.to_lowercase()));
    }
    for name in ["upper", "ToUpper"] {
        one(name, |args| string(text(args, 0)?.to_uppercase()));
    }
    one("title", |args| string(title(&text(args, 0)?)));
    for name in ["trim", "TrimSpace"] {
        one(name, |args| string(text(args, 0)?.trim()));
    }
    // Go's own functions take the text first, the others last
    one("Trim", |args| string(text(args, 0)?.trim_matches(any_of(&text(args, 1)?))));
    one("TrimLeft", |args| string(text(args, 0)?.trim_start_matches(any_of(&text(args, 1)?))));
    one("TrimRight", |args| string(text(args, 0)?.trim_end_matches(any_of(&text(args, 1)?))));
    one("TrimPrefix", |args| string(without_prefix(&text(args, 0)?, &text(args, 1)?)));
    one("TrimSuffix", |args| string(without_suffix(&text(args, 0)?, &text(args, 1)?)));
    one("trimAll", |args| string(text(args, 1)?.trim_matches(any_of(&text(args, 0)?))));
    one("trimPrefix", |args| string(without_prefix(&text(args, 1)?, &text(args, 0)?)));
    one("trimSuffix", |args| string(without_suffix(&text(args, 1)?, &text(args, 0)?)));
    one("Replace", go_replace);
    one("replace", |args| string(text(args, 2)?.replace(&text(args, 0)?, &text(args, 1)?)));
    one("trunc", truncate);
    one("substr", substring);
    one("repeat", repeat);
    one("alignLeft", |args| align(args, true));
    one("alignRight", |args| align(args, false));
    one("indent", |args| string(indent(int(args, 0)?, &text(args, 1)?)));
    one("nindent", |args| string(format!("\n{}", indent(int(args, 0)?, &text(args, 1)?))));
    one("contains", |args| Ok(Value::Bool(text(args, 1)?.contains(&text(args, 0)?))));
    one("hasPrefix", |args| Ok(Value::Bool(text(args, 1)?.starts_with(&text(args, 0)?))));
    one("hasSuffix", |args| Ok(Value::Bool(text(args, 1)?.ends_with(&text(args, 0)?))));
    one("default", default);
    one("regexReplaceAll", |args| regex_replace(args, &text(args, 2)?));
    one("regexReplaceAllLiteral", |args| regex_replace(args, &text(args, 2)?.replace('$', "$$")));
    one("count", |args| {
        let regex = regex(&text(args, 0)?)?;
        Ok(Value::Int(regex.find_iter(text(args, 1)?.as_bytes()).count() as i64))
    });
    one("b64enc", |args| string(STANDARD.encode(text(args, 0)?)));
    one("b64dec", |args| {
        let bytes = STANDARD.decode(text(args, 0)?).map_err(|e| failed(e.to_string()))?;
        string(String::from_utf8_lossy(&bytes))
    });
    one("urlencode", |args| string(url_encode(&text(args, 0)?)));
    one("urldecode", |args| url_decode(&text(args, 0)?));
    one("fromJson", |args| {
        let json: serde_json::Value =
            serde_json::from_str(&text(args, 0)?).map_err(|e| failed(e.to_string()))?;
        Ok(from_json(&json))
    });
}

/// Regular expressions by their text: a template uses the same ones for every line.
const MAX_KNOWN: usize = 64;

thread_local! {
    static KNOWN: RefCell<HashMap<String, Regex>> = RefCell::default();
}

fn regex(pattern: &str) -> Result<Regex, TemplateError> {
    KNOWN.with_borrow_mut(|known| {
        if let Some(regex) = known.get(pattern) {
            return Ok(regex.clone());
        }
        let regex = regexp::compile(pattern).map_err(failed)?;
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(pattern.to_owned(), regex.clone());
        Ok(regex)
    })
}

fn any_of(set: &str) -> impl Fn(char) -> bool {
    move |c| set.contains(c)
}

fn without_prefix(text: &str, prefix: &str) -> String {
    text.strip_prefix(prefix).unwrap_or(text).into()
}

fn without_suffix(text: &str, suffix: &str) -> String {
    text.strip_suffix(suffix).unwrap_or(text).into()
}

fn title(text: &str) -> String {
    let mut before = ' ';
    let raised = |c: char| {
        let upper = !before.is_alphanumeric() && before != '_' && before != '\'';
        before = c;
        if upper { c.to_uppercase().collect::<String>() } else { c.to_string() }
    };
    text.chars().map(raised).collect()
}

/// `Replace text old new n`; a negative n: all.
fn go_replace(args: Args<'_>) -> Outcome {
    let (whole, old, new) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
    let count = usize::try_from(int(args, 3)?).unwrap_or(usize::MAX);
    string(whole.replacen(&old, &new, count))
}

/// `trunc 5 text`, or the last five with -5.
fn truncate(args: Args<'_>) -> Outcome {
    let (wanted, whole) = (int(args, 0)?, text(args, 1)?);
    let length = whole.chars().count();
    let count = usize::try_from(wanted.unsigned_abs()).unwrap_or(length).min(length);
    let skipped = if wanted < 0 { length - count } else { 0 };
    string(whole.chars().skip(skipped).take(count).collect::<String>())
}

/// `substr start end text`
fn substring(args: Args<'_>) -> Outcome {
    let (start, end, whole) = (int(args, 0)?, int(args, 1)?, text(args, 2)?);
    let start = usize::try_from(start).unwrap_or(0);
    let end = usize::try_from(end).unwrap_or(usize::MAX);
    string(whole.chars().skip(start).take(end.saturating_sub(start)).collect::<String>())
}

/// `repeat 3 text`
fn repeat(args: Args<'_>) -> Outcome {
    let (count, whole) = (usize::try_from(int(args, 0)?).unwrap_or(0), text(args, 1)?);
    if count.saturating_mul(whole.len()) > MAX_TEXT {
        return Err(failed(format!("repeat makes more than {MAX_TEXT} bytes")));
    }
    string(whole.repeat(count))
}

/// `alignLeft 5 text`: cut or filled to five characters.
fn align(args: Args<'_>, left: bool) -> Outcome {
    let (width, whole) = (usize::try_from(int(args, 0)?).unwrap_or(0).min(MAX_TEXT), text(args, 1)?);
    let length = whole.chars().count();
    let blanks = " ".repeat(width.saturating_sub(length));
    let skipped = if left { 0 } else { length.saturating_sub(width) };
    let kept: String = whole.chars().skip(skipped).take(width).collect();
    string(if left { kept + &blanks } else { blanks + &kept })
}

fn indent(width: i64, text: &str) -> String {
    let blanks = " ".repeat(usize::try_from(width).unwrap_or(0).min(1000));
    format!("{blanks}{}", text.replace('\n', &format!("\n{blanks}")))
}

/// `default "none" value`
fn default(args: Args<'_>) -> Outcome {
    let given = args.get(1).filter(|value| value.is_truthy());
    given.map_or_else(|| arg(args, 0).cloned(), |value| Ok(value.clone()))
}

/// `regexReplaceAll regex text replacement`
fn regex_replace(args: Args<'_>, replacement: &str) -> Outcome {
    let regex = regex(&text(args, 0)?)?;
    let whole = text(args, 1)?;
    string(String::from_utf8_lossy(&regex.replace_all(whole.as_bytes(), replacement.as_bytes())))
}

fn url_encode(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    let one = |b: u8| match b {
        b if plain(b) => char::from(b).to_string(),
        b' ' => "+".into(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(one).collect()
}

fn url_decode(text: &str) -> Outcome {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [bytes.next().unwrap_or(b'!'), bytes.next().unwrap_or(b'!')];
                let code = std::str::from_utf8(&digits).ok().and_then(|d| u8::from_str_radix(d, 16).ok());
                code.ok_or_else(|| failed("invalid URL escape"))?
            }
            b => b,
        });
    }
    string(String::from_utf8_lossy(&out))
}

fn from_json(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Nil,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => Value::Float(n.as_f64().unwrap_or_default()),
        Json::String(s) => Value::String(s.as_str().into()),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
        Json::Object(fields) => {
            Value::Map(Arc::new(fields.iter().map(|(k, v)| (k.as_str().into(), from_json(v))).collect()))
        }
    }
}
