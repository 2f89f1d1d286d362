//! What may still change in PromQL.

/// Each part is behind a flag of Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// `promql-experimental-functions`
    pub experimental_functions: bool,
    /// `promql-duration-expr`
    pub duration_expressions: bool,
    /// `promql-extended-range-selectors`
    pub extended_ranges: bool,
    /// `promql-binop-fill-modifiers`
    pub fill_modifiers: bool,
    /// `promql-delayed-name-removal`: names of metrics are taken away at the end of a query only, so that functions and
    /// aggregations still see them.
    pub delayed_name_removal: bool,
    /// `use-start-timestamps`: `rate` and its like go by what samples say of when their counter began.
    pub use_start_timestamps: bool,
}

/// A switch of [`Features`].
type Switch = fn(&mut Features) -> &mut bool;

const SWITCHES: [(&str, Switch); 6] = [
    ("promql-experimental-functions", |features| &mut features.experimental_functions),
    ("promql-duration-expr", |features| &mut features.duration_expressions),
    ("promql-extended-range-selectors", |features| &mut features.extended_ranges),
    ("promql-binop-fill-modifiers", |features| &mut features.fill_modifiers),
    ("promql-delayed-name-removal", |features| &mut features.delayed_name_removal),
    ("use-start-timestamps", |features| &mut features.use_start_timestamps),
];

impl Features {
    /// None of them.
    pub const STABLE: Features = Features {
        experimental_functions: false,
        duration_expressions: false,
        extended_ranges: false,
        fill_modifiers: false,
        delayed_name_removal: false,
        use_start_timestamps: false,
    };

    /// Those that Prometheus' `--enable-feature` names so, and no others.
    ///
    /// # Errors
    /// When there is none of a name.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut features = Features::STABLE;
        for name in names {
            let Some((_, switch)) = SWITCHES.iter().find(|(known, _)| *known == name) else {
                let known = SWITCHES.map(|(known, _)| known).join(", ");
                return Err(format!("no feature is named {name:?}: there are {known}"));
            };
            *switch(&mut features) = true;
        }
        Ok(features)
    }

    /// Their names.
    pub fn names(mut self) -> impl Iterator<Item = &'static str> {
        SWITCHES.into_iter().filter(move |(_, switch)| *switch(&mut self)).map(|(name, _)| name)
    }
}

/// All that adds to the language, and nothing that changes the answer of a stable query.
impl Default for Features {
    fn default() -> Self {
        Features {
            experimental_functions: true,
            duration_expressions: true,
            extended_ranges: true,
            fill_modifiers: true,
            delayed_name_removal: false,
            use_start_timestamps: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_with;

    #[test]
    fn each_feature_is_behind_its_name() {
        for (name, query) in [
            ("promql-experimental-functions", "sort_by_label(up, \"a\")"),
            ("promql-experimental-functions", "limitk(1, up)"),
            ("promql-duration-expr", "rate(up[1m * 2])"),
            ("promql-extended-range-selectors", "rate(up[1m] anchored)"),
            ("promql-extended-range-selectors", "rate(up[1m] smoothed)"),
            ("promql-binop-fill-modifiers", "up + fill(0) up"),
        ] {
            let others = Features::default().names().filter(|other| *other != name);
            let error = parse_with(query, Features::named(others).unwrap()).unwrap_err().to_string();
            assert!(error.contains("enabled"), "{query}: {error}");
            assert!(parse_with(query, Features::named([name]).unwrap()).is_ok(), "{query}");
            assert!(crate::parse(query).is_ok(), "{query}");
        }
        let error = Features::named(["promql-magic"]).unwrap_err();
        assert!(error.contains("\"promql-magic\"") && error.contains("promql-duration-expr"), "{error}");
        assert_eq!(Features::named(Features::default().names()), Ok(Features::default()));
    }
}
