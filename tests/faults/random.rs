//! Random faults for a given time, one after the other.

use std::time::{Duration, Instant};

use crate::{layout::Layout, load::Load, seed::Seed, site::Site, strike::Strike, verify};

/// How long each of these tests goes on; hours, if you like.
const SECONDS: &str = "TAILRACE_FAULT_SECONDS";
const DEFAULT_SECONDS: u64 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn random_faults_of_services_lose_and_double_nothing() {
    let seed = Seed::new("random_faults_of_services_lose_and_double_nothing");
    at_random(Layout::Apart, &seed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_faults_of_the_one_process_lose_and_double_nothing() {
    let seed = Seed::new("random_faults_of_the_one_process_lose_and_double_nothing");
    at_random(Layout::Together, &seed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn random_faults_on_kafka_lose_and_double_nothing() {
    let seed = Seed::new("random_faults_on_kafka_lose_and_double_nothing");
    at_random(Layout::OnKafka, &seed).await;
}

async fn at_random(layout: Layout, seed: &Seed) {
    let mut rng = seed.rng();
    let mut site = Site::start(layout, &mut rng).await;
    let load = Load::start(&site, &mut rng).await;
    // A file that comes and goes before the shipper has ever seen one of its name is none of its business.
    verify::settled(&site, &load, &load.next_round()).await;
    let (begin, duration) = (Instant::now(), duration());
    while begin.elapsed() < duration {
        let strike = Strike::pick(&site, &mut rng);
        println!("{:>7.1?} {strike:?}", begin.elapsed());
        verify::strike(&mut site, &load, &strike).await;
    }
}

fn duration() -> Duration {
    let given = std::env::var(SECONDS).ok().map(|text| text.parse().expect("a number of seconds"));
    Duration::from_secs(given.unwrap_or(DEFAULT_SECONDS))
}
