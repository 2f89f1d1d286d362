//! `tailrace query`: PromQL from the command line.

use std::process::ExitCode;

use anyhow::Result;
use jiff::Timestamp;

use super::{client, print, span};
use crate::{
    args::{QueryArgs, misused},
    stdout::Stdout,
};

/// Steps of a range query where `--step` is not given: about as many as a terminal has lines.
const DEFAULT_STEPS: f64 = 60.0;

/// Prints the answer of an instant query, or of a range query where a span is given.
pub async fn run(args: QueryArgs) -> Result<ExitCode> {
    if args.step.is_some() && !args.span.is_given() {
        return Err(misused("--step is for a span: give --since, or --from and --to"));
    }
    let now = Timestamp::now();
    let mut parameters = vec![("query", args.query.clone())];
    let path = if args.span.is_given() {
        let (start, end) = args.span.resolve(now, "1h")?;
        let seconds = end.duration_since(start).as_secs_f64();
        let step = args.step.clone().unwrap_or_else(|| format!("{:.0}", (seconds / DEFAULT_STEPS).max(1.0)));
        parameters.extend([("start", start.to_string()), ("end", end.to_string()), ("step", step)]);
        "/api/v1/query_range"
    } else {
        let at = args.time.as_deref().map_or(Ok(now), |text| span::time("--time", text))?;
        parameters.push(("time", at.to_string()));
        "/api/v1/query"
    };
    let answer = client::get(&args.client, path, &parameters).await?;
    client::print_warnings(&answer);
    print::samples(&mut Stdout, &answer["data"], args.output)?;
    Ok(ExitCode::SUCCESS)
}
