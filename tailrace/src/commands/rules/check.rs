//! `tailrace rules check`: what is wrong with rule files, and what may be.

use std::{collections::BTreeSet, process::ExitCode};

use anyhow::Result;
use config::Source;
use stream_processor::{engine::program::Program, rules};

use crate::{
    args::{CheckArgs, ClientArgs, Lint},
    commands::client,
    stderr::errln,
    stdout::outln,
};

/// promtool's exit code for lints that are fatal.
const LINTED: u8 = 3;

/// Says of each file how many rules it holds, or what is wrong with it. Exit code 1 when a file is wrong.
pub async fn run(args: &CheckArgs) -> Result<ExitCode> {
    let features = args.features.features()?;
    let known = match args.server().filter(|_| args.wants(Lint::UnknownMetrics)) {
        None => None,
        Some(server) => Some(metrics(&server).await?),
    };
    let (mut wrong, mut linted) = (false, false);
    for pattern in &args.files {
        for source in rules::read_all(pattern)? {
            let file = source.name.clone();
            let source = Source { allows_unknown_keys: args.ignore_unknown_fields, ..source };
            match rules::check_with(&[source], None, features) {
                Ok(program) => {
                    linted |= warn(args, &program, known.as_ref());
                    outln!("{file}: {} rules", program.rules().count());
                }
                Err(problems) => {
                    wrong = true;
                    errln!("{problems}\n");
                }
            }
        }
    }
    Ok(match (wrong, linted && args.lint_fatal) {
        (true, _) => ExitCode::FAILURE,
        (false, true) => ExitCode::from(LINTED),
        (false, false) => ExitCode::SUCCESS,
    })
}

/// Whether lints have found something.
fn warn(args: &CheckArgs, program: &Program, known: Option<&BTreeSet<String>>) -> bool {
    let duplicates = args.wants(Lint::DuplicateRules).then(|| rules::duplicates(program));
    let unknown = known.map(|known| rules::unknown_metrics(program, known));
    let lints: Vec<String> = duplicates.into_iter().chain(unknown).flatten().collect();
    program.warnings.iter().chain(&lints).for_each(|warning| errln!("warning: {warning}\n"));
    !lints.is_empty()
}

impl CheckArgs {
    fn server(&self) -> Option<ClientArgs> {
        Some(ClientArgs { addr: self.addr.clone()?, tenant: self.tenant.clone() })
    }

    fn wants(&self, lint: Lint) -> bool {
        self.lint.iter().any(|wanted| *wanted == Lint::All || *wanted == lint)
    }
}

/// The names of all series.
async fn metrics(server: &ClientArgs) -> Result<BTreeSet<String>> {
    let answer = client::get(server, "/api/v1/label/__name__/values", &[]).await?;
    Ok(serde_json::from_value(answer["data"].clone())?)
}
