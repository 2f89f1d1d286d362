//! The functions of alert templates, as in Prometheus' template reference.

use std::sync::{Arc, Mutex};

use event::Labels;
use gotmpl::{FuncMap, TemplateError, Value};
use regex::Regex;

use super::{
    humanize::{humanize, humanize_1024, humanize_duration, humanize_percentage, humanize_timestamp},
    program::{Expression, Rule},
    template::{Context, locked},
    template_tree::PRINT,
};

type Answer = Result<Value, TemplateError>;

/// All of them; `query` notes in `context` what it is asked.
pub fn all(context: &Arc<Mutex<Context>>) -> FuncMap {
    let mut map = FuncMap::new();
    numbers(&mut map);
    texts(&mut map);
    samples(&mut map);
    map.insert(PRINT.into(), Arc::new(|args| Ok(string(&args.first().map(shown).unwrap_or_default()))));
    let mut add = |name: &str, answer: fn(&Mutex<Context>, &[Value]) -> Answer| {
        let context = context.clone();
        map.insert(name.into(), Arc::new(move |args| answer(&context, args)));
    };
    add("query", |context, args| ask(context, &text(args, 0)?));
    add("externalURL", |context, _| Ok(string(&locked(context).external_url)));
    add("pathPrefix", |context, _| Ok(string(path_of(&locked(context).external_url))));
    map
}

/// The labels as a map of texts.
pub fn labels(labels: &Labels) -> Value {
    Value::Map(Arc::new(labels.iter().map(|(n, v)| (n.into(), Value::String(v.into()))).collect()))
}

/// The answer to a query as a list of samples with `Labels` and `Value`.
pub fn vector(samples: Vec<(Labels, f64)>) -> Value {
    let sample = |(set, value): (Labels, f64)| {
        Value::Map(Arc::new([("Labels".into(), labels(&set)), ("Value".into(), Value::Float(value))].into()))
    };
    Value::List(samples.into_iter().map(sample).collect())
}

fn numbers(map: &mut FuncMap) {
    let mut add = |name: &str, show: fn(f64) -> String| {
        map.insert(name.into(), Arc::new(move |args| Ok(string(&show(number(args, 0)?)))));
    };
    add("humanize", humanize);
    add("humanize1024", humanize_1024);
    add("humanizeDuration", humanize_duration);
    add("humanizePercentage", humanize_percentage);
    add("humanizeTimestamp", humanize_timestamp);
    map.insert(
        "parseDuration".into(),
        Arc::new(|args| {
            let duration: config::Duration = text(args, 0)?.parse().map_err(TemplateError::Exec)?;
            Ok(Value::Float(duration.millis() as f64 / 1000.0))
        }),
    );
}

fn texts(map: &mut FuncMap) {
    let mut add = |name: &str, change: fn(&str) -> String| {
        map.insert(name.into(), Arc::new(move |args| Ok(string(&change(&text(args, 0)?)))));
    };
    add("title", title);
    add("toUpper", str::to_uppercase);
    add("toLower", str::to_lowercase);
    add("stripPort", |host| strip_port(host).to_owned());
    add("stripDomain", strip_domain);
    add("safeHtml", str::to_owned);
    add("urlQueryEscape", query_escape);
    add("graphLink", |query| graph_link(query, 0));
    add("tableLink", |query| graph_link(query, 1));
    map.insert(
        "match".into(),
        Arc::new(|args| Ok(Value::Bool(regex(&text(args, 0)?)?.is_match(&text(args, 1)?)))),
    );
    map.insert(
        "reReplaceAll".into(),
        Arc::new(|args| {
            let (pattern, with, on) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
            Ok(string(&regex(&pattern)?.replace_all(&on, with.as_str())))
        }),
    );
}

fn samples(map: &mut FuncMap) {
    map.insert(
        "first".into(),
        Arc::new(|args| match args.first() {
            Some(Value::List(list)) if !list.is_empty() => Ok(list[0].clone()),
            _ => fail("first() called on vector with no elements"),
        }),
    );
    map.insert("value".into(), Arc::new(|args| Ok(field(args.first(), "Value"))));
    map.insert(
        "strvalue".into(),
        Arc::new(|args| Ok(field(Some(&field(args.first(), "Labels")), "__value__"))),
    );
    map.insert(
        "label".into(),
        Arc::new(|args| {
            let found = field(Some(&field(args.get(1), "Labels")), &text(args, 0)?);
            Ok(if matches!(found, Value::Nil) { string("") } else { found })
        }),
    );
    map.insert(
        "sortByLabel".into(),
        Arc::new(|args| {
            let name = text(args, 0)?;
            let Some(Value::List(list)) = args.get(1) else {
                return fail("sortByLabel() called on no vector");
            };
            let mut sorted = list.to_vec();
            sorted.sort_by_key(|sample| field(Some(&field(Some(sample), "Labels")), &name).to_string());
            Ok(Value::List(sorted.into()))
        }),
    );
    map.insert(
        "args".into(),
        Arc::new(|args| {
            let numbered =
                args.iter().enumerate().map(|(i, value)| (format!("arg{i}").into(), value.clone()));
            Ok(Value::Map(Arc::new(numbered.collect())))
        }),
    );
}

fn ask(context: &Mutex<Context>, query: &str) -> Answer {
    match locked(context).queries.entry(query.to_owned()).or_default() {
        Some(Ok(answer)) => Ok(answer.clone()),
        Some(Err(error)) => fail(error),
        None => fail("the query has not been evaluated yet"),
    }
}

fn field(value: Option<&Value>, name: &str) -> Value {
    value.and_then(|v| v.field(name)).cloned().unwrap_or(Value::Nil)
}

fn text(args: &[Value], at: usize) -> Result<String, TemplateError> {
    match args.get(at) {
        Some(Value::Nil) => Ok(String::new()),
        Some(Value::List(_) | Value::Map(_)) | None => fail(&format!("argument {} is no text", at + 1)),
        Some(value) => Ok(value.to_string()),
    }
}

fn number(args: &[Value], at: usize) -> Result<f64, TemplateError> {
    match args.get(at) {
        Some(Value::Float(number)) => Ok(*number),
        Some(Value::Int(number)) => Ok(*number as f64),
        Some(Value::Uint(number)) => Ok(*number as f64),
        Some(Value::String(text)) => {
            text.parse().map_err(|_| TemplateError::Exec(format!("{text:?} is no number")))
        }
        _ => fail("can't convert the argument to float"),
    }
}

fn regex(pattern: &str) -> Result<Regex, TemplateError> {
    Regex::new(pattern).map_err(|e| TemplateError::Exec(e.to_string()))
}

fn string(text: &str) -> Value {
    Value::String(text.into())
}

fn fail<T>(message: &str) -> Result<T, TemplateError> {
    Err(TemplateError::Exec(message.to_owned()))
}

/// As Go prints it; what is missing as nothing.
fn shown(value: &Value) -> String {
    match value {
        Value::Nil => String::new(),
        Value::Float(number) => float(*number),
        other => other.to_string(),
    }
}

/// The shortest form, with an exponent below 1e-4 and from 1e6 on.
fn float(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.into();
    }
    let scientific = format!("{number:e}");
    match scientific.split_once('e').map(|(digits, exponent)| (digits, exponent.parse::<i32>())) {
        Some((digits, Ok(exponent))) if number != 0.0 && !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => number.to_string(),
    }
}

/// Upper case after everything that is neither letter, digit nor apostrophe.
fn title(text: &str) -> String {
    let mut inside = false;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if inside {
            out.push(c)
        } else {
            out.extend(c.to_uppercase())
        }
        inside = c.is_alphanumeric() || c == '\'' || c == '_';
    }
    out
}

/// What stands behind scheme and host.
fn path_of(url: &str) -> &str {
    let behind = url.split_once("://").map_or(url, |(_, rest)| rest);
    behind.find('/').map_or("", |at| behind[at..].trim_end_matches('/'))
}

fn strip_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, _)) if name.starts_with('[') => name.trim_matches(['[', ']']),
        Some((name, _)) if !name.contains(':') => name,
        _ => host,
    }
}

fn strip_domain(host_port: &str) -> String {
    let host = strip_port(host_port);
    if host.parse::<std::net::IpAddr>().is_ok() {
        return host_port.to_owned();
    }
    let short = host.split('.').next().unwrap_or_default();
    format!("{short}{}", &host_port[host.len().min(host_port.len())..])
}

/// Where the Prometheus page shows `query`: as a graph (0) or a table (1).
pub fn graph_link(query: &str, tab: u8) -> String {
    format!("/graph?g0.expr={}&g0.tab={tab}", query_escape(query))
}

/// Where the query API answers the expression of a rule as of `time_ms`.
pub fn query_link(url: &str, rule: &Rule, time_ms: i64) -> String {
    let (path, time) = match &rule.query {
        Expression::Metrics(_) => ("/api/v1/query", (time_ms as f64 / 1e3).to_string()),
        Expression::Logs(_) => ("/loki/api/v1/query", time_ms.saturating_mul(1_000_000).to_string()),
    };
    format!("{url}{path}?query={}&time={time}", query_escape(&rule.expr))
}

fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
