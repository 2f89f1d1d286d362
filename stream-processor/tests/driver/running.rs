//! The driver at work.

use bus::{Consumer, ConsumerBuilder};
use event::{AlertState, Event, Labels};
use jiff::Timestamp;
use stream_processor::{Config, Reloaded, Running, run_rules};
use tempfile::TempDir;
use test_support::port;
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, PATIENCE, wait};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_doubles_no_transition_and_loses_none() {
    let bench = Bench::new("doubles").await;
    let begin = Timestamp::now().as_second() * 1_000 - 20_000;
    for second in 0..10 {
        bench.send(begin + second * 1_000, 6.0).await;
    }
    let running = bench.run();
    assert_eq!(bench.states(AlertState::Firing), [AlertState::Pending, AlertState::Firing]);
    running.stop().await;
    bench.forget_commits_behind(begin + 1_000);

    let running = bench.run();
    bench.send(Timestamp::now().as_millisecond(), 1.0).await;
    let expected = [AlertState::Pending, AlertState::Firing, AlertState::Resolved];
    assert_eq!(bench.states(AlertState::Resolved), expected);
    running.stop().await;

    let derived = bench.read(&bench.bus.topics.derived, |records| !records.is_empty());
    let Ok(Event::Samples(first)) = event::decode(&derived[0].value) else { panic!("not samples") };
    assert_eq!((first.source.as_str(), first.position), ("rules/g", begin as u64));
    let doubled = Labels::from([("__name__", "doubled"), ("host", "a")]);
    assert!(first.series.iter().any(|series| series.labels == doubled));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_holds_up_nothing_and_is_left_to_the_index() {
    let bench = Bench::new("dead").await;
    bench.send_value(b"T\x01garbage".to_vec()).await;
    bench.send(Timestamp::now().as_millisecond(), 6.0).await;
    let running = bench.run();
    bench.states(AlertState::Firing);
    running.stop().await;

    let running = bench.run();
    bench.send(Timestamp::now().as_millisecond(), 1.0).await;
    bench.states(AlertState::Resolved);
    running.stop().await;
    // All that this processor writes is in transactions, and the last of them is there: nothing comes any more.
    let letters = [bench.bus.topics.dead_letter.as_str()];
    let builder = ConsumerBuilder { config: &bench.bus, group: "test", topics: &letters, queue_kib: 1024 };
    let ends = Consumer::open(&builder).unwrap().ends(PATIENCE).unwrap();
    assert_eq!(ends.get(letters[0], 0), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_is_waited_for() {
    let mut bench = Bench::without_broker("away");
    let address = format!("127.0.0.1:{}", port::free());
    bench.start_broker(&address).await;
    let running = bench.run();
    wait("connected", || running.status().connected).await;
    bench.broker.take().unwrap().stop().await;
    bench.start_broker(&address).await;
    bench.send(Timestamp::now().as_millisecond(), 6.0).await;
    bench.states(AlertState::Firing);
    wait("firing", || running.status().firing == 1).await;
    let status = running.status();
    assert_eq!((status.rules, status.connected), (2, true));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_rules_take_over_and_the_alerts_of_those_that_stay_go_on() {
    let rules = |more: &str| {
        let stays = "{alert: High, expr: x > 5, for: 1h}";
        format!("groups: [{{name: g, interval: 1s, rules: [{stays}{more}]}}]")
    };
    let bench = Bench::new("reload").await;
    bench.write_rules(&rules(""), "windows: []");
    bench.send(Timestamp::now().as_millisecond(), 6.0).await;
    let running = bench.run();
    bench.states(AlertState::Pending);
    let active_at = |running: &Running| {
        let groups = running.groups();
        let alert = groups.first()?.rules.first()?.alert.clone()?;
        Some(alert.active.first()?.active_at_ms)
    };
    wait("a pending alert", || active_at(&running).is_some()).await;
    let since = active_at(&running);

    bench.write_rules(&rules(", {alert: Wrong, expr: 'x >'}"), "windows: []");
    assert!(running.reload().is_err_and(|error| error.to_string().contains("rules.yml:1")));
    bench.write_rules(&rules(", {alert: New, expr: x > 5}"), "windows: []");
    assert_eq!(running.reload().unwrap(), Reloaded::Changed);
    let states = bench.states(AlertState::Firing);
    assert_eq!(states, [AlertState::Pending, AlertState::Firing], "High has begun only once");
    wait("the alert again", || active_at(&running).is_some()).await;
    assert_eq!(active_at(&running), since);
    assert_eq!(running.status().rules, 2);
    running.stop().await;
}

#[tokio::test]
async fn a_wrong_rule_file_is_an_error_at_the_start() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bad.yml");
    std::fs::write(&path, "groups: [{name: g, rules: [{alert: A, expr: 'up =='}]}]").unwrap();
    let config = Config { rules: Some(vec![path.to_string_lossy().into_owned()]), ..Config::default() };
    let error = run_rules(&bus::Config::default(), &config, CancellationToken::new()).err().unwrap();
    assert!(error.to_string().contains("bad.yml:1:"), "{error}");
}
