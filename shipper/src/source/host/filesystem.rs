//! Mounted file systems: size and what is left of it.

use std::{collections::HashSet, path::Path};

use super::{metrics::Metrics, paths::Paths};

/// Mount points that say nothing about the host's disks; these and the types as node_exporter leaves them out.
const SKIPPED_BELOW: [&str; 5] = ["/dev", "/proc", "/sys", "/var/lib/docker", "/var/lib/containers/storage"];
const SKIPPED_TREES: [&str; 1] = ["/run/credentials/"];
const SKIPPED_TYPES: [&str; 25] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nsfs",
    "overlay",
    "proc",
    "procfs",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "erofs",
    "sysfs",
    "tracefs",
];

struct Mount {
    device: String,
    point: String,
    kind: String,
    is_read_only: bool,
}

pub fn collect(paths: &Paths, metrics: &mut Metrics) {
    // Those of the first process are the host's, also from within a container.
    let table = paths.proc("1/mounts").or_else(|| paths.proc("mounts")).unwrap_or_default();
    for mount in mounts(&table) {
        measure(paths, &mount, metrics);
    }
}

fn mounts(table: &str) -> Vec<Mount> {
    let mut seen = HashSet::new();
    let mount = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let [device, point, kind, options, ..] = words[..] else { return None };
        let point = unescape(point);
        let is_new = seen.insert((device.to_owned(), point.clone()));
        let wanted = is_new && !is_skipped(&point) && !SKIPPED_TYPES.contains(&kind);
        let is_read_only = options.split(',').any(|o| o == "ro");
        wanted.then(|| Mount { device: unescape(device), point, kind: kind.to_owned(), is_read_only })
    };
    table.lines().filter_map(mount).collect()
}

fn is_skipped(point: &str) -> bool {
    let below =
        |tree: &str| point.strip_prefix(tree).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    SKIPPED_BELOW.iter().any(|tree| below(tree)) || SKIPPED_TREES.iter().any(|tree| point.starts_with(tree))
}

/// Blanks in names are written as octal numbers.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

fn measure(paths: &Paths, mount: &Mount, metrics: &mut Metrics) {
    let labels = [("device", &*mount.device), ("fstype", &*mount.kind), ("mountpoint", &*mount.point)];
    let below = Path::new(&mount.point).strip_prefix("/").unwrap_or(Path::new(&mount.point));
    let stat = rustix::fs::statvfs(paths.root.join(below));
    let failed = if stat.is_err() { 1.0 } else { 0.0 };
    let help = "1 if the file system could not be asked.";
    metrics.gauge("node_filesystem_device_error", help, &labels, failed);
    let Ok(stat) = stat else { return };
    let bytes = |blocks: u64| blocks as f64 * stat.f_frsize as f64;
    let read_only = if mount.is_read_only { 1.0 } else { 0.0 };
    let values = [
        ("size_bytes", "Size.", bytes(stat.f_blocks)),
        ("free_bytes", "Free space, with what is reserved for root.", bytes(stat.f_bfree)),
        ("avail_bytes", "Free space that any user can fill.", bytes(stat.f_bavail)),
        ("files", "Inodes.", stat.f_files as f64),
        ("files_free", "Free inodes.", stat.f_ffree as f64),
        ("readonly", "1 if mounted read-only.", read_only),
    ];
    for (name, help, value) in values {
        metrics.gauge(&format!("node_filesystem_{name}"), help, &labels, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_each_disk_once_and_leaves_out_what_the_kernel_makes_up() {
        let table = "/dev/vda1 / ext4 rw,relatime 0 0\n/dev/vda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\n\
            tmpfs /run tmpfs rw 0 0\ntmpfs /dev/shm tmpfs rw 0 0\n/dev/sdb /mnt/my\\040disk xfs ro,noatime 0 0\n\
            overlay /x overlay rw 0 0\n/dev/sdc /device ext4 rw 0 0\nbroken\n";
        let found: Vec<_> = mounts(table).into_iter().map(|m| (m.point, m.is_read_only)).collect();
        let expected = [("/", false), ("/run", false), ("/mnt/my disk", true), ("/device", false)]
            .map(|(p, r)| (p.to_owned(), r));
        assert_eq!(found, expected);
    }
}
