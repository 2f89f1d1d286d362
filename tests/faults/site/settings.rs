//! The configuration of the services: small segments and short times lead past every fault point soon.

use super::{LATENESS_SECS, PARTITIONS, RETENTION, Site};

impl Site {
    pub(super) fn config(&self) -> String {
        let (dir, kafka, syslog) = (self.dir.path().display(), &self.kafka, self.syslog);
        let target = &self.target.url;
        format!(
            "data_dir: {dir}/data\n\
             broker: {{listen: \"{kafka}\", check_interval: 1s}}\n\
             bus: {{partitions: {PARTITIONS}}}\n\
             shipper:\n  host_name: faults\n  spool_limit: 4MiB\n  \
               files: [{{paths: [\"{dir}/logs/*.log\"], job: files}}]\n  \
               syslog: {{listen: \"127.0.0.1:{syslog}\"}}\n  \
               host: {{interval: 1s}}\n\
             processor:\n  rules: [\"{dir}/rules.yml\"]\n  windows: \"{dir}/windows.yaml\"\n  \
               lateness: {LATENESS_SECS}s\n  tick_after: 1d\n  \
               push: {{remote_write: [{{url: \"{target}\", match: ['fault_number{{lane=~\"0|1\"}}']}}]}}\n\
             index:\n  retention: {}s\n  flush_after: 1s\n  segment_bytes: 256KiB\n{}",
            RETENTION.as_secs(),
            self.storage()
        )
    }

    fn storage(&self) -> String {
        let settings = |bucket: &test_support::bucket::Server| {
            format!(
                "  storage: s3://logs/faults\n  s3: {{endpoint: \"{}\", region: us-east-1, access_key_id: test, \
                 secret_access_key: test}}\n",
                bucket.endpoint()
            )
        };
        self.bucket.as_ref().map(settings).unwrap_or_default()
    }
}
