//! `tailrace up`: everything in one process.

use std::{net::SocketAddr, process::ExitCode};

use anyhow::{Context, Result};

use crate::{args::UpArgs, settings::Settings, start::Node};

/// Runs until Ctrl-C or SIGTERM.
pub async fn run(args: UpArgs) -> Result<ExitCode> {
    let mut settings = Settings::load(args.service.config.as_deref(), &overrides(&args))?;
    let shipper = settings.shipper.get_or_insert_with(shipper::Config::local_defaults);
    if args.no_ship {
        (shipper.files, shipper.journald, shipper.host) = (None, None, None);
    }
    if let Some(syslog) = &args.syslog {
        let config = shipper.syslog.get_or_insert_default();
        config.listen = parse_syslog(syslog)?;
    }
    let mut node = Node::new(settings).await?;
    node.start_broker().await?;
    if !node.connect().await? {
        return Ok(ExitCode::SUCCESS);
    }
    node.start_index().await?;
    node.start_rules()?;
    node.start_push()?;
    node.start_shipper().await?;
    node.serve().await;
    node.announce(args.service.print_addresses);
    node.run().await?;
    Ok(ExitCode::SUCCESS)
}

fn parse_syslog(text: &str) -> Result<Option<SocketAddr>> {
    match text {
        "off" => Ok(None),
        address => Ok(Some(address.parse().with_context(|| {
            format!("--syslog: {address:?} is neither off nor an address like 127.0.0.1:1514")
        })?)),
    }
}

/// A flag is short for a setting; it wins over the file, `--set` wins over it.
fn overrides(args: &UpArgs) -> Vec<String> {
    let data_dir = args.data_dir.as_ref().map(|dir| dir.display().to_string());
    let flags = [
        ("data_dir", &data_dir),
        ("http.listen", &args.http),
        ("broker.listen", &args.kafka),
        ("index.retention", &args.retention),
    ];
    let given = flags.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
    // Quoted, so that `off` stays text.
    given.map(|(key, value)| format!("{key}={value:?}")).chain(args.service.set.clone()).collect()
}
