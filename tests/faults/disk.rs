//! A small disk that outlives the services on it: a tmpfs in a mount namespace that a process of its own holds.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Unmounted when dropped.
pub struct Disk {
    holder: Child,
    /// The disk as others see it.
    pub path: PathBuf,
}

impl Disk {
    /// Mounts `megabytes` at `path`.
    pub fn new(path: &Path, megabytes: u32) -> Disk {
        fs::create_dir_all(path).unwrap();
        let script =
            format!("mount -t tmpfs -o size={megabytes}m none \"$0\" && echo && exec sleep infinity");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]).arg(path);
        let mut holder = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mounted = BufReader::new(holder.stdout.take().unwrap()).read_line(&mut String::new());
        assert_eq!(mounted.unwrap(), 1, "cannot mount a tmpfs; user namespaces are needed");
        let path = format!("/proc/{}/root{}", holder.id(), path.display()).into();
        Disk { holder, path }
    }

    /// A command that sees the disk.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--user", "--mount", "--preserve-credentials", "--target"]);
        command.arg(self.holder.id().to_string()).arg(program);
        command
    }

    /// Leaves no byte free.
    pub fn fill(&self) {
        let mut file = File::create(self.filler()).unwrap();
        for size in [1 << 20, 1 << 12, 1] {
            while file.write_all(&vec![7; size]).is_ok() {}
        }
    }

    /// Takes back what [`Disk::fill`] has taken.
    pub fn free(&self) {
        // Twice is no harm.
        let _ = fs::remove_file(self.filler());
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
