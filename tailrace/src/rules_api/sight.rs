//! Of whom a request may see log lines: alerts are everyone's, as metrics are, the lines in their evidence are not.

use axum::http::HeaderMap;
use event::{Evidence, TENANT_HEADER, TenantError};
use log_index::Scope;
use stream_processor::engine::GroupStatus;

/// The lines that the sender of a request may see; `None`: of nobody.
#[derive(Debug)]
pub struct Sight(Option<Scope>);

impl Sight {
    /// Who names tenants sees theirs. Who names none sees all, or with `tenants` none.
    ///
    /// # Errors
    /// When the header names no tenants.
    pub fn of(headers: &HeaderMap, tenants: bool) -> Result<Self, String> {
        let header = headers.get(TENANT_HEADER).map(|value| value.as_bytes());
        match event::tenants(header) {
            Ok(names) => Ok(Sight(Some(Scope::of_tenants(&names)))),
            Err(TenantError::Missing) => Ok(Sight((!tenants).then(Scope::default))),
            Err(error @ TenantError::Invalid(_)) => Err(error.to_string()),
        }
    }

    /// Leaves out what the request may not see.
    pub fn narrow(&self, evidence: &mut Evidence) {
        evidence.lines.retain_mut(|line| {
            let labels = self.0.as_ref().and_then(|scope| scope.stream(&line.labels));
            labels.map(|labels| line.labels = labels).is_some()
        });
    }

    /// The same in all alerts of `groups`.
    pub fn narrow_all(&self, groups: &mut [GroupStatus]) {
        let rules = groups.iter_mut().flat_map(|group| &mut group.rules);
        let active = rules.filter_map(|rule| rule.alert.as_mut()).flat_map(|alert| &mut alert.active);
        active.filter_map(|alert| alert.evidence.as_mut()).for_each(|evidence| self.narrow(evidence));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Streams of the lines that are seen.
    fn seen(header: Option<&str>, tenants: bool) -> Vec<String> {
        let line = |labels| json!({"source": "s", "position": 1, "timestamp": "2026-01-01T00:00:00Z", "labels": labels, "line": ""});
        let lines = [
            json!({"job": "x", "__tenant_id__": "a"}),
            json!({"job": "y", "__tenant_id__": "b"}),
            json!({"job": "z"}),
        ];
        let evidence = json!({"query": "/", "lines": lines.map(line)});
        let mut evidence: Evidence = serde_json::from_value(evidence).unwrap();
        let headers =
            header.iter().filter_map(|name| Some((TENANT_HEADER.parse().ok()?, name.parse().ok()?)));
        Sight::of(&headers.collect(), tenants).unwrap().narrow(&mut evidence);
        evidence.lines.iter().map(|line| line.labels.to_string()).collect()
    }

    #[test]
    fn lines_of_a_tenant_are_seen_by_those_who_name_it() {
        for tenants in [false, true] {
            assert_eq!(seen(Some("a"), tenants), [r#"{job="x"}"#]);
            assert_eq!(seen(Some("fake"), tenants), [r#"{job="z"}"#]);
            assert_eq!(seen(Some("a|fake"), tenants), [r#"{__tenant_id__="a", job="x"}"#, r#"{job="z"}"#]);
        }
        assert_eq!((seen(None, false).len(), seen(None, true).len()), (3, 0));
        let wrong = HeaderMap::from_iter([(TENANT_HEADER.parse().unwrap(), "a/b".parse().unwrap())]);
        assert!(Sight::of(&wrong, false).is_err());
    }
}
