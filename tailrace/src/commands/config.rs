//! `tailrace config check`: every error of a configuration, with its place.

use std::{path::Path, process::ExitCode};

use anyhow::Result;

use crate::{
    args::{ConfigArgs, ConfigCommand},
    settings::Settings,
    stderr::errln,
    stdout::outln,
};

/// Exit code 0 when all files are right, 1 when one is not.
pub fn run(args: ConfigArgs) -> Result<ExitCode> {
    let ConfigCommand::Check { files, set } = args.command;
    let mut wrong = 0;
    for file in &files {
        match check(file, &set) {
            Ok(()) => outln!("{}: ok", file.display()),
            Err(error) => {
                wrong += 1;
                errln!("{error:#}\n");
            }
        }
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn check(file: &Path, set: &[String]) -> Result<()> {
    let settings = Settings::load(Some(file), set)?;
    stream_processor::rules::load(&settings.processor)?;
    settings.processor.warning().iter().for_each(|warning| errln!("{}: warning: {warning}", file.display()));
    Ok(())
}
