//! The rules and windows that are compiled in, used where the configuration names none.

use config::Source;

macro_rules! file {
    ($path:literal) => {
        Source::new(concat!("configs/", $path), include_str!(concat!("../../../configs/", $path)))
    };
}

/// `configs/rules/*.yml`.
pub fn default_rules() -> Vec<Source> {
    vec![
        file!("rules/anomaly.yml"),
        file!("rules/certificates.yml"),
        file!("rules/host.yml"),
        file!("rules/outage.yml"),
        file!("rules/probes.yml"),
        file!("rules/rates.yml"),
    ]
}

/// `configs/windows.yaml`.
pub fn default_windows() -> Source {
    file!("windows.yaml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_set_is_valid_and_complete() {
        let program =
            crate::rules::check(&default_rules(), Some(&default_windows())).unwrap_or_else(|e| panic!("{e}"));
        let listed = crate::rules::list(&program);
        for name in
            ["HostOutOfMemory", "HostOutOfDiskSpace", "HostSwapsFillingUp", "HostOutage", "HostAnomaly"]
        {
            assert!(listed.iter().any(|rule| rule.name == name), "{name}");
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/rules");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        // Rules over logs are not built in.
        let files = files.filter(|path| path.is_file() && !path.ends_with("logs.yml"));
        assert_eq!(files.count(), default_rules().len());
    }
}
