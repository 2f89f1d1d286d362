//! An instance of a group is killed at every step of the way from a segment to what the whole group knows of it.

use std::{
    os::unix::process::ExitStatusExt,
    process::{Child, Stdio},
    time::Instant,
};

use super::store::{Group, SHARDS, shared, url};
use crate::{
    basics::{PATIENCE, PAUSE, client},
    harness::{Service, tailrace},
};

/// Passes of a point after the claims of an instance's shards: those of its seals.
const LATER: u64 = SHARDS / 2 + 1;

/// The points, and at which pass. The last ones stand between a segment's upload and the entry, and behind it.
const POINTS: [(&str, u64); 11] = [
    ("index.group.after-fence", 1),
    ("index.group.after-claim", 1),
    ("index.group.before-adopt", 1),
    ("index.group.after-adopt", LATER),
    ("index.group.before-entry", 1),
    ("index.group.before-entry", LATER),
    ("index.group.after-entry", 1),
    ("index.group.after-entry", LATER),
    ("index.seal.after-put", 1),
    ("index.catalog.before-commit", LATER),
    ("index.seal.after-commit", 1),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_at_any_point_of_a_group_loses_and_doubles_nothing() {
    let listed = fault::POINTS.iter().filter(|point| point.starts_with("index.group."));
    assert!(listed.clone().all(|point| POINTS.iter().any(|(name, _)| name == point)));
    let mut group = Group::new().await;
    let survivor = group.instance("a");
    shared(&[&survivor], SHARDS).await;
    for (point, pass) in POINTS {
        let mut victim = Victim::start(&group, &format!("{point}:{pass}"));
        fall(&mut victim, &mut group, &survivor).await;
        group.write(10).await;
        flush(&survivor).await;
        group.check(&survivor).await;
        let again = group.instance("b");
        shared(&[&survivor, &again], 1).await;
        flush(&survivor).await;
        group.check(&again).await;
    }
}

/// An instance that ends at a fault point.
struct Victim {
    fault: String,
    child: Child,
}

impl Victim {
    fn start(group: &Group, fault: &str) -> Victim {
        let args = group.args("b");
        let mut command = tailrace(&args.each_ref().map(String::as_str));
        command.env(fault::VARIABLE, fault).stdin(Stdio::null()).stdout(Stdio::null());
        Victim { fault: fault.to_owned(), child: command.spawn().unwrap() }
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lines come and are sealed until the victim has ended at its point.
async fn fall(victim: &mut Victim, group: &mut Group, survivor: &Service) {
    let begin = Instant::now();
    loop {
        if let Some(ended) = victim.child.try_wait().unwrap() {
            assert_eq!(ended.signal(), Some(9), "it ended by itself before {}", victim.fault);
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "it does not pass {}", victim.fault);
        group.write(10).await;
        flush(survivor).await;
    }
}

/// While shards go from one to the other it may have to be asked again.
async fn flush(instance: &Service) {
    let begin = Instant::now();
    while !client().post(url(instance, "/flush")).send().await.unwrap().status().is_success() {
        assert!(begin.elapsed() < 2 * PATIENCE, "what is in memory is not sealed");
        tokio::time::sleep(PAUSE).await;
    }
}
