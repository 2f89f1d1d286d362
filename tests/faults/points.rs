//! Every named point once: the process is killed there, and started again.

use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::{
    layout::{Layout, Role},
    load::Load,
    seed::Seed,
    site::Site,
    strike::Strike,
    verify,
};

/// Points that are passed for every record or batch.
const BUSY: [&str; 7] = [
    "shipper.publisher.",
    "shipper.spool.before-write",
    "shipper.spool.after-write",
    "broker.answer.",
    "broker.log.before-write",
    "broker.log.after-write",
    "broker.log.after-fsync",
];

/// Kills between two looks at everything: all of it is counted, so that nothing stays unseen that one of them does.
const AT_ONCE: usize = 4;

/// Points that are passed only when the first data is too old.
const LATE: &str = "index.retain.";
/// A round in which nothing is killed.
const ROUND: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_point_of_the_one_process_loses_and_doubles_nothing() {
    let seed = Seed::new("a_kill_at_any_point_of_the_one_process_loses_and_doubles_nothing");
    each_point(Layout::Together, &seed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_point_of_a_service_loses_and_doubles_nothing() {
    let seed = Seed::new("a_kill_at_any_point_of_a_service_loses_and_doubles_nothing");
    each_point(Layout::Apart, &seed).await;
}

/// Those of the index are other ones there.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_point_of_an_index_in_a_bucket_loses_and_doubles_nothing() {
    let seed = Seed::new("a_kill_at_any_point_of_an_index_in_a_bucket_loses_and_doubles_nothing");
    each_point(Layout::InBucket, &seed).await;
}

async fn each_point(layout: Layout, seed: &Seed) {
    let mut rng = seed.rng();
    let mut site = Site::start(layout, &mut rng).await;
    let load = Load::start(&site, &mut rng).await;
    verify::settled(&site, &load, &load.next_round()).await;
    let mut points: Vec<_> = of(layout).collect();
    rng.shuffle(&mut points);
    points.sort_by_key(|(_, point)| point.starts_with(LATE));
    for points in points.chunks(AT_ONCE) {
        let is_late = points.iter().any(|(_, point)| point.starts_with(LATE));
        // In rounds: none may last for as long as retention.
        while is_late && Instant::now() < site.old_at() {
            tokio::time::sleep(ROUND).await;
            verify::settled(&site, &load, &load.next_round()).await;
        }
        let begin = Instant::now();
        let strike = Strike::At(points.iter().map(|(role, at)| (*role, with_pass(at, &mut rng))).collect());
        verify::strike(&mut site, &load, &strike).await;
        println!("{strike:?}: all well after {:.1?}", begin.elapsed());
    }
}

/// All points, and who passes them; with a bucket only those of the index, since the others know nothing of it. Those of
/// a group are for `e2e`.
fn of(layout: Layout) -> impl Iterator<Item = (Role, &'static str)> {
    let alone = fault::POINTS.iter().copied().filter(|point| !point.starts_with("index.group."));
    let points = alone.filter(move |point| {
        if layout.has_bucket() {
            point.starts_with("index.") && !point.starts_with("index.storage.")
        } else {
            !point.starts_with("index.bucket.")
        }
    });
    points.filter_map(move |point| Some((layout.role_at(point)?, point)))
}

/// Those that the load leads past soon.
pub fn soon(site: &Site) -> Vec<(Role, &'static str)> {
    of(site.layout).filter(|(_, point)| site.old_at() < Instant::now() || !point.starts_with(LATE)).collect()
}

/// A point, and how often a process may pass it before it is killed there.
pub fn with_pass(point: &str, rng: &mut Rng) -> String {
    let most = if BUSY.iter().any(|busy| point.starts_with(busy)) { 20 } else { 2 };
    format!("{point}:{}", rng.u32(1..=most))
}
