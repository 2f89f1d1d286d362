//! The command line of `tailrace rules`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::{ClientArgs, Output, SpanArgs, TenantArgs};

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
    #[command(
        after_help = "Example:\n  tailrace rules check rules/*.yml\n  tailrace rules check rules/*.yml --addr http://127.0.0.1:3100\n  tailrace rules check rules/*.yml --lint duplicate-rules --lint-fatal\n  tailrace rules check rules/*.yml --enable-feature promql-experimental-functions"
    )]
    Check(CheckArgs),
    /// Run unit tests of rules: promtool's files as they are; exit code 1 if one fails
    #[command(
        after_help = "Example:\n  tailrace rules test tests/host_test.yml\n  tailrace rules test tests/*.yml --run 'disk|memory' --diff\n  tailrace rules test tests/*.yml --junit results.xml"
    )]
    Test(TestArgs),
    /// Say which alerts of rule files fire at a time of the past, had the rules been in force
    #[command(
        after_help = "Example:\n  tailrace rules eval my.yml --at 2026-11-20T12:00:00Z\n  tailrace rules eval my.yml --at 2026-11-20T12:00:00Z --addr http://prometheus:9090"
    )]
    Eval {
        /// Rule files; any part of a path may hold `*`
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
        /// When (RFC 3339)
        #[arg(long, value_name = "TIME")]
        at: String,
        /// For how long before that the rules are evaluated, so that `for` has run
        #[arg(long, value_name = "AGE", default_value = "1h")]
        settle: String,
        #[command(flatten)]
        history: HistoryArgs,
    },
    /// Say when the alerts of old rules and new would have fired over the past, and what differs
    #[command(
        after_help = "Example:\n  tailrace rules diff old.yml new.yml --since 30d\n  tailrace rules diff old.yml new.yml --since 12h --history topics"
    )]
    Diff {
        /// Rule file; any part of the path may hold `*`
        old: String,
        /// Rule file that is to take its place
        new: String,
        #[command(flatten)]
        span: SpanArgs,
        #[command(flatten)]
        history: HistoryArgs,
    },
    /// Evaluate recording rules over the past, and write what they give as if they had been in force
    #[command(
        after_help = "Example:\n  tailrace rules backfill my.yml --start 2026-10-01T00:00:00Z --dry-run\n  tailrace rules backfill my.yml --start 2026-10-01T00:00:00Z --end 2026-11-01T00:00:00Z"
    )]
    Backfill(BackfillArgs),
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

/// `tailrace rules check`
#[derive(Debug, ClapArgs)]
pub struct CheckArgs {
    /// Rule files; any part of a path may hold `*`
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Also tell of metrics that the server at this address does not have
    #[arg(long, value_name = "URL", value_parser = super::url)]
    pub addr: Option<String>,
    #[command(flatten)]
    pub tenant: TenantArgs,
    /// What to warn of
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "all")]
    pub lint: Vec<Lint>,
    /// Exit code 3 when there is such a warning
    #[arg(long)]
    pub lint_fatal: bool,
    /// Pass over keys that nobody knows
    #[arg(long)]
    pub ignore_unknown_fields: bool,
    #[command(flatten)]
    pub features: FeatureArgs,
}

/// What `rules check` warns of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Lint {
    /// Everything below
    All,
    /// Rules of a file with the same name and labels
    DuplicateRules,
    /// Metrics that the server at --addr does not have
    UnknownMetrics,
    /// Nothing
    None,
}

/// `tailrace rules test`
#[derive(Debug, ClapArgs)]
pub struct TestArgs {
    /// Test files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Only tests whose name fits this regular expression (again for more)
    #[arg(long, value_name = "REGEX")]
    pub run: Vec<String>,
    /// Show line by line how expected and found differ
    #[arg(long)]
    pub diff: bool,
    /// Tell of each test how long it took, and all of its data
    #[arg(long)]
    pub debug: bool,
    /// Also write the results to this file, as JUnit's XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Pass over keys that nobody knows
    #[arg(long)]
    pub ignore_unknown_fields: bool,
    #[command(flatten)]
    pub features: FeatureArgs,
}

/// Which of the experimental parts of PromQL expressions may use.
#[derive(Debug, ClapArgs)]
pub struct FeatureArgs {
    /// Only these experimental parts of PromQL, by Prometheus' names [default: all]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub enable_feature: Vec<String>,
}

/// `tailrace rules backfill`
#[derive(Debug, ClapArgs)]
pub struct BackfillArgs {
    /// Rule files; any part of a path may hold `*`
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// The first time at which rules are evaluated (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub start: String,
    /// The last (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME")]
    pub end: Option<String>,
    /// Print the samples instead of writing them
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub history: HistoryArgs,
}

/// Where the past comes from.
#[derive(Debug, ClapArgs)]
pub struct HistoryArgs {
    /// Which past is replayed
    #[arg(long, value_name = "FROM", default_value = "store")]
    pub history: HistorySource,
    #[command(flatten)]
    pub client: ClientArgs,
    /// Address of Loki's API for log lines in the store [default: --addr]
    #[arg(long, value_name = "URL", value_parser = super::url)]
    pub logs_addr: Option<String>,
    /// Kafka brokers [default: those of --config, or of the server at --addr]
    #[arg(long, value_name = "HOST:PORT")]
    pub brokers: Option<String>,
    /// Configuration file of the processor, for its topics and its lateness
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Which past is replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum HistorySource {
    /// What the server at --addr has kept: Tailrace, or any Prometheus or Loki
    Store,
    /// What Kafka holds still, late as it was
    Topics,
}
