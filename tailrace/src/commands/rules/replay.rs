//! `tailrace rules eval` and `tailrace rules diff`: rules over the past.

use std::{process::ExitCode, sync::Arc};

use anyhow::Result;
use jiff::Timestamp;
use stream_processor::{
    engine::program::Program,
    replay::{AlertDifference, Findings, Firing, compare},
    rules,
};

use super::history::{History, Span};
use crate::{
    args::{HistoryArgs, SpanArgs},
    commands::span,
    stderr::errln,
    stdout::outln,
};

/// Says which alerts of the rules in `files` fire at `at`, and since when: what they would have done had they been in
/// force for `settle` before.
pub async fn eval(files: &[String], at: &str, settle: &str, history: &HistoryArgs) -> Result<ExitCode> {
    let program = load(files)?;
    let at = span::time("--at", at)?.as_millisecond();
    let from = at - span::age(settle)?.millis();
    let [found] = findings(history, [program], (from, at)).await?;
    print_problems("", &found);
    for (labels, all) in &found.firings {
        if let Some(firing) = all.last().filter(|firing| firing.to_ms.is_none()) {
            outln!("{} firing since {}", named(labels), time(firing.from_ms));
        }
    }
    Ok(code(&[found]))
}

/// Says of each alert when it would have fired under the old rules and the new, for how long, and what differs.
pub async fn diff(old: &str, new: &str, span: &SpanArgs, history: &HistoryArgs) -> Result<ExitCode> {
    let programs = [load(&[old.to_owned()])?, load(&[new.to_owned()])?];
    let (from, to) = span.resolve(Timestamp::now(), "30d")?;
    let (from, to) = (from.as_millisecond(), to.as_millisecond());
    let [old, new] = findings(history, programs, (from, to)).await?;
    print_problems("old: ", &old);
    print_problems("new: ", &new);
    let all = compare(&old.firings, &new.firings, to);
    all.iter().for_each(|alert| print_alert(alert, to));
    let differ = all.iter().filter(|alert| !alert.differences.is_empty()).count();
    outln!("{} alerts, {differ} differ, from {} to {}", all.len(), time(from), time(to));
    Ok(code(&[old, new]))
}

async fn findings<const N: usize>(
    history: &HistoryArgs,
    programs: [Arc<Program>; N],
    span: Span,
) -> Result<[Findings; N]> {
    let mut found = programs.each_ref().map(|_| Findings::default());
    let looks = |program: &Arc<Program>| !program.interests().is_empty() || program.reads_logs();
    if !History::of(history).await?.replay(&programs, span, &mut found).await? && programs.iter().any(looks) {
        errln!("warning: up to {} there is nothing that these rules look at", time(span.1));
    }
    Ok(found)
}

fn load(files: &[String]) -> Result<Arc<Program>> {
    let program = rules::load_files(files)?;
    program.warnings.iter().for_each(|warning| errln!("warning: {warning}"));
    Ok(Arc::new(program))
}

fn print_alert(alert: &AlertDifference, end_ms: i64) {
    outln!("{}", named(&alert.labels));
    outln!("  old: {}", summary(&alert.old, end_ms));
    outln!("  new: {}", summary(&alert.new, end_ms));
    for difference in &alert.differences {
        let (from, to) = (time(difference.from_ms), time(difference.to_ms));
        let (sign, which) = if difference.only_new { ('+', "new") } else { ('-', "old") };
        let length = length(difference.to_ms - difference.from_ms);
        outln!("  {sign} {from} to {to} ({length}) {which} only");
    }
}

fn summary(firings: &[Firing], end_ms: i64) -> String {
    let total: i64 = firings.iter().map(|firing| firing.length_ms(end_ms)).sum();
    match firings.len() {
        0 => "never".into(),
        1 => format!("once, {}", length(total)),
        count => format!("{count} times, {} in all", length(total)),
    }
}

/// The first error of each rule.
pub fn print_problems(which: &str, found: &Findings) {
    for problem in found.problems.values() {
        errln!("error: {which}{}: {}", problem.place, problem.message);
    }
}

fn code(all: &[Findings]) -> ExitCode {
    let well = all.iter().all(|found| found.problems.is_empty());
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn named(labels: &event::Labels) -> String {
    let name = labels.get("alertname").unwrap_or_default();
    format!("{name}{}", labels.filtered(|label| label != "alertname"))
}

fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX).to_string()
}

fn length(ms: i64) -> String {
    config::Duration(std::time::Duration::from_millis(ms.unsigned_abs())).to_string()
}
