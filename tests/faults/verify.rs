//! Looks at the answers: during a fault whatever is answered must be right, after it everything must be there.

use std::time::{Duration, Instant};

use crate::{
    alerts,
    answers::Answers,
    load::{self, Load, Round, Writer, samples::SECOND},
    site::{LATENESS_SECS, Site},
    strike::Strike,
    verdict::{self, Sequence},
};

/// After a fault everything is there within this time, or lost.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(100);
/// What takes longer is told.
const SLOW: Duration = Duration::from_secs(2);
/// Samples behind the newest that rules may have left to do: lateness, a step, and the time to take them.
const BEHIND: u64 = (LATENESS_SECS + 2) * SECOND;

/// Does a fault to the site and looks at the answers, during it and until everything is well again.
pub async fn strike(site: &mut Site, load: &Load, strike: &Strike) {
    let answers = Answers::from(site.url());
    tokio::select! {
        () = strike.hit(site) => {}
        wrong = watch(&answers, load) => panic!("during {strike:?}: {wrong}"),
    }
    settled(site, load, &load.next_round()).await;
    site.assert_alive();
}

/// Waits until every line and sample of a round is answered once and in order, and every alert is on its topic.
pub async fn settled(site: &Site, load: &Load, round: &Round) {
    let answers = Answers::from(site.url());
    for writer in load.writers() {
        let what = format!("lines of {}", writer.name);
        until(&what, async || lines(&answers, writer, round).await).await;
    }
    for (lane, (from, to)) in round.samples.iter().copied().enumerate() {
        let sent = Series { selector: format!("fault_number{{lane=\"{lane}\"}}"), every: 1 };
        until(&sent.selector, async || sent.judge(&answers, load, from, to).await).await;
        let made = Series { selector: format!("fault:number{{lane=\"{lane}\"}}"), every: SECOND };
        let (from, to) = (from.saturating_sub(BEHIND), to.saturating_sub(BEHIND));
        until(&made.selector, async || made.judge(&answers, load, from, to).await).await;
    }
    let done = round.samples.iter().map(|(_, to)| to.saturating_sub(BEHIND)).min().unwrap_or_default();
    until("alerts", async || alerts(site, round.samples.len(), done).await).await;
    for (lane, (_, to)) in round.samples.iter().copied().enumerate().take(load.samples.direct()) {
        until(&format!("lane {lane} at the push target"), async || site.target.judge(lane, to)).await;
    }
    until("deletes", async || load.deletes.judge(&answers).await).await;
    let since_ms = round.begun_ns / 1_000_000;
    until("the host's samples", async || load.host.judge(site.bus(), &answers, since_ms).await).await;
    until("topics", async || tokio::task::block_in_place(|| load.topics.judge())).await;
}

/// Looks at what is answered, over and over; comes back with what is wrong.
async fn watch(answers: &Answers, load: &Load) -> String {
    loop {
        for writer in load.writers() {
            if let Err(wrong) = lines(answers, writer, &load.this_round()).await {
                return wrong;
            }
        }
        if let Err(wrong) = load.deletes.judge(answers).await {
            return wrong;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn until(what: &str, check: impl AsyncFn() -> Result<bool, String>) {
    let begin = Instant::now();
    while !check().await.unwrap_or_else(|wrong| panic!("{what}: {wrong}")) {
        assert!(begin.elapsed() < PATIENCE, "{what}: still missing after {PATIENCE:?}");
        tokio::time::sleep(PAUSE).await;
    }
    if begin.elapsed() > SLOW {
        println!("{what}: there after {:.1?}", begin.elapsed());
    }
}

/// No answer counts as not yet complete.
async fn lines(answers: &Answers, writer: &Writer, round: &Round) -> Result<bool, String> {
    let filter = load::filter(&writer.name, round.number);
    let query = format!("{{job=~\"files|syslog|push\"}} |= \"{filter}\"");
    let Some(found) = answers.lines(&query, round.begun_ns).await else { return Ok(false) };
    // Asked after the answer: it holds nothing that is not known here.
    let sent = writer.sent(round.number);
    let found: Vec<_> = found.lines.iter().map(|line| load::parse(line)).collect();
    let in_order = if writer.is_timed { verdict::in_order(&found) } else { Ok(()) };
    let judged = in_order.and_then(|()| verdict::judge(&found, &sent));
    judged.map_err(|wrong| format!("{filter}: part {wrong}"))
}

/// A series with every so many-th number.
struct Series {
    selector: String,
    every: u64,
}

impl Series {
    /// Whether the numbers from `from` to below `to` are answered, each at its time.
    async fn judge(&self, answers: &Answers, load: &Load, from: u64, to: u64) -> Result<bool, String> {
        let (first, end) = (from.div_ceil(self.every), to.div_ceil(self.every));
        if first == end {
            return Ok(true);
        }
        let span = [first, end].map(|count| load.samples.time(count * self.every) - 1);
        let Some(found) = answers.samples(&self.selector, span).await else { return Ok(false) };
        let misplaced = found.iter().find(|(at, number)| *at != load.samples.time(*number));
        if let Some((at, number)) = misplaced {
            return Err(format!("number {number} stands at {at}"));
        }
        let found: Vec<_> =
            found.iter().map(|(_, number)| (self.selector.clone(), number / self.every)).collect();
        let name = self.selector.clone();
        verdict::judge(&found, &[Sequence::taken(name, first, end - first)])
    }
}

async fn alerts(site: &Site, lanes: usize, number: u64) -> Result<bool, String> {
    let bus = site.bus();
    let read = tokio::task::spawn_blocking(move || alerts::read(&bus)).await;
    let Some(found) = read.expect("the topic can be read") else { return Ok(false) };
    alerts::judge(&found, lanes, number)
}
