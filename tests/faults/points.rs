//! Every named point once: the process is killed there, and started again.

use std::time::Instant;

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

/// Points that are passed only once in a while.
const RARE: [&str; 11] = [
    "push.",
    "index.delete.",
    "index.retain.",
    "index.segment.",
    "broker.log.before-roll",
    "broker.log.after-roll",
    "broker.log.before-start",
    "broker.log.after-start",
    "broker.log.after-delete",
    "broker.journal.before-rename",
    "broker.journal.after-rename",
];

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

async fn each_point(layout: Layout, seed: &Seed) {
    let mut rng = seed.rng();
    let mut site = Site::start(layout, &mut rng).await;
    let load = Load::start(&site, &mut rng);
    verify::settled(&site, &load, &load.next_round()).await;
    let mut points: Vec<_> = of(layout).collect();
    rng.shuffle(&mut points);
    for (role, point) in points {
        let begin = Instant::now();
        let strike = Strike::At(role, with_pass(point, &mut rng));
        verify::strike(&mut site, &load, &strike).await;
        println!("{strike:?}: all well after {:.1?}", begin.elapsed());
    }
}

/// The points that the load leads past often enough, and who passes them.
pub fn of(layout: Layout) -> impl Iterator<Item = (Role, &'static str)> {
    let is_rare = |point: &str| RARE.iter().any(|rare| point.starts_with(rare));
    let common = fault::POINTS.iter().copied().filter(move |point| !is_rare(point));
    common.filter_map(move |point| Some((layout.role_at(point)?, point)))
}

/// A point, and how often a process may pass it before it is killed there.
pub fn with_pass(point: &str, rng: &mut Rng) -> String {
    let most = if BUSY.iter().any(|busy| point.starts_with(busy)) { 20 } else { 2 };
    format!("{point}:{}", rng.u32(1..=most))
}
