//! `tailrace rules eval` and `tailrace rules diff`: rules over the past of a running instance.

use std::{process::ExitCode, sync::Arc};

use anyhow::Result;
use jiff::Timestamp;
use stream_processor::{
    engine::{Problem, program::Program},
    replay::{AlertDifference, Firing, Replay, compare},
    rules,
};

use super::history;
use crate::{
    args::{ClientArgs, SpanArgs},
    commands::span,
};

/// Says which alerts of the rules in `files` fire at `at`, and since when: what they would have done had they been in
/// force for `settle` before.
pub async fn eval(files: &[String], at: &str, settle: &str, client: &ClientArgs) -> Result<ExitCode> {
    let program = load(files)?;
    let at = span::time("--at", at)?.as_millisecond();
    let from = at - span::age(settle)?.millis();
    let mut replays = [Replay::new(program.clone())];
    history::lead(&client.addr, &[&program], &mut replays, (from, at)).await?;
    let [replay] = replays;
    let (firings, problems) = replay.finish();
    print_problems("", &problems);
    for (labels, all) in &firings {
        if let Some(firing) = all.last().filter(|firing| firing.to_ms.is_none()) {
            println!("{} firing since {}", named(labels), time(firing.from_ms));
        }
    }
    Ok(code(&problems))
}

/// Says of each alert when it would have fired under the old rules and the new, for how long, and what differs.
pub async fn diff(old: &str, new: &str, span: &SpanArgs, client: &ClientArgs) -> Result<ExitCode> {
    let (old, new) = (load(&[old.to_owned()])?, load(&[new.to_owned()])?);
    let (from, to) = span.resolve(Timestamp::now(), "30d")?;
    let (from, to) = (from.as_millisecond(), to.as_millisecond());
    let mut replays = [Replay::new(old.clone()), Replay::new(new.clone())];
    history::lead(&client.addr, &[&old, &new], &mut replays, (from, to)).await?;
    let [old, new] = replays;
    let ((old, old_problems), (new, new_problems)) = (old.finish(), new.finish());
    print_problems("old: ", &old_problems);
    print_problems("new: ", &new_problems);
    let all = compare(&old, &new, to);
    all.iter().for_each(|alert| print_alert(alert, to));
    let differ = all.iter().filter(|alert| !alert.differences.is_empty()).count();
    println!("{} alerts, {differ} differ, from {} to {}", all.len(), time(from), time(to));
    Ok(code(&[old_problems, new_problems].concat()))
}

fn load(files: &[String]) -> Result<Arc<Program>> {
    let program = rules::load_files(files)?;
    program.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
    Ok(Arc::new(program))
}

fn print_alert(alert: &AlertDifference, end_ms: i64) {
    println!("{}", named(&alert.labels));
    println!("  old: {}", summary(&alert.old, end_ms));
    println!("  new: {}", summary(&alert.new, end_ms));
    for difference in &alert.differences {
        let (from, to) = (time(difference.from_ms), time(difference.to_ms));
        let (sign, which) = if difference.only_new { ('+', "new") } else { ('-', "old") };
        let length = length(difference.to_ms - difference.from_ms);
        println!("  {sign} {from} to {to} ({length}) {which} only");
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

fn print_problems(which: &str, problems: &[Problem]) {
    problems.iter().for_each(|problem| eprintln!("error: {which}{}: {}", problem.place, problem.message));
}

fn code(problems: &[Problem]) -> ExitCode {
    if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
