//! Random entries and samples, sealed, merged and reopened at random, against a list.

use std::collections::BTreeMap;

use event::{Event, Labels, LogBatch, LogEntry, MatchOp, Matcher, Sample, SampleBatch, Series};
use log_index::Kind;
use logql::Order;
use proptest::{collection::vec, prelude::*};

use crate::support::{Bench, Seen, scan};

#[derive(Clone, Debug)]
enum Step {
    Lines(usize, Vec<(i64, Vec<u8>, bool)>),
    Samples(usize, Vec<(i64, u64)>),
    Flush,
    Merge,
    Delete(Kind, usize, i64, i64),
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    let line = prop_oneof![
        8 => vec(any::<u8>(), 0..12),
        // A few of these fill a block.
        1 => (90_000..200_000_usize, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]),
    ];
    let time = prop_oneof![9 => -5..40_i64, 1 => any::<i64>()];
    prop_oneof![
        6 => (0..STREAMS.len(), vec((time.clone(), line, any::<bool>()), 0..8)).prop_map(|(s, l)| Step::Lines(s, l)),
        3 => (0..STREAMS.len(), vec((time, any::<u64>()), 0..8)).prop_map(|(s, v)| Step::Samples(s, v)),
        6 => Just(Step::Flush),
        2 => Just(Step::Merge),
        1 => (any::<bool>(), 0..DELETED.len(), -5..40_i64, 0..20_i64).prop_map(|(logs, query, start, length)| {
            let kind = if logs { Kind::Logs } else { Kind::Metrics };
            Step::Delete(kind, query, start, start + length)
        }),
        1 => Just(Step::Crash),
    ]
}

const STREAMS: [&[(&str, &str)]; 4] = [
    &[("job", "syslog"), ("host", "web1")],
    &[("job", "syslog"), ("host", "web2")],
    &[("job", "nginx"), ("zone", "z\u{fc}rich = \"1\"\n")],
    &[("jo", "b\u{ff}syslog")],
];

const DELETED: [&str; 3] = [r#"{job="syslog"}"#, r#"{job=~"s.*|n.*",host!~".*1"}"#, r#"{jo=~".+"}"#];

fn labels(stream: usize) -> Labels {
    STREAMS[stream].iter().copied().collect()
}

fn selectors() -> Vec<Vec<Matcher>> {
    let matcher = |name, op, value| Matcher::new(name, op, value).unwrap();
    vec![
        vec![],
        vec![matcher("job", MatchOp::Equal, "syslog")],
        vec![matcher("job", MatchOp::NotEqual, "syslog")],
        vec![matcher("job", MatchOp::Regex, "s.*|n.*"), matcher("host", MatchOp::NotRegex, ".*1")],
        vec![matcher("host", MatchOp::Equal, "")],
        vec![matcher("host", MatchOp::NotEqual, ""), matcher("zone", MatchOp::Equal, "")],
        vec![matcher("zone", MatchOp::Regex, "z.rich.*")],
        vec![matcher("jo", MatchOp::Regex, ".+")],
        vec![matcher("job", MatchOp::Equal, "nobody")],
    ]
}

#[derive(Default)]
struct Model {
    entries: Vec<Seen>,
    samples: BTreeMap<Labels, Vec<(i64, u64)>>,
}

impl Model {
    fn expected(&self, matchers: &[Matcher], span: std::ops::Range<i64>) -> Vec<Seen> {
        let fits = |seen: &&Seen| {
            span.contains(&seen.timestamp_ns) && matchers.iter().all(|m| m.matches_labels(&seen.labels))
        };
        let mut expected: Vec<Seen> = self.entries.iter().filter(fits).cloned().collect();
        expected.sort_by(|a, b| (a.timestamp_ns, &a.labels).cmp(&(b.timestamp_ns, &b.labels)));
        expected
    }

    fn expected_samples(&self, matchers: &[Matcher], start: i64, end: i64) -> Vec<(Labels, Vec<(i64, u64)>)> {
        let fits =
            self.samples.iter().filter(|(labels, _)| matchers.iter().all(|m| m.matches_labels(labels)));
        let within = fits.map(|(labels, samples)| {
            let mut samples: Vec<_> =
                samples.iter().filter(|s| s.0 >= start && s.0 <= end).copied().collect();
            samples.sort_by_key(|s| s.0);
            samples.dedup_by_key(|s| s.0);
            (labels.clone(), samples)
        });
        within.filter(|(_, samples)| !samples.is_empty()).collect()
    }
}

impl Model {
    fn delete(&mut self, kind: Kind, query: &str, start: i64, end: i64) {
        let matchers = logql::parse_selector(query).unwrap();
        let matching = |labels: &Labels| matchers.iter().all(|m| m.matches_labels(labels));
        let within = |time: i64| (start..=end).contains(&time);
        match kind {
            Kind::Logs => {
                self.entries.retain(|seen| !(matching(&seen.labels) && within(seen.timestamp_ns)));
            }
            Kind::Metrics => {
                for (_, samples) in self.samples.iter_mut().filter(|(labels, _)| matching(labels)) {
                    samples.retain(|sample| !within(sample.0));
                }
            }
        }
    }
}

fn run(bench: &mut Bench, model: &mut Model, step: Step) {
    match step {
        Step::Lines(stream, lines) => {
            let labels = labels(stream);
            let metadata = |wanted| match wanted {
                true => vec![("trace".to_owned(), "\u{0}7".to_owned())],
                false => Vec::new(),
            };
            let entry = |(timestamp_ns, line, wanted): (i64, Vec<u8>, bool)| LogEntry {
                timestamp_ns,
                line: line.into(),
                metadata: metadata(wanted),
                position: 0,
            };
            let entries: Vec<LogEntry> = lines.into_iter().map(entry).collect();
            model.entries.extend(entries.iter().map(|entry| Seen {
                timestamp_ns: entry.timestamp_ns,
                labels: labels.clone(),
                line: entry.line.to_vec(),
                metadata: entry.metadata.clone(),
            }));
            bench.send(&Event::Logs(LogBatch { source: String::new(), labels, entries }));
        }
        Step::Samples(stream, values) => {
            let labels = labels(stream);
            model.samples.entry(labels.clone()).or_default().extend(&values);
            let sample = |(timestamp_ms, bits)| Sample { timestamp_ms, value: f64::from_bits(bits) };
            let series = vec![Series { labels, samples: values.into_iter().map(sample).collect() }];
            bench.send(&Event::Samples(SampleBatch { series, ..SampleBatch::default() }));
        }
        Step::Flush => bench.index().flush().unwrap(),
        Step::Merge => bench.index().merge(&|| false).unwrap(),
        Step::Delete(kind, query, start, end) => {
            bench.index().delete(kind, DELETED[query], (start, end), 0).unwrap();
            model.delete(kind, DELETED[query], start, end);
        }
        Step::Crash => bench.crash(),
    }
}

fn check(bench: &Bench, model: &Model) {
    let snapshot = bench.index().snapshot();
    for matchers in selectors() {
        for (start, end) in [(i64::MIN, i64::MAX), (0, 20), (7, 8), (7, 7), (30, 2)] {
            let forward = model.expected(&matchers, start..end);
            let mut backward = forward.clone();
            backward.reverse();
            let mut by_content = forward.clone();
            by_content.sort();
            let mut unordered = scan(&snapshot, &matchers, start..end, Order::Unordered);
            unordered.sort();
            assert_eq!(scan(&snapshot, &matchers, start..end, Order::Forward), forward);
            assert_eq!(scan(&snapshot, &matchers, start..end, Order::Backward), backward);
            assert_eq!(unordered, by_content);
            let series =
                snapshot.select_samples(&matchers, start, end, &|_| false).unwrap().numbers.into_iter();
            let plain = |s: &Sample| (s.timestamp_ms, s.value.to_bits());
            let found: Vec<_> =
                series.map(|s| (s.labels, s.samples.iter().map(plain).collect::<Vec<_>>())).collect();
            assert_eq!(found, model.expected_samples(&matchers, start, end));
        }
    }
    assert_eq!(snapshot.notices(), Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_in_comes_out_once_and_in_order(steps in vec(step(), 1..40)) {
        let (mut bench, mut model) = (Bench::new(), Model::default());
        for step in steps {
            run(&mut bench, &mut model, step);
        }
        check(&bench, &model);
        bench.index().flush().unwrap();
        check(&bench, &model);
        bench.index().merge(&|| false).unwrap();
        check(&bench, &model);
        bench.crash();
        check(&bench, &model);
    }
}
