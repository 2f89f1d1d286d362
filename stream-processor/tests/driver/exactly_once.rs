//! The same topic gives the same bytes on the output topics, whatever the batching and whatever was killed.

use std::{sync::Arc, time::Duration};

use bus::{Config, Consumer, ConsumerBuilder, Offsets, Start, TransactionalProducer};
use event::{Alert, AlertState, Codec, Event, Labels, Sample, SampleBatch, Series, Tick};
use rdkafka::{
    ClientConfig,
    producer::{BaseProducer, BaseRecord, Producer as _},
};
use stream_processor::{
    InForce,
    job::Job,
    session::{Environment, Session},
};
use tokio::{runtime::Handle, task::block_in_place};
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, PATIENCE, topics};

const RULES: &str = r#"
groups:
  - name: g
    interval: 10s
    rules:
      - {record: total, expr: "sum by (h) (rate(c[40s])) or sum by (h) (x)"}
      - {record: clock, expr: time()}
      - {alert: High, expr: "x > 5", for: 20s, keep_firing_for: 20s, annotations: {v: "{{ $value }}"}}
      - {alert: Gone, expr: "absent(x{h='2'})", for: 30s}
      - {alert: Chained, expr: "avg_over_time(total[1m]) > 3"}
"#;
const WINDOWS: &str = "windows: [{name: x, select: x, window: 20s, functions: [avg, count], by: [h]}]";

const PARTITIONS: i32 = 3;
const PACE_MS: i64 = 15_000;
const LATENESS_MS: i64 = 5_000;
/// Longer than any rule looks back, with some to spare for reading back.
const SPAN_MS: i64 = 45 * 60_000;

/// A reproducible sequence of numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// A record of the metrics topic: partition, when it was written, content.
struct Input(i32, i64, Event);

fn batch(source: &str, host: i32, time_ms: i64, value: f64) -> Event {
    let series = |name: &str, value: f64| Series {
        labels: Labels::from([("__name__", name), ("h", &host.to_string())]),
        samples: vec![Sample { timestamp_ms: time_ms, value }],
    };
    Event::Samples(SampleBatch {
        source: source.into(),
        position: time_ms as u64,
        series: vec![series("x", value), series("c", value * (time_ms % 3_600_000) as f64 / 1e3)],
        ..SampleBatch::default()
    })
}

/// Samples that are late, that come again at once and after longer than any rule looks back, silence, and ticks.
fn inputs(begin: i64) -> Vec<Input> {
    let mut random = Random(7);
    let once = |host, time_ms| Input(host, time_ms, batch("once", 20, time_ms, 9.0));
    let mut all: Vec<Input> =
        (0..PARTITIONS).flat_map(|host| [once(host, begin), once(host, begin + 1_000)]).collect();
    for at in (begin..begin + SPAN_MS).step_by(PACE_MS as usize) {
        for host in 0..PARTITIONS {
            let written = at + random.below(3_000) as i64;
            let source = format!("s{host}");
            let value = random.below(10) as f64;
            match random.below(12) {
                0 => all.push(Input(host, written, Event::Tick(Tick { timestamp_ms: at }))),
                1 => all.push(Input(
                    host,
                    written,
                    batch(&format!("late{host}"), host + 10, at - 90_000, value),
                )),
                2 => all.push(Input(host, written, batch("once", 20, begin, 9.0))),
                // Host 2 says nothing for some minutes.
                _ if host == 2 && (at - begin) / 600_000 == 2 => {}
                kind => {
                    all.push(Input(host, written, batch(&source, host, at, value)));
                    if kind == 3 {
                        all.push(Input(host, written, batch(&source, host, at, value)));
                    }
                }
            }
        }
    }
    let end = begin + SPAN_MS;
    all.extend((0..PARTITIONS).map(|p| Input(p, end, Event::Tick(Tick { timestamp_ms: end }))));
    all
}

fn write(bus: &Config, inputs: &[Input]) {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", &bus.brokers).set("enable.idempotence", "true");
    let producer: BaseProducer = client.create().unwrap();
    for Input(partition, written, event) in inputs {
        for value in event::encode(event, Codec::Batch) {
            let record = BaseRecord::<(), [u8]>::to(&bus.topics.metrics).payload(value.as_slice());
            producer.send(record.partition(*partition).timestamp(*written)).map_err(|(e, _)| e).unwrap();
        }
    }
    producer.flush(PATIENCE).unwrap();
}

/// When a run is killed.
#[derive(Clone, Copy)]
enum Kill {
    Never,
    /// After reading, before anything is written.
    BeforeWriting,
    /// So long after it has begun to write.
    WhileWriting(Duration),
}

impl Kill {
    fn pick(random: &mut Random) -> Kill {
        match random.below(12) {
            0 => Kill::BeforeWriting,
            1 | 2 => Kill::WhileWriting(Duration::from_millis(random.below(10))),
            _ => Kill::Never,
        }
    }
}

/// One turn of a session; `false` if it was killed.
fn turn(session: &mut Session, records: usize, kill: Kill, stop: &CancellationToken) -> bool {
    session.read(Duration::from_millis(50), records).unwrap();
    match kill {
        Kill::Never => return session.write().unwrap(),
        Kill::BeforeWriting => return false,
        Kill::WhileWriting(time) => drop(Handle::current().spawn({
            let stop = stop.clone();
            async move {
                tokio::time::sleep(time).await;
                stop.cancel();
            }
        })),
    }
    let _ = session.write().unwrap();
    false
}

/// Partition, key and content of a record.
type Content = (i32, Vec<u8>, Vec<u8>);

/// Everything that readers see in a topic.
fn contents(bus: &Config, topic: &str) -> Vec<Content> {
    let builder = ConsumerBuilder { config: bus, group: "contents", topics: &[topic], queue_kib: 4096 };
    let (consumer, from) = (Consumer::open(&builder).unwrap(), Offsets::default());
    let ends = consumer.ends(PATIENCE).unwrap();
    consumer.start(&from, Start::Earliest).unwrap();
    let mut all = Vec::new();
    while !consumer.has_read(&from, &ends).unwrap() {
        let records = consumer.poll(Duration::from_millis(20), 1_000).unwrap().into_iter();
        all.extend(records.map(|r| (r.partition, r.key.to_vec(), r.value.to_vec())));
    }
    all
}

/// What a run has given: derived series and alerts.
#[derive(PartialEq)]
struct Outputs([Vec<Content>; 2]);

impl Outputs {
    /// Once the transactions of `id` are over.
    fn of(bus: &Config, id: &str) -> Outputs {
        TransactionalProducer::open(bus, id, Handle::current(), CancellationToken::new()).unwrap();
        Outputs([&bus.topics.derived, &bus.topics.alerts].map(|topic| contents(bus, topic)))
    }
}

struct Replay<'a> {
    bench: &'a Bench,
    end_ms: i64,
}

impl Replay<'_> {
    /// Runs the job as a group of its own over the input, with output topics of its own; gives how often it was
    /// killed, too.
    async fn run(
        &self,
        name: &str,
        mut sizes: impl FnMut() -> usize,
        mut kill: impl FnMut() -> Kill,
    ) -> (Outputs, u32) {
        let metrics = self.bench.bus.topics.metrics.clone();
        let bus = Config {
            topics: bus::Topics { metrics, ..topics(name) },
            partitions: PARTITIONS,
            ..self.bench.bus.clone()
        };
        bus::admin::create_topics(&bus).await.unwrap();
        let mut config = self.bench.config.clone();
        (config.group, config.tick_after) = (name.into(), config::Duration::from_secs(3_600));
        config.lateness = config::Duration::from_secs(LATENESS_MS as u64 / 1_000);
        let rules = Arc::new(InForce::load(&config).unwrap());
        block_in_place(|| {
            let mut kills = 0;
            loop {
                let shutdown = CancellationToken::new();
                let (runtime, rules) = (Handle::current(), rules.clone());
                let environment = Environment {
                    bus: bus.clone(),
                    config: config.clone(),
                    rules,
                    shard: 0,
                    runtime,
                    shutdown: shutdown.clone(),
                };
                let mut session = Session::open(&environment).unwrap().unwrap();
                while turn(&mut session, sizes(), kill(), &shutdown) {
                    if session.job().engine().watermark() == Some(self.end_ms - LATENESS_MS) {
                        let id = session.job().transactional_id();
                        return (Outputs::of(&bus, &id), kills);
                    }
                }
                kills += 1;
            }
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_topic_gives_the_same_bytes_whatever_the_batching_and_whatever_was_killed() {
    let mut bench = Bench::new("same").await;
    bench.bus.topics = topics("same-input");
    bench.bus.partitions = PARTITIONS;
    bus::admin::create_topics(&bench.bus).await.unwrap();
    bench.write_rules(RULES, WINDOWS);
    let begin = jiff::Timestamp::now().as_millisecond() / 60_000 * 60_000 - SPAN_MS - 60_000;
    write(&bench.bus, &inputs(begin));
    let replay = Replay { bench: &bench, end_ms: begin + SPAN_MS };

    let (expected, _) = replay.run("whole", || 100_000, || Kill::Never).await;
    let states: Vec<AlertState> =
        expected.0[1].iter().map(|(_, _, value)| Alert::from_json(value).unwrap().state).collect();
    assert!(states.contains(&AlertState::Firing) && states.contains(&AlertState::Resolved), "{states:?}");

    let mut random = Random(11);
    let (in_pieces, _) = replay.run("pieces", || 1 + random.below(40) as usize, || Kill::Never).await;
    same(&in_pieces, &expected);
    let mut all_kills = 0;
    for seed in 0..2 {
        let (mut random, mut dice) = (Random(seed), Random(1 << (seed + 40)));
        let sizes = || 1 + random.below(60) as usize;
        let (killed, kills) = replay.run(&format!("killed{seed}"), sizes, || Kill::pick(&mut dice)).await;
        same(&killed, &expected);
        all_kills += kills;
    }
    assert!(all_kills > 0);
}

fn same(given: &Outputs, expected: &Outputs) {
    for (given, expected) in given.0.iter().zip(&expected.0) {
        let differs = given.iter().zip(expected).position(|(a, b)| a != b);
        let text = |all: &[Content]| {
            differs
                .and_then(|at| all.get(at))
                .map(|(_, _, value)| String::from_utf8_lossy(value).into_owned())
        };
        assert_eq!(text(given), text(expected), "record {differs:?}");
        assert_eq!(given.len(), expected.len());
    }
}
