//! Where a configuration keeps files and records, for messages; without secrets.

use std::path::absolute;

use intake_core::Secret;
use serde_json::Value;

/// The location of a section's store or recorder from its settings without secrets, and its plugin.
pub(super) fn of_section(section: Option<&Value>) -> String {
    const TELLING: [&str; 6] = ["scheme", "root", "bucket", "prefix", "endpoint", "region"];
    let text = |key: &str| section?.get(key)?.as_str();
    let told = TELLING.into_iter().filter_map(text).map(str::to_owned);
    let told: Vec<_> = told.chain(section.and_then(of_url)).collect();
    format!("{} ({})", told.join(" "), text("use").unwrap_or("unknown"))
}

/// Where records are: the absolute path of a file, as commands may be started in different folders.
pub(super) fn of_records(section: Option<&Value>) -> String {
    let url = section.and_then(|section| section.get("url")?.as_str());
    let path = url.and_then(|url| url.strip_prefix("sqlite:"));
    // An escaped name is left as it was written.
    let path = path.filter(|path| !path.contains('%'));
    let path = path.and_then(|path| absolute(path.strip_prefix("//").unwrap_or(path)).ok());
    match path {
        Some(path) => path.display().to_string(),
        None => of_section(section),
    }
}

/// The location from a `url`, which may contain a password: the whole url of a file, otherwise only the kind of database; and the
/// origin of the url, if it is not in the configuration itself.
fn of_url(section: &Value) -> Option<String> {
    let url = section.get("url")?;
    let secret: Secret = serde_json::from_value(url.clone()).ok()?;
    let told = secret.expose(|url| match url.split_once(':') {
        Some(("sqlite", _)) => Some(url.to_owned()),
        Some((kind, _)) if kind.bytes().all(|byte| byte.is_ascii_alphanumeric()) => Some(kind.to_owned()),
        _ => None,
    });
    let told = told.ok().flatten().unwrap_or_else(|| "a database".to_owned());
    let origin = |key: &str| url.get(key).and_then(Value::as_str);
    Some(match (origin("env"), origin("file")) {
        (Some(variable), _) => format!("{told}, address from {variable}"),
        (None, Some(path)) => format!("{told}, address from the file {path}"),
        (None, None) => told,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_place_is_told_without_a_password() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("address");
        std::fs::write(&file, "postgres://user:hunter2@host/records\n").unwrap();
        let from_file = format!("postgres, address from the file {} (sql)", file.display());
        for (section, told) in [
            (
                json!({"use": "opendal", "scheme": "fs", "root": "data"}),
                "fs data (opendal)",
            ),
            (
                json!({"use": "sql", "url": "sqlite:data/records.db"}),
                "sqlite:data/records.db (sql)",
            ),
            (
                json!({"use": "sql", "url": "postgres://user:hunter2@host/records"}),
                "postgres (sql)",
            ),
            (json!({"use": "sql", "url": {"file": file}}), &from_file),
            (
                json!({"use": "sql", "url": {"env": "INTAKE_TEST_NO_SUCH_VARIABLE"}}),
                "a database, address from INTAKE_TEST_NO_SUCH_VARIABLE (sql)",
            ),
            (json!({"use": "sql", "url": "hunter2"}), "a database (sql)"),
        ] {
            assert_eq!(of_section(Some(&section)), told);
        }
    }

    #[test]
    fn the_file_of_records_is_named_with_its_folder() {
        let section = json!({"use": "sql", "url": "sqlite:data/records.db"});
        let told = of_records(Some(&section));
        assert!(told.starts_with('/') && told.ends_with("/data/records.db"), "{told}");
    }
}
