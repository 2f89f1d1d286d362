//! Texts of alerts: Go templates with what Prometheus offers in them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use event::Labels;
use gotmpl::{TemplateError, Value, parse::Parser};

use super::{
    functions,
    template_tree::{find_unbalanced, find_unknown, print_all},
};

/// What Prometheus puts before every template.
const PREAMBLE: &str = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}\
                        {{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// The name under which the text itself is known.
const MAIN: &str = "__main";

/// More rounds of queries that depend on the answers to other queries are not made.
const MOST_ROUNDS: usize = 4;

/// What the functions of a template see besides their arguments.
#[derive(Default)]
pub(super) struct Context {
    /// What is known about queries: `None` until one was evaluated.
    pub queries: BTreeMap<String, Option<Result<Value, String>>>,
    pub external_url: String,
}

/// What templates show of the world around the rules: `$externalLabels` and `$externalURL`.
#[derive(Clone, Debug, Default)]
pub struct External {
    /// Of the whole installation.
    pub labels: Labels,
    /// Where its pages are.
    pub url: String,
}

impl External {
    /// What links to its pages begin with.
    pub fn link_base(&self) -> &str {
        self.url.trim_end_matches('/')
    }
}

/// A text that was parsed once and is rendered for each alert.
pub struct Template(Form);

enum Form {
    Plain(String),
    Go { text: String, parsed: Box<gotmpl::Template>, context: Arc<Mutex<Context>> },
}

/// Evaluates a query of a template at the step of the alert.
pub type RunQuery<'a> = dyn Fn(&str) -> Result<Vec<(Labels, f64)>, String> + 'a;

/// A template that cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// Byte offset in the text.
    pub offset: usize,
}

impl Template {
    /// # Errors
    /// When `text` is no template.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        if !text.contains("{{") {
            return Ok(Template(Form::Plain(text.to_owned())));
        }
        let context = Arc::<Mutex<Context>>::default();
        let functions = functions::all(&context);
        let source = format!("{PREAMBLE}{text}");
        let tree = Parser::new(&source, "{{", "}}").and_then(Parser::parse);
        let (mut main, defines) = tree.map_err(|e| syntax_error(text, &e))?;
        let lists = defines.iter().map(|define| &define.body).chain([&main]);
        if let Some(unknown) = find_unknown(lists, &functions) {
            return Err(SyntaxError { offset: unknown.offset.saturating_sub(PREAMBLE.len()), ..unknown });
        }
        if let Some(unbalanced) = find_unbalanced(text) {
            return Err(unbalanced);
        }
        let entry = format!("{{{{template {MAIN:?} .}}}}");
        let parsed = gotmpl::Template::new("").funcs(functions).parse(&entry);
        let mut parsed = parsed.map_err(|e| syntax_error(text, &e))?;
        print_all(&mut main);
        parsed = parsed.add_parse_tree(MAIN, main);
        for mut define in defines {
            print_all(&mut define.body);
            parsed = parsed.add_parse_tree(&define.name, define.body);
        }
        Ok(Template(Form::Go { text: text.to_owned(), parsed: Box::new(parsed), context }))
    }

    /// The template as it was written.
    pub fn text(&self) -> &str {
        match &self.0 {
            Form::Plain(text) | Form::Go { text, .. } => text,
        }
    }

    /// The text for one alert.
    ///
    /// # Errors
    /// What went wrong, for example a query that fails.
    pub fn render(
        &self,
        labels: &Labels,
        value: f64,
        external: &External,
        run: &RunQuery<'_>,
    ) -> Result<String, String> {
        match &self.0 {
            Form::Plain(text) => Ok(text.clone()),
            Form::Go { parsed, context, .. } => {
                *locked(context) = Context { external_url: external.url.clone(), ..Context::default() };
                let data = data(labels, value, external);
                for _ in 0..MOST_ROUNDS {
                    let rendered = parsed.execute_to_string(&data);
                    if !answer_new_queries(context, run) {
                        return rendered.map_err(|e| e.to_string());
                    }
                }
                Err(format!("queries depend on each other over more than {MOST_ROUNDS} rounds"))
            }
        }
    }
}

/// A template function is a value that owns what it uses, so `query` cannot hold the samples: it notes the
/// query and answers nothing; the engine evaluates what was noted and renders again.
fn answer_new_queries(context: &Mutex<Context>, run: &RunQuery<'_>) -> bool {
    let mut context = locked(context);
    let mut any = false;
    for (query, answer) in context.queries.iter_mut().filter(|(_, answer)| answer.is_none()) {
        *answer = Some(run(query).map(functions::vector));
        any = true;
    }
    any
}

pub(super) fn locked(context: &Mutex<Context>) -> MutexGuard<'_, Context> {
    context.lock().unwrap_or_else(PoisonError::into_inner)
}

fn data(labels: &Labels, value: f64, external: &External) -> Value {
    let map = |entries: Vec<(&str, Value)>| {
        Value::Map(Arc::new(entries.into_iter().map(|(k, v)| (k.into(), v)).collect()))
    };
    map(vec![
        ("Labels", functions::labels(labels)),
        ("ExternalLabels", functions::labels(&external.labels)),
        ("ExternalURL", Value::String(external.url.as_str().into())),
        ("Value", Value::Float(value)),
    ])
}

fn syntax_error(text: &str, error: &TemplateError) -> SyntaxError {
    let (message, line, column) = match error {
        TemplateError::Parse { message, line, col, .. } | TemplateError::Lex { message, line, col, .. } => {
            (message.clone(), *line, *col)
        }
        other => (other.to_string(), 1, 1),
    };
    let skip = if line == 1 { PREAMBLE.len() } else { 0 };
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let within = text[start..].char_indices().nth(column.saturating_sub(1 + skip));
    SyntaxError { message, offset: within.map_or(text.len(), |(i, _)| start + i) }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Template({:?})", self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str, value: f64) -> Result<String, String> {
        let labels = Labels::from([("__name__", "up"), ("host", "web1:9100"), ("job", "node")]);
        let run = |query: &str| match query {
            "up" => Ok(vec![(Labels::from([("host", "b")]), 2.0), (Labels::from([("host", "a")]), 1.0)]),
            other => Err(format!("no answer to {other}")),
        };
        let external =
            External { labels: Labels::from([("site", "a")]), url: "http://there:3100/rules".into() };
        Template::parse(text).map_err(|e| e.message)?.render(&labels, value, &external, &run)
    }

    fn shows(text: &str, value: f64, expected: &str) {
        assert_eq!(render(text, value).as_deref(), Ok(expected), "{text}");
    }

    #[test]
    fn labels_and_values_are_shown_as_in_prometheus() {
        shows("plain", 1.0, "plain");
        shows("{{ $labels.host }} of {{ .Labels.job }}: {{ $value }}", 95.5, "web1:9100 of node: 95.5");
        shows("{{ $externalLabels.site }} {{ $externalURL }}", 1.0, "a http://there:3100/rules");
        shows("{{ externalURL }} {{ pathPrefix }}", 1.0, "http://there:3100/rules /rules");
        shows("{{ $value }}", 1_000_000.0, "1e+06");
        for (value, shown) in
            [(123_456_789.5, "1.234567895e+08"), (0.000_01, "1e-05"), (-0.5, "-0.5"), (0.0, "0")]
        {
            shows("{{ $value }}", value, shown);
        }
        shows("[{{ $labels.missing }}]", 1.0, "[]");
        shows("{{ define \"t\" }}<{{ .Value }}>{{ end }}{{ template \"t\" . }}", 2e6, "<2e+06>");
        shows("{{ printf \"%.2f\" $value }}%", 12.345, "12.35%");
        shows("{{ if gt $value 90.0 }}high{{ else }}low{{ end }}", 91.0, "high");
        shows(
            "{{ range $k, $v := $labels }}{{ $k }}={{ $v }} {{ end }}",
            1.0,
            "__name__=up host=web1:9100 job=node ",
        );
    }

    #[test]
    fn functions_of_prometheus_are_there() {
        shows("{{ $value | humanize }}", 1_234_567.0, "1.235M");
        shows("{{ humanizePercentage $value }}", 0.5, "50%");
        shows("{{ humanizeDuration 3725 }} {{ humanize1024 2048.0 }}", 0.0, "1h 2m 5s 2ki");
        shows(
            "{{ $labels.job | toUpper }} {{ title \"a node\" }} {{ toLower \"UP\" }}",
            0.0,
            "NODE A Node up",
        );
        shows(
            "{{ stripPort $labels.host }} {{ reReplaceAll \"web(.*):.*\" \"db$1\" $labels.host }}",
            0.0,
            "web1 db1",
        );
        shows("{{ if match \"we.+\" $labels.host }}yes{{ end }}", 0.0, "yes");
        shows("{{ graphLink \"up == 1\" }}", 0.0, "/graph?g0.expr=up+%3D%3D+1&g0.tab=0");
        shows("{{ \"1h30m\" | parseDuration }}", 0.0, "5400");
    }

    #[test]
    fn queries_see_the_samples_of_the_step() {
        shows("{{ query \"up\" | first | value }}", 0.0, "2");
        shows(
            "{{ range query \"up\" | sortByLabel \"host\" }}{{ .Labels.host }}={{ .Value }} {{ end }}",
            0.0,
            "a=1 b=2 ",
        );
        shows("{{ with query \"up\" }}{{ . | first | label \"host\" }}{{ end }}", 0.0, "b");
        assert!(render("{{ query \"down\" }}", 0.0).unwrap_err().contains("no answer to down"));
        assert!(
            render("{{ query \"up\" | first | title }}{{ first (query \"up\" | slice 2) }}", 0.0).is_err()
        );
    }

    #[test]
    fn errors_name_the_place_in_the_text() {
        let error = Template::parse("usage {{ $value | humanise }}").unwrap_err();
        assert!(error.message.contains("humanise"), "{error:?}");
        let error = Template::parse("one\ntwo {{ $value ").unwrap_err();
        assert!(error.offset >= 4, "{error:?}");
        let at = |text: &str| Template::parse(text).map_err(|e| e.offset).map(drop);
        assert_eq!(at("a {{ $vlaue }}"), Err(5));
        assert_eq!(at("a {{ if $value }} b"), Err(2));
        assert_eq!(at("a {{ end }} b"), Err(2));
        assert_eq!(
            at("{{/* if */}}{{ range $i, $v := $labels }}{{ $v }}{{ else }}{{ \"}}\" }}{{- end }}"),
            Ok(())
        );
    }
}
