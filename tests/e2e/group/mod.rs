//! Several instances of the index share one store: each answers everything, and whoever writes a part of it may go.

#[cfg(feature = "faults")]
mod faults;
mod store;

use rdkafka::{
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
};
use serde_json::Value;

use crate::{
    answers::get,
    harness::{run, text},
};
use store::{Group, SHARDS, post, shared, url, wait_for_lines};

#[tokio::test(flavor = "multi_thread")]
async fn instances_share_a_store_and_nothing_is_lost_when_they_come_and_go() {
    come_and_go(Group::new().await, true).await;
}

#[cfg(feature = "peers")]
#[tokio::test(flavor = "multi_thread")]
async fn instances_share_a_bucket_and_nothing_is_lost_when_they_come_and_go() {
    let server = test_support::bucket::Server::start();
    let s3 = format!(
        "s3: {{endpoint: \"{}\", region: us-east-1, access_key_id: test, secret_access_key: test}}",
        server.endpoint()
    );
    come_and_go(Group::with(&format!("storage: \"s3://logs/group\", {s3}")).await, false).await;
    let access = [
        ("AWS_ENDPOINT", server.endpoint()),
        ("AWS_REGION", "us-east-1".into()),
        ("AWS_ACCESS_KEY_ID", "test".into()),
        ("AWS_SECRET_ACCESS_KEY", "test".into()),
    ];
    let mut check = crate::harness::tailrace(&["index", "check", "s3://logs/group"]);
    let checked = check.envs(access).output().unwrap();
    assert!(text(&checked).starts_with("all is well: "), "{}", text(&checked));
}

async fn come_and_go(mut group: Group, in_folder: bool) {
    let (first, mut second, third) = (group.instance("a"), group.instance("b"), group.instance("c"));
    shared(&[&first, &second, &third], 1).await;
    group.write(100).await;
    for instance in [&first, &second, &third] {
        group.check(instance).await;
    }
    post(&second, "/flush", &[]).await;
    if in_folder {
        group.check_storage();
    }
    group.write(50).await;
    for instance in [&first, &second, &third] {
        group.check(instance).await;
    }

    second.kill();
    group.write(50).await;
    group.check(&first).await;
    shared(&[&first, &third], 1).await;
    post(&first, "/flush", &[]).await;
    group.check(&third).await;

    third.signal("STOP");
    group.write(50).await;
    shared(&[&first], SHARDS).await;
    post(&first, "/flush", &[]).await;
    third.signal("CONT");
    group.write(50).await;
    shared(&[&first, &third], 1).await;
    post(&third, "/flush", &[]).await;
    for instance in [&first, &third] {
        group.check(instance).await;
    }

    let fourth = group.instance("d");
    shared(&[&first, &third, &fourth], 1).await;
    group.write(50).await;
    post(&fourth, "/flush", &[("merge", "true")]).await;
    for instance in [&first, &third, &fourth] {
        group.check(instance).await;
    }
    if in_folder {
        let store = group.dir.path().join("shared");
        let checked = text(&run(&["index", "check", store.to_str().unwrap()]));
        assert!(checked.starts_with("all is well: "), "{checked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_at_one_instance_hides_the_lines_in_all_shards() {
    let mut group = Group::new().await;
    let (first, second) = (group.instance("a"), group.instance("b"));
    shared(&[&first, &second], 1).await;
    group.write(40).await;
    let query = [("query", "{job=\"group\"} |= \"3;\""), ("start", "0")];
    post(&first, "/loki/api/v1/delete", &query).await;
    group.written.retain(|number| number % 10 != 3);
    let matched = |answer: &Value| answer[0]["matched_entries"].as_u64();
    let receipts = get(&url(&first, "/loki/api/v1/delete"), &[]).await;
    assert_eq!((receipts.as_array().unwrap().len(), matched(&receipts)), (1, Some(4)));
    for instance in [&first, &second] {
        wait_for_lines(instance, &group.written).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_has_lost_its_topics_goes_on_with_what_is_in_the_storage() {
    let mut group = Group::new().await;
    let mut first = group.instance("a");
    shared(&[&first], SHARDS).await;
    group.write(40).await;
    post(&first, "/flush", &[]).await;
    first.kill();
    let client = test_support::client::client(&group.bus.brokers, &[]);
    let admin: AdminClient<DefaultClientContext> = client.create().unwrap();
    let topics = ["shards", "requests"].map(|topic| format!("{}-{topic}", group.name));
    let deleted = admin.delete_topics(&topics.each_ref().map(String::as_str), &AdminOptions::new()).await;
    assert!(deleted.unwrap().iter().all(Result::is_ok));

    let second = group.instance("b");
    shared(&[&second], SHARDS).await;
    group.write(40).await;
    post(&second, "/flush", &[]).await;
    group.check(&second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_without_a_common_storage_is_refused_with_the_remedy() {
    let group = Group::new().await;
    let config = group.dir.path().join("index.yaml");
    let data = format!("data_dir={}/x", group.dir.path().display());
    let config = config.to_str().unwrap();
    let refused = run(&["index", "--config", config, "--set", &data, "--set", "index.storage=null"]);
    let said = text(&refused);
    assert!(!refused.status.success() && said.contains("set index.storage to s3://"), "{said}");
}
