//! `--set a.b=c`: settings from the command line over those of a file.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Diagnostic, Diagnostics, load};

/// As [`load::parse`], then each `KEY=VALUE` of `overrides`, in order. A value is read as YAML: `5`, `[a, b]`.
///
/// # Errors
/// Those of the file, or those that an override brings; the file is then called `--set`.
pub fn parse_with<T: DeserializeOwned>(
    file: &str,
    text: &str,
    overrides: &[String],
) -> Result<T, Diagnostics> {
    let value = load::parse(file, text)?;
    if overrides.is_empty() {
        return Ok(value);
    }
    let mut tree: Value = load::parse(file, text)?;
    for given in overrides {
        apply(&mut tree, given).map_err(|message| {
            let remedy = "write --set key.of.the.setting=value";
            Diagnostics(vec![Diagnostic::at("--set", given, 1, 1, message).with_remedy(remedy)])
        })?;
    }
    // JSON is YAML: the same reader checks the result.
    load::parse("--set", &serde_json::to_string_pretty(&tree).expect("the tree came from text"))
}

fn apply(tree: &mut Value, given: &str) -> Result<(), String> {
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
}
