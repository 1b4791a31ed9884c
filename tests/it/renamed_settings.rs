//! Settings whose names have changed: a configuration with an old name is refused, with the new name and the place.

use std::collections::BTreeSet;

use intake::core::{ManagedProject, names_of, settings_of};
use intake::server::ServerSettings;
use intake::upload_api;
use tempfile::TempDir;

use crate::messages::{told, with};
use crate::support::{Server, config};

/// Each section with its old names, a value, and the new names.
const RENAMED: [(&str, &str, &str, &str); 27] = [
    ("receive", "unfinished", "\"24h\"", "multipart_ttl"),
    ("receive", "claim", "\"30s\"", "lease"),
    ("receive", "notes", "\"24h\"", "tombstone_ttl"),
    ("receive", "pulls", "32", "max_fetches"),
    ("receive", "pulls_of_project", "8", "max_fetches_per_project"),
    ("receive", "pulls_of_address", "4", "max_fetches_per_ip"),
    ("receive", "waiting_of_project", "400", "max_queued_fetches_per_project"),
    ("receive", "waiting_of_address", "50", "max_queued_fetches_per_ip"),
    ("receive", "unfinished_of_project", "1000", "max_multiparts_per_project"),
    ("receive", "unfinished_of_address", "125", "max_multiparts_per_ip"),
    ("receive", "refused_of_project", "10000", "max_tombstones_per_project"),
    ("receive", "groups_of_project", "100000", "max_groups_per_project"),
    (
        "receive",
        "group_bytes_of_project",
        "\"256 MiB\"",
        "max_group_bytes_per_project",
    ),
    ("receive", "keep_groups", "\"90days\"", "group_ttl"),
    ("receive", "pull_tries", "4", "fetch_tries"),
    ("receive", "pull_pause", "\"1s\"", "fetch_backoff"),
    (
        "upload_api",
        "max_concurrent_requests_of_address",
        "64",
        "max_concurrent_requests_per_ip",
    ),
    ("upload_api", "max_uploads_of_address", "64", "max_uploads_per_ip"),
    (
        "upload_api",
        "max_requests_of_address",
        "\"600/min\"",
        "max_requests_per_ip",
    ),
    ("server", "max_connections_of_address", "128", "max_connections_per_ip"),
    ("server", "head_timeout", "\"15s\"", "header_timeout"),
    ("server", "sweep_every", "\"1m\"", "sweep_interval"),
    ("server", "resume_every", "\"5s\"", "recovery_interval"),
    ("[projects]", "standing", "\"active\"", "status"),
    ("[projects]", "forbid_types", "[\"image/*\"]", "deny_types"),
    ("[projects]", "forbid_extensions", "[\"exe\"]", "deny_extensions"),
    ("[projects]", "keep_groups", "\"1d\"", "group_ttl"),
];

fn names(section: &str) -> &'static [&'static str] {
    match section {
        "receive" => settings_of("receive"),
        "upload_api" => names_of::<upload_api::Settings>(),
        "server" => names_of::<ServerSettings>(),
        _ => settings_of("projects"),
    }
}

#[test]
fn an_old_name_is_refused_with_the_new_one() {
    let dir = TempDir::new().unwrap();
    for section in ["receive", "upload_api", "server", "[projects]"] {
        let renamed = RENAMED.iter().filter(|(of, ..)| *of == section);
        let (mut settings, mut messages) = (Vec::new(), BTreeSet::new());
        for (_, old, value, new) in renamed {
            assert!(
                names(section).contains(new) && !names(section).contains(old),
                "{section} {new}"
            );
            settings.push(format!("{old} = {value}"));
            let place = section.replace("[projects]", "projects[3]");
            messages.insert(format!("{place}.{old}: is now called `{new}`"));
        }
        if section == "[projects]" {
            settings.insert(0, "public_key = \"shop\"".to_owned());
        }
        let text = with(&config(dir.path()), section, &settings.join("\n"));
        let said = told(dir.path(), &text);
        assert_eq!(said.lines().map(str::to_owned).collect::<BTreeSet<_>>(), messages);
    }
}

#[test]
fn the_table_above_has_every_old_name() {
    let has = |section: &str, renamed: &[(&str, &str)]| {
        let listed = RENAMED.iter().filter(|(of, ..)| *of == section);
        let listed: Vec<_> = listed.map(|(_, old, _, new)| (*old, *new)).collect();
        assert_eq!(listed, renamed);
    };
    has("upload_api", upload_api::Settings::RENAMED);
    has("server", ServerSettings::RENAMED);
    has("[projects]", ManagedProject::RENAMED);
}

#[test]
fn a_variable_with_an_old_name_is_refused_with_the_new_one() {
    let server = Server::start();
    for (variable, says) in [
        ("INTAKE_RECEIVE__CLAIM", "receive.claim: is now called `lease`"),
        (
            "INTAKE_SERVER__SWEEP_EVERY",
            "server.sweep_every: is now called `sweep_interval`",
        ),
    ] {
        let output = std::process::Command::new(crate::support::INTAKE)
            .args(["check", server.config_file().to_str().unwrap()])
            .env(variable, "30s")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(said.contains(&format!("{variable}: {says}")), "{said}");
    }
}
