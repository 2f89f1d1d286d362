//! Results of unit tests as JUnit's XML, in the shape that promtool gives them: a suite for each file, a case for each
//! test.

use quick_xml::{SeError, se::Serializer};
use serde::Serialize;

/// The tests of one file.
#[derive(Debug, Serialize)]
pub struct Suite {
    #[serde(rename = "@name")]
    name: String,
    #[serde(rename = "@tests")]
    tests: usize,
    #[serde(rename = "@failures")]
    failures: usize,
    #[serde(rename = "@errors")]
    errors: usize,
    #[serde(rename = "testcase")]
    cases: Vec<Case>,
}

/// One test.
#[derive(Debug, Serialize)]
pub struct Case {
    #[serde(rename = "@name")]
    name: String,
    #[serde(rename = "failure")]
    failures: Vec<String>,
    /// Why it was not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Suite {
    /// `cases` of the file `name`.
    pub fn new(name: &str, cases: Vec<Case>) -> Self {
        let failures = cases.iter().map(|case| case.failures.len()).sum();
        let errors = cases.iter().filter(|case| case.error.is_some()).count();
        Suite { name: name.to_owned(), tests: cases.len(), failures, errors, cases }
    }

    /// Everything that went wrong; nothing if all tests have passed.
    pub fn problems(&self) -> impl Iterator<Item = &String> {
        self.cases.iter().flat_map(|case| case.error.iter().chain(&case.failures))
    }
}

impl Case {
    /// A test that was run.
    pub fn new(name: &str, failures: Vec<String>) -> Self {
        Case { name: name.to_owned(), failures, error: None }
    }

    /// No test of the file `name` was run.
    pub fn aborted(name: &str, error: &str) -> Self {
        Case { name: name.to_owned(), failures: Vec::new(), error: Some(error.to_owned()) }
    }
}

/// The whole file.
///
/// # Errors
/// Never for suites.
pub fn to_xml(suites: Vec<Suite>) -> Result<String, SeError> {
    #[derive(Serialize)]
    #[serde(rename = "testsuites")]
    struct Suites {
        #[serde(rename = "testsuite")]
        all: Vec<Suite>,
    }
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut serializer = Serializer::new(&mut xml);
    serializer.indent(' ', 2);
    Suites { all: suites }.serialize(serializer)?;
    // XML has no other control characters, not even escaped.
    Ok(xml.replace(|c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t'), "\u{fffd}") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_count_what_their_cases_say() {
        let good = Case::new("a < b", Vec::new());
        let bad = Case::new("c", vec!["exp: 1\ngot: \x1b2".into(), "exp: 3".into()]);
        let suites = vec![
            Suite::new("a.yml", vec![good, bad]),
            Suite::new("b.yml", vec![Case::aborted("b.yml", "no such file")]),
        ];
        assert_eq!(
            to_xml(suites).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites>
  <testsuite name=\"a.yml\" tests=\"2\" failures=\"2\" errors=\"0\">
    <testcase name=\"a &lt; b\"/>
    <testcase name=\"c\">
      <failure>exp: 1\ngot: \u{fffd}2</failure>
      <failure>exp: 3</failure>
    </testcase>
  </testsuite>
  <testsuite name=\"b.yml\" tests=\"1\" failures=\"0\" errors=\"1\">
    <testcase name=\"b.yml\">
      <error>no such file</error>
    </testcase>
  </testsuite>
</testsuites>
"
        );
    }
}
