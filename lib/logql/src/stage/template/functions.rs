//! The functions of Loki's templates, besides those of Go.

mod math;
mod strings;
mod time;

use gotmpl::{FuncMap, TemplateError, Value};

/// What a function gets.
type Args<'a> = &'a [Value];
/// What it gives.
type Outcome = Result<Value, TemplateError>;

/// All of them.
pub fn all() -> FuncMap {
    let mut functions = FuncMap::new();
    strings::add(&mut functions);
    math::add(&mut functions);
    time::add(&mut functions);
    functions
}

fn failed(message: impl Into<String>) -> TemplateError {
    TemplateError::Exec(message.into())
}

fn arg(args: Args<'_>, at: usize) -> Result<&Value, TemplateError> {
    args.get(at).ok_or_else(|| failed(format!("wrong number of args: want at least {}", at + 1)))
}

fn text(args: Args<'_>, at: usize) -> Result<String, TemplateError> {
    arg(args, at).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

fn int(args: Args<'_>, at: usize) -> Result<i64, TemplateError> {
    float(args, at).map(|number| number as i64)
}

/// What is no number counts as 0, as in the library that Loki uses.
fn float(args: Args<'_>, at: usize) -> Result<f64, TemplateError> {
    let value = arg(args, at)?;
    let number = value.as_float().or_else(|| value.as_int().map(|i| i as f64));
    Ok(number.or_else(|| value.as_str()?.trim().parse().ok()).unwrap_or(0.0))
}

fn string(text: impl AsRef<str>) -> Outcome {
    Ok(Value::String(text.as_ref().into()))
}
