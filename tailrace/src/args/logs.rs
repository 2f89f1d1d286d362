//! What `tailrace logs` and `tailrace import` take.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::{ClientArgs, SpanArgs};

/// `tailrace logs`
#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct LogsArgs {
    /// What else than lines
    #[command(subcommand)]
    pub command: Option<LogsCommand>,
    /// LogQL query
    #[arg(required = true)]
    pub query: Option<String>,
    #[command(flatten)]
    pub client: ClientArgs,
    #[command(flatten)]
    pub span: SpanArgs,
    /// At most this many lines, the newest ones unless --forward
    #[arg(long, default_value = "1000")]
    pub limit: NonZeroUsize,
    /// Oldest first
    #[arg(long)]
    pub forward: bool,
    /// Step of a metric query, for example 1m
    #[arg(long)]
    pub step: Option<String>,
    /// Go on with what arrives
    #[arg(short, long, conflicts_with = "to")]
    pub follow: bool,
    /// Say what was read and what was skipped
    #[arg(long)]
    pub explain: bool,
    /// How to print
    #[arg(short, long, default_value = "default")]
    pub output: LogOutput,
    /// Colours by the level of a line
    #[arg(long, default_value = "auto", value_name = "WHEN")]
    pub color: Color,
}

/// Questions about the streams.
#[derive(Debug, Subcommand)]
pub enum LogsCommand {
    /// Names of labels, or the values of one
    #[command(after_help = "Example:\n  tailrace logs labels\n  tailrace logs labels job --since 7d")]
    Labels {
        /// Show the values of this label
        name: Option<String>,
        #[command(flatten)]
        client: ClientArgs,
        #[command(flatten)]
        span: SpanArgs,
    },
    /// The streams that match a selector
    #[command(after_help = "Example:\n  tailrace logs series '{job=\"syslog\"}' --since 7d")]
    Series {
        /// For example '{job="syslog"}'
        selector: String,
        #[command(flatten)]
        client: ClientArgs,
        #[command(flatten)]
        span: SpanArgs,
    },
    /// How much matches a selector
    #[command(after_help = "Example:\n  tailrace logs stats '{job=\"syslog\"}' --since 7d")]
    Stats {
        /// For example '{job="syslog"}'
        selector: String,
        #[command(flatten)]
        client: ClientArgs,
        #[command(flatten)]
        span: SpanArgs,
    },
}

/// Forms of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogOutput {
    /// Time, labels, line
    Default,
    /// The line alone
    Raw,
    /// One JSON array
    Json,
    /// One JSON object a line
    Jsonl,
    /// Time, labels, line in columns
    Csv,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// `tailrace import`
#[derive(Debug, ClapArgs)]
pub struct ImportArgs {
    /// Files of lines; those that end in .gz are unpacked
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Labels of the lines, for example job=syslog,host=web1
    #[arg(long, required = true, value_delimiter = ',', value_name = "NAME=VALUE")]
    pub labels: Vec<String>,
    #[command(flatten)]
    pub client: ClientArgs,
}
