//! Which streams a reader sees, and under which labels. The index marks streams with labels of its own, which no
//! reader gets to see.

use std::borrow::Cow;

use event::{DEFAULT_TENANT, Labels, MatchOp, Matcher, TENANT_LABEL};

/// Names a label that the sender did not send.
pub const DERIVED: &str = "__derived__";

/// What a reader sees. `Default`: the streams of all tenants, with the labels that were sent.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    tenants: Option<Matcher>,
    names_tenants: bool,
    derived: bool,
}

impl Scope {
    /// The streams of these tenants alone. With more than one, each stream says in `__tenant_id__` whose it is.
    pub fn of_tenants(names: &[&str]) -> Self {
        let stored = |name: &&str| if *name == DEFAULT_TENANT { String::new() } else { regex::escape(name) };
        let any = names.iter().map(stored).collect::<Vec<_>>().join("|");
        let tenants = match names {
            [one] => Matcher::equal(TENANT_LABEL, if *one == DEFAULT_TENANT { "" } else { one }),
            _ => Matcher::new(TENANT_LABEL, MatchOp::Regex, &any)
                .expect("escaped names are a regular expression"),
        };
        Scope { tenants: Some(tenants), names_tenants: names.len() != 1, derived: false }
    }

    /// The same streams, also with the labels that the index has added.
    pub fn with_derived(self) -> Self {
        Scope { derived: true, ..self }
    }

    /// What the reader asks for, and what it may see.
    pub(crate) fn matchers<'a>(&self, wanted: &'a [Matcher]) -> Cow<'a, [Matcher]> {
        match &self.tenants {
            None => wanted.into(),
            Some(own) => wanted.iter().chain([own]).cloned().collect::<Vec<_>>().into(),
        }
    }

    /// What this reader asked for, if these matchers are as [`Scope::matchers`] gives them to it.
    pub(crate) fn asked<'a>(&self, matchers: &'a [Matcher]) -> Option<&'a [Matcher]> {
        let Some(own) = &self.tenants else { return Some(matchers) };
        let (last, wanted) = matchers.split_last()?;
        ((&last.name, last.op, &last.value) == (&own.name, own.op, &own.value)).then_some(wanted)
    }

    /// Whether the reader sees labels of this name at all.
    pub(crate) fn shows(&self, name: &str) -> bool {
        name != DERIVED && (name != TENANT_LABEL || self.tenants.is_none() || self.names_tenants)
    }

    /// A stream's labels as the reader sees them.
    pub(crate) fn labels(&self, stored: Labels) -> Labels {
        let derived = stored.get(DERIVED).filter(|_| !self.derived);
        if derived.is_none() && stored.iter().all(|(name, _)| self.shows(name)) {
            return stored;
        }
        stored.filtered(|name| self.shows(name) && Some(name) != derived)
    }

    /// The same for one stream that may be out of sight.
    pub fn stream(&self, stored: &Labels) -> Option<Labels> {
        let visible = self.tenants.iter().all(|tenants| tenants.matches_labels(stored));
        visible.then(|| self.labels(stored.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(scope: &Scope, stored: &[(&str, &str)]) -> Option<String> {
        scope.stream(&stored.iter().copied().collect()).map(|labels| labels.to_string())
    }

    #[test]
    fn a_tenant_sees_its_own_streams_without_its_name() {
        let scope = Scope::of_tenants(&["a"]);
        assert_eq!(seen(&scope, &[("job", "x"), (TENANT_LABEL, "a")]).as_deref(), Some("{job=\"x\"}"));
        assert_eq!(seen(&scope, &[("job", "x"), (TENANT_LABEL, "b")]), None);
        assert_eq!(seen(&scope, &[("job", "x")]), None);
        assert!(seen(&Scope::of_tenants(&[DEFAULT_TENANT]), &[("job", "x")]).is_some());
    }

    #[test]
    fn several_tenants_see_whose_a_stream_is() {
        let scope = Scope::of_tenants(&["a.b", DEFAULT_TENANT]);
        let shown = seen(&scope, &[("job", "x"), (TENANT_LABEL, "a.b")]);
        assert_eq!(shown.as_deref(), Some("{__tenant_id__=\"a.b\", job=\"x\"}"));
        assert_eq!(seen(&scope, &[("job", "x"), (TENANT_LABEL, "aXb")]), None);
        assert!(seen(&scope, &[("job", "x")]).is_some());
    }

    #[test]
    fn a_question_is_known_again_by_who_asked_it_alone() {
        let [a, b] = ["a", "b"].map(|name| Scope::of_tenants(&[name]));
        let wanted = [Matcher::equal("job", "x"), Matcher::equal(TENANT_LABEL, "b")];
        let asked = a.matchers(&wanted);
        assert_eq!((a.asked(&asked).map(<[_]>::len), b.asked(&asked).map(<[_]>::len)), (Some(2), None));
        assert_eq!(Scope::default().asked(&asked).map(<[_]>::len), Some(3));
    }

    #[test]
    fn only_who_wants_derived_labels_sees_them() {
        let stored = [("job", "x"), ("service_name", "x"), (DERIVED, "service_name")];
        assert_eq!(seen(&Scope::default(), &stored).as_deref(), Some("{job=\"x\"}"));
        let all = seen(&Scope::default().with_derived(), &stored);
        assert_eq!(all.as_deref(), Some("{job=\"x\", service_name=\"x\"}"));
    }
}
