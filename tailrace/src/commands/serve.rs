//! The services alone: `tailrace ship|process|index|broker`.

use std::process::ExitCode;

use anyhow::Result;

use crate::{
    args::{JobName, ProcessArgs, ServiceArgs},
    settings::Settings,
    start::Node,
};

/// `tailrace ship`
pub async fn ship(args: ServiceArgs) -> Result<ExitCode> {
    let mut node = node(&args).await?;
    node.connect_later();
    node.start_shipper().await?;
    finish(node, &args).await
}

/// `tailrace process`
pub async fn process(args: ProcessArgs) -> Result<ExitCode> {
    let mut node = node(&args.service).await?;
    if !node.connect().await? {
        return Ok(ExitCode::SUCCESS);
    }
    for job in &args.jobs {
        match job {
            JobName::Rules => node.start_rules()?,
            JobName::Push => node.start_push()?,
        }
    }
    finish(node, &args.service).await
}

/// `tailrace index`
pub async fn index(args: ServiceArgs) -> Result<ExitCode> {
    let mut node = node(&args).await?;
    if !node.connect().await? {
        return Ok(ExitCode::SUCCESS);
    }
    node.start_index().await?;
    finish(node, &args).await
}

/// `tailrace broker`
pub async fn broker(args: ServiceArgs) -> Result<ExitCode> {
    let mut node = node(&args).await?;
    node.start_broker().await?;
    finish(node, &args).await
}

async fn node(args: &ServiceArgs) -> Result<Node> {
    Node::new(Settings::load(args.config.as_deref(), &args.set)?).await
}

async fn finish(mut node: Node, args: &ServiceArgs) -> Result<ExitCode> {
    node.serve().await;
    node.announce(args.print_addresses);
    node.run().await?;
    Ok(ExitCode::SUCCESS)
}
