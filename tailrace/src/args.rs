//! The command line.

mod logs;
mod rules;

use std::{convert::Infallible, fmt::Display, path::PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum, error::ErrorKind};

pub use logs::{Color, ImportArgs, LogOutput, LogsArgs, LogsCommand};
pub use rules::{
    BackfillArgs, CheckArgs, FeatureArgs, HistoryArgs, HistorySource, Lint, RulesArgs, RulesCommand, TestArgs,
};

/// Logs and metrics through Kafka: ships them, watches them, stores them, answers Grafana.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, disable_help_subcommand = true)]
pub struct Args {
    /// Show more of what happens (-v, -vv, -vvv); RUST_LOG decides in detail
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// One for each service and each thing that people do with them.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything on this machine: broker, shipper, processor, index
    #[command(
        after_help = "Example:\n  tailrace up\n  tailrace up --data-dir /var/lib/tailrace --http 127.0.0.1:3100 --retention 30d"
    )]
    Up(UpArgs),
    /// Run the shipper alone
    #[command(after_help = "Example:\n  tailrace ship --config configs/ship.yaml")]
    Ship(ServiceArgs),
    /// Run the stream processor alone
    #[command(after_help = "Example:\n  tailrace process --config configs/process.yaml")]
    Process(ProcessArgs),
    /// Run the index and its query API alone, or look at its files
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Example:\n  tailrace index --config configs/index.yaml\n  tailrace index check ./tailrace-data"
    )]
    Index(IndexArgs),
    /// Run the embedded Kafka broker alone
    #[command(after_help = "Example:\n  tailrace broker --config configs/broker.yaml")]
    Broker(ServiceArgs),
    /// Check configuration files
    #[command(after_help = "Example:\n  tailrace config check configs/up.yaml")]
    Config(ConfigArgs),
    /// Check rule files, test them and try them on the past; show the rules and windows in force
    #[command(
        after_help = "Example:\n  tailrace rules check rules/*.yml\n  tailrace rules test tests/host_test.yml\n  tailrace rules list\n  tailrace rules list --config configs/process.yaml -o json"
    )]
    Rules(RulesArgs),
    /// Search logs with LogQL
    #[command(
        after_help = "Example:\n  tailrace logs '{job=\"syslog\"} |= \"error\"' --since 1h\n  tailrace logs '{job=\"syslog\"}' --follow -o jsonl\n  tailrace logs labels job\n  tailrace logs stats '{job=\"syslog\"}' --since 7d"
    )]
    Logs(LogsArgs),
    /// Bring the lines of old files in
    #[command(
        after_help = "Example:\n  tailrace import /var/log/syslog.1 /var/log/syslog.2.gz --labels job=syslog,host=web1"
    )]
    Import(ImportArgs),
    /// Evaluate PromQL
    #[command(
        after_help = "Example:\n  tailrace query 'rate(node_cpu_seconds_total[5m])'\n  tailrace query node_load1 --since 1h --step 1m"
    )]
    Query(QueryArgs),
    /// Show alert transitions from the alert topic
    #[command(
        after_help = "Example:\n  tailrace alerts\n  tailrace alerts --follow -o json\n  tailrace alerts --since 30d -o csv > history.csv"
    )]
    Alerts(AlertsArgs),
}

/// The flags do not go together, or mean nothing: exit code 2, as for what clap finds itself.
pub fn misused(message: impl Display) -> anyhow::Error {
    clap::Error::raw(ErrorKind::ArgumentConflict, format!("{message}\n")).into()
}

/// What every service takes.
#[derive(Debug, ClapArgs)]
pub struct ServiceArgs {
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Override one setting, for example --set bus.brokers=kafka:9092 (again for more)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// When ready, print the addresses as one line on standard output
    #[arg(long, value_name = "FORMAT")]
    pub print_addresses: Option<AddressFormat>,
}

/// `tailrace up`
#[derive(Debug, ClapArgs)]
pub struct UpArgs {
    #[command(flatten)]
    pub service: ServiceArgs,
    /// Where everything is kept [default: ./tailrace-data]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address of the HTTP API; port 0 picks a free one [default: 127.0.0.1:3100]
    #[arg(long, value_name = "ADDR")]
    pub http: Option<String>,
    /// Address of the embedded broker; port 0 picks a free one [default: 127.0.0.1:9092]
    #[arg(long, value_name = "ADDR")]
    pub kafka: Option<String>,
    /// Address for syslog over UDP and TCP, or off [default: 127.0.0.1:1514]
    #[arg(long, value_name = "ADDR|off")]
    pub syslog: Option<String>,
    /// No local sources: tail no files, sample no host; syslog and push stay
    #[arg(long)]
    pub no_ship: bool,
    /// How long to keep logs and samples; data with any timestamp inside it is accepted [default: 15d]
    #[arg(long, value_name = "AGE|off")]
    pub retention: Option<String>,
}

/// `tailrace index`
#[derive(Debug, ClapArgs)]
pub struct IndexArgs {
    /// What to do instead of running it
    #[command(subcommand)]
    pub command: Option<IndexCommand>,
    #[command(flatten)]
    pub service: ServiceArgs,
}

/// What `tailrace index` does besides running.
#[derive(Debug, Subcommand)]
pub enum IndexCommand {
    /// Verify every file: name what is damaged, exit with 1 if anything is
    #[command(
        after_help = "Example:\n  tailrace index check ./tailrace-data\n  tailrace index check s3://bucket/prefix -o json"
    )]
    Check {
        /// Data directory, or what `index.storage` is set to: also a group's
        #[arg(value_name = "STORE")]
        store: PathBuf,
        /// How to print
        #[arg(short, long, default_value = "table")]
        output: Table,
    },
    /// Show segments, what their columns take, and the largest streams
    #[command(
        after_help = "Example:\n  tailrace index inspect ./tailrace-data\n  tailrace index inspect ./tailrace-data -o json"
    )]
    Inspect {
        /// Data directory, or what `index.storage` is set to: also a group's
        #[arg(value_name = "STORE")]
        store: PathBuf,
        /// How to print
        #[arg(short, long, default_value = "table")]
        output: Table,
    },
}

/// Forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Table {
    /// For people
    Table,
    /// One JSON object
    Json,
}

/// `tailrace process`
#[derive(Debug, ClapArgs)]
pub struct ProcessArgs {
    #[command(flatten)]
    pub service: ServiceArgs,
    /// Jobs to run here
    #[arg(long, value_delimiter = ',', default_value = "rules,push")]
    pub jobs: Vec<JobName>,
}

/// A job of the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum JobName {
    /// Windows and rules
    Rules,
    /// Remote write and Pushgateway
    Push,
}

/// How to print the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AddressFormat {
    /// {"http":"…","kafka":"…","syslog":"…"}
    Json,
}

/// `tailrace config`
#[derive(Debug, ClapArgs)]
pub struct ConfigArgs {
    /// What to do
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// What `tailrace config` does.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Report every error with line, column, snippet and remedy
    #[command(after_help = "Example:\n  tailrace config check configs/up.yaml --set index.retention=30d")]
    Check {
        /// Configuration files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Override one setting (again for more)
        #[arg(long = "set", value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
}

/// Where the API is, and for whom it is asked.
#[derive(Clone, Debug, ClapArgs)]
pub struct ClientArgs {
    /// Address of the HTTP API
    #[arg(long, env = "TAILRACE_ADDR", default_value = "http://127.0.0.1:3100", value_name = "URL", value_parser = url)]
    pub addr: String,
    #[command(flatten)]
    pub tenant: TenantArgs,
}

/// An address without a scheme is meant as HTTP.
fn url(text: &str) -> Result<String, Infallible> {
    Ok(if text.contains("://") { text.to_owned() } else { format!("http://{text}") })
}

/// For whom the API is asked.
#[derive(Clone, Debug, ClapArgs)]
pub struct TenantArgs {
    /// Ask for this tenant: it is sent as X-Scope-OrgID
    #[arg(long, env = "TAILRACE_ORG_ID", value_name = "TENANT")]
    pub org_id: Option<String>,
}

/// Which part of time.
#[derive(Debug, ClapArgs)]
pub struct SpanArgs {
    /// Begin this long ago, for example 30m, 1h, 7d
    #[arg(long, value_name = "AGE")]
    pub since: Option<String>,
    /// Begin here (RFC 3339)
    #[arg(long, value_name = "TIME", conflicts_with = "since")]
    pub from: Option<String>,
    /// End here (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
}

/// `tailrace query`
#[derive(Debug, ClapArgs)]
pub struct QueryArgs {
    /// PromQL query
    pub query: String,
    #[command(flatten)]
    pub client: ClientArgs,
    #[command(flatten)]
    pub span: SpanArgs,
    /// Evaluate at this time (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME", conflicts_with_all = ["since", "from", "to"])]
    pub time: Option<String>,
    /// Step of a range query, for example 1m; needs a span
    #[arg(long)]
    pub step: Option<String>,
    /// How to print
    #[arg(short, long, default_value = "default")]
    pub output: Output,
}

/// `tailrace alerts`
#[derive(Debug, ClapArgs)]
pub struct AlertsArgs {
    #[command(flatten)]
    pub client: ClientArgs,
    /// Kafka brokers [default: those of the server at --addr]
    #[arg(long, value_name = "HOST:PORT")]
    pub brokers: Option<String>,
    /// Name of the alert topic
    #[arg(long, default_value = "alerts")]
    pub topic: String,
    /// Go on with what comes
    #[arg(short, long, conflicts_with = "to")]
    pub follow: bool,
    #[command(flatten)]
    pub span: SpanArgs,
    /// How to print
    #[arg(short, long, default_value = "default")]
    pub output: AlertOutput,
}

/// Forms of alert transitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AlertOutput {
    /// For people
    Default,
    /// The labels alone
    Raw,
    /// One JSON object a line, as on the topic
    Json,
    /// Comma-separated, with a line of names first
    Csv,
}

/// Forms of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Default,
    /// The line or value alone
    Raw,
    /// One JSON object a line
    Json,
}
