//! The journal, through a program that answers as `journalctl` does.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use shipper::{Config, config::JournaldConfig};

use crate::support::MemoryBroker;

/// Ten entries with cursors `0` to `9`; understands `--lines=1` and `--after-cursor=`.
const JOURNALCTL: &str = r#"#!/bin/sh
from=0; follow=
for argument in "$@"; do
    case $argument in
        --lines=1) from=9 ;;
        --follow) follow=yes ;;
        --after-cursor=*) from=$((${argument#--after-cursor=} + 1)) ;;
    esac
done
n=$from
while [ $n -lt 10 ]; do
    echo '{"__CURSOR":"'$n'","__REALTIME_TIMESTAMP":"1790000000000000","PRIORITY":"'$((n % 2 + 5))'","_SYSTEMD_UNIT":"a.service","MESSAGE":"entry '$n'"}'
    n=$((n + 1))
done
[ -z "$follow" ] || exec sleep 1000
"#;

fn config(program: &Path) -> Config {
    let journald = JournaldConfig { journalctl: program.to_owned(), ..JournaldConfig::default() };
    Config { host_name: Some("web1".into()), journald: Some(journald), ..Config::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_is_read_once_and_goes_on_behind_its_cursor() {
    let (data, programs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = programs.path().join("journalctl");
    let install = |entries: &str| {
        fs::write(&program, JOURNALCTL.replace("-lt 10", entries)).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let broker = MemoryBroker::new();
    install("-lt 10");
    for count in [10, 15] {
        let shipper = broker.ship(&config(&program), data.path()).await;
        assert_eq!(shipper.describe(), ["journal (job journal)"]);
        broker.wait_for_lines(count).await;
        shipper.stop().await;
        install("-lt 15");
    }
    let mut positions: Vec<u64> = broker.entries().iter().map(|e| e.position).collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..=15).collect::<Vec<_>>());
    let sent: usize = broker.lines().len();
    assert_eq!(sent, 15, "nothing is sent twice after an orderly stop");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_a_journal_is_no_error() {
    let data = tempfile::tempdir().unwrap();
    let shipper = MemoryBroker::new().ship(&config(Path::new("/nowhere/journalctl")), data.path()).await;
    assert_eq!(shipper.describe(), [""; 0]);
    shipper.stop().await;
}
