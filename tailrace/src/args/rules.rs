//! The command line of `tailrace rules`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::Output;

/// `tailrace rules`
#[derive(Debug, ClapArgs)]
pub struct RulesArgs {
    /// What to do
    #[command(subcommand)]
    pub command: RulesCommand,
}

/// What `tailrace rules` does.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Report every error of rule files with line, column and remedy
    #[command(after_help = "Example:\n  tailrace rules check rules/*.yml")]
    Check {
        /// Rule files; any part of a path may hold `*`
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
    },
    /// Run unit tests of rules: promtool's files as they are; exit code 1 if one fails
    #[command(
        after_help = "Example:\n  tailrace rules test tests/host_test.yml\n  tailrace rules test tests/*.yml --run 'disk|memory'"
    )]
    Test {
        /// Test files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
        /// Only tests whose name fits this regular expression (again for more)
        #[arg(long, value_name = "REGEX")]
        run: Vec<String>,
    },
    /// List groups, rules and windows
    #[command(after_help = "Example:\n  tailrace rules list --config configs/process.yaml")]
    List {
        /// Configuration file (YAML); without it, the built-in set
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// How to print
        #[arg(short, long, default_value = "default")]
        output: Output,
    },
}
