//! Go templates over the labels of an entry.

mod functions;

use std::{cell::RefCell, collections::BTreeMap, fmt, sync::Arc};

use gotmpl::{TemplateError, Value};

use super::row::Row;

/// Most turns of `range` loops in one rendering.
const MAX_TURNS: u64 = 100_000;

/// Longest text that a template may make, in bytes.
const MAX_OUTPUT: usize = 1 << 20;

thread_local! {
    /// What `__line__` and `__timestamp__` mean: functions of a template see nothing of its data.
    static CURRENT: RefCell<(String, i64)> = const { RefCell::new((String::new(), 0)) };
}

/// A template that was parsed.
#[derive(Clone)]
pub struct Template {
    source: Arc<str>,
    template: Option<Arc<gotmpl::Template>>,
    /// Names behind a dot. Those that an entry does not have are empty.
    fields: Vec<Arc<str>>,
    /// Whether it may use labels that it does not name.
    uses_dot: bool,
}

impl Template {
    /// # Errors
    /// When `source` is no template.
    pub fn new(name: &str, source: &str) -> Result<Self, String> {
        let template = match source.contains("{{") {
            false => None,
            true => Some(Arc::new(compile(name, source)?)),
        };
        Ok(Template { source: source.into(), template, fields: fields(source), uses_dot: uses_dot(source) })
    }

    /// As written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Adds the names of the labels that it uses; `false` if those can be any.
    pub fn collect_names(&self, names: &mut Vec<String>) -> bool {
        names.extend(self.fields.iter().map(|field| field.to_string()));
        !self.uses_dot
    }

    /// # Errors
    /// When a function of the template fails on the entry's labels.
    pub fn render(&self, row: &Row<'_>) -> Result<String, String> {
        let Some(template) = &self.template else { return Ok(self.source.to_string()) };
        if self.source.contains("__line__") || self.source.contains("__timestamp__") {
            CURRENT.set((row.text().into_owned(), row.timestamp_ns));
        }
        execute(template, &self.data(row)).map_err(|e| e.to_string())
    }

    fn data(&self, row: &Row<'_>) -> Value {
        let mut map: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        if self.uses_dot {
            map.extend(row.labels().map(|(_, n, v)| (n.into(), Value::String(v.into()))));
        }
        for field in &self.fields {
            map.insert(field.clone(), Value::String(row.get(field).unwrap_or("").into()));
        }
        Value::Map(Arc::new(map))
    }
}

fn execute(template: &gotmpl::Template, data: &Value) -> Result<String, TemplateError> {
    let mut output = Output(String::new());
    match template.execute_fmt(&mut output, data) {
        Err(_) if output.0.len() >= MAX_OUTPUT => {
            Err(TemplateError::Exec(format!("template makes more than {MAX_OUTPUT} bytes")))
        }
        result => result.map(|()| output.0),
    }
}

/// A text that does not grow beyond [`MAX_OUTPUT`].
struct Output(String);

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MAX_OUTPUT - self.0.len();
        if text.len() < room {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.extend(std::iter::repeat_n(' ', room));
        Err(fmt::Error)
    }
}

fn compile(name: &str, source: &str) -> Result<gotmpl::Template, String> {
    let template = gotmpl::Template::new(name).max_range_iters(MAX_TURNS).funcs(functions::all());
    let template = template.parse(source).map_err(|e| e.to_string())?;
    // names of functions are looked up when they are called: call them once
    match execute(&template, &Value::Map(Arc::default())) {
        Err(TemplateError::UndefinedFunction(name)) => Err(format!("function {name:?} not defined")),
        _ => Ok(template),
    }
}

/// Whether a dot may stand for all labels. What is said wrongly to do so only takes longer.
fn uses_dot(source: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let alone = |action: &str| {
        let mut dots = action.match_indices('.');
        dots.any(|(at, _)| !part(action[at + 1..].chars().next()) && !part(action[..at].chars().last()))
    };
    let mut actions = source.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap_or(rest));
    actions.any(|action| action.contains('$') || alone(action))
}

fn fields(source: &str) -> Vec<Arc<str>> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let names = source.split('.').skip(1).filter_map(|tail| {
        let end = tail.find(|c| !part(c)).unwrap_or(tail.len());
        (end > 0).then(|| Arc::from(&tail[..end]))
    });
    let mut names: Vec<Arc<str>> = names.collect();
    names.sort();
    names.dedup();
    names
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.source).finish()
    }
}
