//! Rule files and window files: from text to a checked [`Program`]. The rule files are Prometheus' own; all
//! errors of all files are reported, each with its place.

mod check;
mod default;
mod doubts;
mod file;
mod load;
mod windows;

use config::{
    Diagnostics, Source,
    yaml::{self, Content, Node},
};

use promql::Features;

use crate::engine::program::{Action, Group, Program};

pub use default::{default_rules, default_windows};
pub use doubts::{duplicates, unknown_metrics};
pub use load::{LoadError, Sources, load, load_files, read_all};

/// Checks files and joins them into one program, in their order.
///
/// # Errors
/// All errors of all files.
pub fn check(rules: &[Source], windows: Option<&Source>) -> Result<Program, Diagnostics> {
    check_with(rules, windows, Features::default())
}

/// As [`check`]; expressions may use these features of PromQL.
///
/// # Errors
/// As [`check`].
pub fn check_with(
    rules: &[Source],
    windows: Option<&Source>,
    features: Features,
) -> Result<Program, Diagnostics> {
    let mut problems = Diagnostics::default();
    let groups: Vec<Group> =
        rules.iter().flat_map(|source| file::parse(source, features, &mut problems)).collect();
    let windows = windows.map(|source| windows::parse(source, &mut problems)).unwrap_or_default();
    problems.0.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    let warnings = doubts::warnings(rules, &groups);
    if problems.0.is_empty() {
        Ok(Program { windows, groups, warnings, ..Program::default() })
    } else {
        Err(problems)
    }
}

/// What a file holds; nothing if it is empty or no YAML, which is noted.
fn root(source: &Source, problems: &mut Diagnostics) -> Option<Node> {
    match yaml::parse(source) {
        Ok(root) => (!matches!(root.content, Content::Null)).then_some(root),
        Err(error) => {
            problems.0.push(error);
            None
        }
    }
}

/// One line of `tailrace rules list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Name of the group; `windows` for windows.
    pub group: String,
    /// Name of the alert, the series or the window.
    pub name: String,
    /// `alert`, `record` or `window`.
    pub kind: &'static str,
    /// The expression; of a window its selector.
    pub expr: String,
    /// `for` of an alert; the length of a window.
    pub duration: Option<config::Duration>,
    /// The file it is from.
    pub file: String,
}

/// All rules and windows of a program, in the order in which they are evaluated.
pub fn list(program: &Program) -> Vec<Listed> {
    let millis = |ms: i64| config::Duration(std::time::Duration::from_millis(ms.unsigned_abs()));
    let windows = program.windows.iter().map(|window| Listed {
        group: "windows".into(),
        name: window.functions.iter().map(|f| window.series_name(*f)).collect::<Vec<_>>().join(" "),
        kind: "window",
        expr: window.select.clone(),
        duration: Some(millis(window.window_ms)),
        file: window.file.clone(),
    });
    let rules = program.rules().map(|(group, rule)| Listed {
        group: group.name.clone(),
        name: rule.name.clone(),
        kind: if matches!(rule.action, Action::Alert(_)) { "alert" } else { "record" },
        expr: rule.expr.split_whitespace().collect::<Vec<_>>().join(" "),
        duration: rule.alert().filter(|a| a.hold_ms > 0).map(|a| millis(a.hold_ms)),
        file: group.file.clone(),
    });
    windows.chain(rules).collect()
}
