//! What can go wrong, and how it is done to a site.

use std::{ops::RangeInclusive, time::Duration};

use fastrand::Rng;

use crate::{layout::Role, points, site::Site};

/// Milliseconds for which something is away, frozen or full.
const SPAN: RangeInclusive<u64> = 100..=6_000;
/// Milliseconds until a killed process is started again; often at once.
const RESTART: RangeInclusive<u64> = 0..=2_000;

/// One fault.
#[derive(Clone, Debug)]
pub enum Strike {
    /// kill -9 to some processes at once, and a start after so long.
    Kill(Vec<Role>, Duration),
    /// SIGSTOP for so long.
    Freeze(Role, Duration),
    /// Frozen for so long, and then killed.
    FreezeAndKill(Role, Duration),
    /// kill -9 at named points, one after the other.
    At(Vec<(Role, String)>),
    /// No byte is free for so long.
    FillDisk(Duration),
    /// The same, and processes are started anew meanwhile.
    FillDiskAndKill(Vec<Role>, Duration),
    /// No connection to the broker for so long.
    Cut(Role, Duration),
    /// The broker does what the next request of this kind (Kafka's number) asks; its answer is lost.
    LoseAnswer(Role, i16),
    /// kill -9 to Apache Kafka, and a new start.
    CrashKafka,
}

/// Requests that change something: produce, offset commit, add partitions, add offsets and end of a transaction,
/// offset commit in one; and fetch.
const REQUESTS: [i16; 7] = [0, 1, 8, 24, 25, 26, 28];

impl Strike {
    /// Any of them.
    pub fn pick(site: &Site, rng: &mut Rng) -> Strike {
        let roles = site.layout.roles();
        let role = roles[rng.usize(..roles.len())];
        let count = rng.usize(1..=roles.len());
        let some = rng.choose_multiple(roles.iter().copied(), count);
        let span = Duration::from_millis(rng.u64(SPAN));
        match rng.u8(..9) {
            0 => Strike::Kill(some, Duration::from_millis(rng.u64(RESTART))),
            1 => Strike::Freeze(role, span),
            2 => Strike::FreezeAndKill(role, span),
            3 => Strike::FillDisk(span),
            4 => Strike::FillDiskAndKill(some, span),
            5 if role != Role::Broker => Strike::Cut(role, span),
            6 if role != Role::Broker => Strike::LoseAnswer(role, REQUESTS[rng.usize(..REQUESTS.len())]),
            7 if site.layout == crate::layout::Layout::OnKafka => Strike::CrashKafka,
            _ => Strike::at_any_point(site, rng),
        }
    }

    fn at_any_point(site: &Site, rng: &mut Rng) -> Strike {
        let points = points::soon(site);
        let (role, point) = points[rng.usize(..points.len())];
        Strike::At(vec![(role, points::with_pass(point, rng))])
    }

    /// Does it and undoes it: afterwards every process runs.
    pub async fn hit(&self, site: &mut Site) {
        match self {
            Strike::Kill(roles, pause) => {
                roles.iter().for_each(|role| site.kill(*role));
                tokio::time::sleep(*pause).await;
                roles.iter().for_each(|role| site.spawn(*role, None));
            }
            Strike::Freeze(role, span) => site.freeze(*role, *span).await,
            Strike::FreezeAndKill(role, span) => {
                site.freeze(*role, *span).await;
                site.restart(*role);
            }
            Strike::At(points) => {
                for (role, point) in points {
                    site.kill(*role);
                    site.spawn(*role, Some(point));
                    site.fallen(*role, point).await;
                    site.spawn(*role, None);
                }
            }
            Strike::FillDisk(span) => full(site, &[], *span).await,
            Strike::FillDiskAndKill(roles, span) => full(site, roles, *span).await,
            Strike::Cut(role, span) => {
                site.proxy(*role).cut();
                tokio::time::sleep(*span).await;
                site.proxy(*role).mend();
            }
            Strike::LoseAnswer(role, request) => site.proxy(*role).lose_next_answer(*request),
            Strike::CrashKafka => site.crash_kafka(),
        }
    }
}

async fn full(site: &mut Site, killed: &[Role], span: Duration) {
    site.disk.fill();
    killed.iter().for_each(|role| site.restart(*role));
    tokio::time::sleep(span).await;
    site.disk.free();
    // A service may end when it is started on a full disk: whoever runs it starts it again.
    site.revive();
}
