//! `--set a.b=c`: settings from the command line over those of a file.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    Check, Diagnostic, Diagnostics, Source,
    check::{Problems, in_override},
    load,
};

/// As [`load::parse`], then each `KEY=VALUE` of `overrides`, in order, then [`Check`]. A value is read as YAML: `5`,
/// `[a, b]`.
///
/// # Errors
/// All those of the file, or those that overrides bring; the file of these is then called `--set`.
pub fn parse_with<T: DeserializeOwned + Check>(
    file: &str,
    text: &str,
    overrides: &[String],
) -> Result<T, Diagnostics> {
    let (mut value, mut wrong) = load::parse_all::<T>(file, text);
    if wrong.is_empty() && !overrides.is_empty() {
        (value, wrong) = override_all(load::parse(file, text)?, overrides);
    }
    if let Some(value) = &value {
        wrong.extend(Problems::of(value).locate(&Source::new(file, text), overrides));
    }
    match value {
        Some(value) if wrong.is_empty() => Ok(value),
        _ => {
            wrong.sort_by_key(|d| (d.line, d.column));
            Err(Diagnostics(wrong))
        }
    }
}

/// The overrides over a file, one by one: what each does is then known.
fn override_all<T: DeserializeOwned>(mut tree: Value, overrides: &[String]) -> (Option<T>, Vec<Diagnostic>) {
    let (mut value, mut wrong) = (None, Vec::new());
    for given in overrides {
        let mut next = tree.clone();
        match apply(&mut next, given).and_then(|()| fit(&next, given)) {
            Ok(fitting) => (tree, value) = (next, Some(fitting)),
            Err(error) => wrong.push(error),
        }
    }
    (value, wrong)
}

/// JSON is YAML: the reader of files checks it.
fn fit<T: DeserializeOwned>(tree: &Value, given: &str) -> Result<T, Diagnostic> {
    load::read(&tree.to_string()).map_err(|error| {
        let found = load::diagnose("--set", given, &error);
        Diagnostic { remedy: found.remedy, ..in_override(given, &found.message) }
    })
}

fn apply(tree: &mut Value, given: &str) -> Result<(), Diagnostic> {
    set(tree, given).map_err(|message| {
        Diagnostic::at("--set", given, 1, 1, message).with_remedy("write --set key.of.the.setting=value")
    })
}

fn set(tree: &mut Value, given: &str) -> Result<(), String> {
    let (path, text) = given.split_once('=').ok_or_else(|| format!("{given:?} has no `=`"))?;
    let value = load::parse("--set", text).unwrap_or_else(|_| Value::String(text.into()));
    let mut at = tree;
    for key in path.split('.') {
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        let map = at.as_object_mut().ok_or_else(|| format!("{path:?}: `{key}` lies below a plain value"))?;
        at = map.entry(key).or_insert(Value::Null);
    }
    *at = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Outer {
        name: String,
        inner: Inner,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Inner {
        count: u32,
        list: Vec<String>,
    }

    impl Check for Outer {
        fn check(&self, problems: &mut Problems) {
            problems.require(!self.name.is_empty(), "name", "is empty", "give one");
            problems.within("inner", |problems| {
                problems.require(self.inner.count < 10, "count", "is too large", "write 9 or less");
                problems.within("list", |problems| {
                    for (number, item) in self.inner.list.iter().enumerate() {
                        problems.require(item != "c", &number.to_string(), "is c", "write d");
                    }
                });
            });
        }
    }

    fn with(overrides: &[&str]) -> Result<Outer, Diagnostics> {
        let overrides: Vec<String> = overrides.iter().map(|o| (*o).to_owned()).collect();
        parse_with("a.yaml", "name: file\ninner: {count: 1}\n", &overrides)
    }

    #[test]
    fn overrides_reach_into_sections_and_the_last_one_wins() {
        let outer = with(&["inner.count=2", "inner.list=[a, b]", "inner.count=3"]).unwrap();
        assert_eq!(outer.inner, Inner { count: 3, list: vec!["a".into(), "b".into()] });
        assert_eq!(outer.name, "file");
    }

    #[test]
    fn an_override_that_does_not_fit_is_an_error_with_advice() {
        assert!(with(&["inner.cuont=2"]).unwrap_err().to_string().contains("did you mean `count`?"));
        assert!(with(&["inner"]).unwrap_err().to_string().contains("no `=`"));
        assert!(with(&["name.deeper=1"]).unwrap_err().to_string().contains("below a plain value"));
    }

    #[test]
    fn an_override_of_the_wrong_type_is_shown_as_it_was_written() {
        let shown = with(&["inner.list=[a]", "inner.count=many", "nmae=x"]).unwrap_err();
        let places: Vec<_> = shown.0.iter().map(|d| (d.column, d.source.as_str())).collect();
        assert_eq!(places, [(6, "nmae=x"), (13, "inner.count=many")], "{shown}");
    }

    #[test]
    fn values_that_cannot_work_are_shown_where_they_are_given_beside_those_of_a_wrong_type() {
        let check = |text: &str, overrides: &[&str]| {
            let overrides: Vec<String> = overrides.iter().map(|o| (*o).to_owned()).collect();
            let errors = parse_with::<Outer>("a.yaml", text, &overrides).unwrap_err();
            let place = |d: &Diagnostic| (d.file.clone(), d.line, d.column);
            errors.0.iter().map(place).collect::<Vec<_>>()
        };
        let at = |file: &str, line, column| (file.to_owned(), line, column);
        let text = "name: ''\nnmae: x\ninner:\n  count: 10\n  list:\n    - b\n    - c\n";
        let file = [at("a.yaml", 1, 7), at("a.yaml", 2, 1), at("a.yaml", 4, 10), at("a.yaml", 7, 7)];
        assert_eq!(check(text, &[]), file);
        assert_eq!(check("name: a\n", &["inner.count=5", "inner.count=11"]), [at("--set", 1, 13)]);
        assert_eq!(check("name: a\n", &["inner={count: 11}"]), [at("--set", 1, 7)]);
        assert_eq!(check("inner: {count: 11}\n", &["name=b"]), [at("a.yaml", 1, 16)]);
    }
}
