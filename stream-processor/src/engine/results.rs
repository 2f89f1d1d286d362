//! What the result of a rule becomes: series, or alerts and their series. Both are in the store at once, for the rules
//! behind it.

use event::{Alert, Labels, Sample, widest_label};

use super::{
    alert::ActiveAlerts,
    alert_step::AlertStep,
    answer::answer,
    evaluator::Evaluator,
    evidence::Behind,
    line_store::LinesUntil,
    program::{AlertSpec, Group, Program, Rule},
    recording::{Point, name_results},
    step::Place,
};

impl Evaluator {
    /// The transitions; with an error also those to the end of all alerts.
    pub(super) fn alert(
        &mut self,
        program: &Program,
        place: Place,
        spec: &AlertSpec,
        results: Vec<(Labels, Point)>,
    ) -> (Vec<Alert>, Result<(), String>) {
        let group = &program.groups[place.group];
        let widest = if group.exceeds_limit(&results) { widest(&results) } else { String::new() };
        let (transitions, outcome) = self.move_alerts(group, place, spec, results);
        let outcome = outcome.map_err(|error| error + &widest);
        if outcome.is_ok() {
            let series = self.states.groups[place.group].rules[place.rule].alerts.series();
            self.publish(program, place, &series);
        }
        (transitions, outcome)
    }

    fn move_alerts(
        &mut self,
        group: &Group,
        place: Place,
        spec: &AlertSpec,
        results: Vec<(Labels, Point)>,
    ) -> (Vec<Alert>, Result<(), String>) {
        let (rule, external) = (&group.rules[place.rule], &self.setup.external);
        let series = place.sees(&self.store);
        let lines = LinesUntil { store: &self.lines, end_ms: place.time_ms };
        let (step_ms, silence) = (place.step_ms, self.setup.silence);
        let step = AlertStep {
            group,
            rule,
            spec,
            external,
            step_ms,
            run: &|query| answer(query, &series, place.time_ms),
            behind: &Behind::new(rule, &series, &lines, place.time_ms, &self.setup),
            silence,
        };
        let numbers = results.into_iter().map(|(labels, point)| (labels, point.number())).collect();
        let alerts = &mut self.states.groups[place.group].rules[place.rule].alerts;
        if place.relives { alerts.relive(&step, numbers) } else { alerts.advance(&step, numbers) }
    }

    pub(super) fn record(
        &mut self,
        program: &Program,
        place: Place,
        labels: &[(String, String)],
        results: Vec<(Labels, Point)>,
    ) -> Result<(), String> {
        let group = &program.groups[place.group];
        let named = name_results(&group.rules[place.rule].name, labels, results)?;
        if group.exceeds_limit(&named) {
            let (limit, count) = (group.limit, named.len());
            return Err(format!("exceeded limit of {limit} with {count} series{}", widest(&named)));
        }
        self.publish(program, place, &named);
        Ok(())
    }

    /// The results go into the store at once, and so does the end of series: the rules behind this one see both.
    fn publish(&mut self, program: &Program, place: Place, results: &[(Labels, Point)]) {
        let publisher = &mut self.states.groups[place.group].publisher;
        publisher.add(results);
        for (labels, point) in results {
            self.store.insert_point(labels, place.time_ms, point);
        }
        let rules = &program.groups[place.group].rules;
        let rule = &rules[place.rule];
        if !rules[place.rule + 1..].iter().any(|later| later.shares_series_with(rule)) {
            for labels in publisher.ended(|labels| rule.gives(labels)) {
                let ended = Point::Number(f64::from_bits(Sample::STALE_BITS));
                self.store.insert_point(labels, place.time_ms, &ended);
            }
        }
    }
}

impl Group {
    fn exceeds_limit<T>(&self, results: &[T]) -> bool {
        self.limit > 0 && results.len() > self.limit
    }
}

impl Rule {
    /// Whether a series may be one that this rule gives.
    pub(super) fn gives(&self, labels: &Labels) -> bool {
        match self.alert() {
            None => labels.metric_name() == self.name,
            Some(_) => {
                ActiveAlerts::SERIES.contains(&labels.metric_name())
                    && labels.get("alertname") == Some(&self.name)
            }
        }
    }

    fn shares_series_with(&self, other: &Rule) -> bool {
        self.name == other.name && self.alert().is_some() == other.alert().is_some()
    }
}

/// The label to look at when there are too many of `results`.
fn widest<T>(results: &[(Labels, T)]) -> String {
    let label = widest_label(results.iter().map(|(labels, _)| labels.iter()));
    label.map_or_else(String::new, |(label, values)| {
        format!("; label `{label}` has the most values ({values})")
    })
}
