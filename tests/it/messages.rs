//! The messages for an operator who made a mistake, word by word: the error, its place, and what would be right.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::{INTAKE, Server, config, wait_until};

fn intake(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(INTAKE);
    command.current_dir(folder).args(arguments).env_remove("INTAKE_CONFIG");
    command
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The output of `check` for a configuration, without the lines that show the place.
pub fn told(folder: &Path, text: &str) -> String {
    std::fs::write(folder.join("intake.toml"), text).unwrap();
    let output = intake(folder, &["check", "intake.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(78), "{text}: {output:?}");
    let said = stderr(&output);
    let places = said.lines().filter(|line| !line.starts_with("    "));
    let messages = places.map(|line| {
        let (place, message) = line.split_once(": ").unwrap();
        assert!(place.starts_with("intake.toml:"), "{line}");
        format!("{message}\n")
    });
    messages.collect()
}

#[test]
fn a_wrong_value_is_told_with_a_right_one() {
    let dir = TempDir::new().unwrap();
    for (section, setting, message) in [
        (
            "receive",
            "max_size = \"5 gigs\"",
            r#"receive.max_size: expected a size such as "5 GB" or "100 MiB", or a number of bytes; found "5 gigs""#,
        ),
        (
            "receive",
            "timeout = 30",
            r#"receive.timeout: expected a length of time such as "30s", "24h" or "7days"; found 30"#,
        ),
        (
            "upload_api",
            "trusted_proxies = [\"10.0.0.0/8\", \"proxy\"]",
            r#"upload_api.trusted_proxies[1]: expected a network such as "10.0.0.0/8", or an address such as "10.0.0.1"; found "proxy""#,
        ),
        (
            "upload_api",
            "trusted_proxies = \"10.0.0.0/8\"",
            r#"upload_api.trusted_proxies: expected a list such as ["10.0.0.0/8"]; found "10.0.0.0/8""#,
        ),
        (
            "upload_api",
            "max_files = \"20\"",
            r#"upload_api.max_files: expected a whole number, without quotes; found "20""#,
        ),
        (
            "upload_api",
            "max_direct_size = \"6 GiB\"",
            "upload_api.max_direct_size: 6.0 GiB is more than `max_size` of [receive], which is 5.0 GiB and bounds every file",
        ),
        (
            "[projects]",
            "public_key = \"shop\"\nsecrets = [\"abc\"]",
            r#"projects[3].secrets[0]: expected a table such as { name = "2026", secret = { env = "SHOP_SECRET" } }; found a text"#,
        ),
        (
            "[projects]",
            "public_key = \"shop\"\nsigned_uploads = true",
            r#"projects[3].secrets: missing, so no upload can be signed; write one such as [{ name = "2026", secret = { env = "SHOP_SECRET" } }]"#,
        ),
        (
            "[projects]",
            "public_key = \"shop\"\norigins = \"https://shop.example.com\"",
            r#"projects[3].origins: expected a list such as ["https://shop.example.com"]; found "https://shop.example.com""#,
        ),
        (
            "server",
            "listen = \":8080\"",
            r#"server.listen: expected an address and a port, such as "127.0.0.1:8080" (this machine only), "0.0.0.0:8080" (all networks) or "[::]:8080"; found ":8080""#,
        ),
        (
            "server",
            "listen = \"::1:8080\"",
            r#"server.listen: expected an address and a port, such as "127.0.0.1:8080" (this machine only), "0.0.0.0:8080" (all networks) or "[::]:8080"; found "::1:8080""#,
        ),
        (
            "server",
            "listen = \"127.0.0.1:99999\"",
            r#"server.listen: "99999" is no port: expected a number from 0 to 65535, as in "127.0.0.1:8080""#,
        ),
        (
            "[scan]",
            "use = \"clamav\"\naddress = \"127.0.0.1:3310\"\nmax_scan_size = \"25\"",
            r#"scan[1].max_scan_size: 25 bytes are less than most files have, so hardly any would be scanned; write a size with its unit, such as "25 MiB""#,
        ),
    ] {
        let text = with(&config(dir.path()), section, setting);
        assert_eq!(told(dir.path(), &text), format!("{message}\n"));
    }
}

/// A configuration with more in a section of it.
pub fn with(text: &str, section: &str, settings: &str) -> String {
    let head = format!("[{section}]\n");
    let key = settings.split_once(" =").unwrap().0;
    let other = |line: &&str| section.starts_with('[') || !line.trim_start().starts_with(&format!("{key} ="));
    let kept: String = text
        .lines()
        .map(str::trim_start)
        .filter(other)
        .map(|line| format!("{line}\n"))
        .collect();
    match kept.find(&head) {
        // Another entry of a list comes last.
        Some(at) if !section.starts_with('[') => {
            let (before, behind) = kept.split_at(at + head.len());
            format!("{before}{settings}\n{behind}")
        }
        _ if section == "[projects]" => kept.replacen(
            "}]\n[server]",
            &format!("}}, {{ {} }}]\n[server]", settings.replace('\n', ", ")),
            1,
        ),
        _ => format!("{kept}{head}{settings}\n"),
    }
}

#[test]
fn everything_that_is_wrong_in_a_section_is_told() {
    let dir = TempDir::new().unwrap();
    for (section, settings, mut messages) in [
        (
            "receive",
            "max_size = \"5 gigs\"\ntimeout = 30\nlease = \"0s\"\nnots = \"1h\"",
            vec![
                r#"receive.max_size: expected a size such as "5 GB" or "100 MiB", or a number of bytes; found "5 gigs""#,
                r#"receive.timeout: expected a length of time such as "30s", "24h" or "7days"; found 30"#,
                "receive.lease: must be greater than zero",
                "receive.nots: unknown field `nots`, expected one of `max_size`, `timeout`, `multipart_ttl`, `lease`, `tombstone_ttl`, `max_fetches`, `max_fetches_per_project`, `max_fetches_per_ip`, `max_queued_fetches_per_project`, `max_queued_fetches_per_ip`, `max_multiparts_per_project`, `max_multiparts_per_ip`, `max_tombstones_per_project`, `max_groups_per_project`, `max_group_bytes_per_project`, `group_ttl`, `fetch_tries`, `fetch_backoff`, `trash`, `quarantine_ttl`, `rescan_backoff`, `verdict_cache`, `rescan_rate`, `rescan_age`, `pull`",
            ],
        ),
        (
            "store",
            "rot = \"x\"\ndurable = \"no\"",
            vec![
                "store.rot: unknown field `rot`, expected `root` or `durable`",
                r#"store.durable: expected `true` or `false`, without quotes; found "no""#,
            ],
        ),
        (
            "[projects]",
            "public_key = \"a b\"\nmax_size = \"x\"\norigins = [\"x\"]",
            vec![
                "projects[3].public_key: must have at most 64 letters, digits, `-`, `_` and `.`",
                r#"projects[3].max_size: expected a size such as "5 GB" or "100 MiB", or a number of bytes; found "x""#,
                "projects[3].origins[0]: must be a scheme and a host as browsers write them, such as `https://example.com` or `http://localhost:8080`: no `*`, no usual port, `xn--` for other letters",
            ],
        ),
        (
            "upload_api",
            "max_files = 0\npublic_url = \"upload.example.com\"",
            vec![
                "upload_api.max_files: must be greater than zero",
                "upload_api.public_url: must begin with https:// or http://",
            ],
        ),
    ] {
        let text = with(&config(dir.path()), section, settings);
        let said = told(dir.path(), &text);
        let mut said: Vec<_> = said.lines().collect();
        said.sort_unstable();
        messages.sort_unstable();
        assert_eq!(said, messages);
    }
}

#[test]
fn a_variable_that_sets_nothing_is_told_with_the_one_that_may_have_been_meant() {
    let dir = TempDir::new().unwrap();
    let levels = "expected error, warn, info, debug, trace or off, for all or for parts of the program, such as \"info\" or \
         \"info,intake_core=debug\"";
    for (variable, value, message) in [
        (
            "INTAKE_LISTEN",
            "127.0.0.1:0",
            "INTAKE_LISTEN: nothing is called that; did you mean INTAKE_SERVER__LISTEN?".to_owned(),
        ),
        (
            "INTAKE_SERVER_LISTEN",
            "127.0.0.1:0",
            "INTAKE_SERVER_LISTEN: nothing is called that; did you mean INTAKE_SERVER__LISTEN?".to_owned(),
        ),
        (
            "INTAKE_HOME_OF_THE_ELEPHANTS",
            "x",
            "INTAKE_HOME_OF_THE_ELEPHANTS: nothing is called that; a setting is INTAKE_SECTION__SETTING, such as \
             INTAKE_SERVER__LISTEN, and beside them there are INTAKE_CONFIG, INTAKE_LOG, INTAKE_LOG_FORMAT"
                .to_owned(),
        ),
        (
            "INTAKE_LOG",
            "verbos",
            format!("INTAKE_LOG: \"verbos\" is no level; {levels}"),
        ),
        (
            "INTAKE_LOG",
            "info,intake_core=loud",
            format!("INTAKE_LOG: \"info,intake_core=loud\" cannot be read; {levels}"),
        ),
    ] {
        for command in [&["check"][..], &["serve"], &["files", "list"]] {
            let output = intake(dir.path(), command).env(variable, value).output().unwrap();
            assert_eq!(output.status.code(), Some(78), "{output:?}");
            assert_eq!(stderr(&output), format!("{message}\n"));
        }
    }
    // Kubernetes sets these, where a service is called `intake`; a configuration names the third itself.
    let output = intake(dir.path(), &["check"])
        .env("INTAKE_SERVICE_HOST", "10.0.0.1")
        .env("INTAKE_PORT", "tcp://10.0.0.1:8080")
        .env("INTAKE_DATABASE", "postgres://intake@127.0.0.1/intake")
        .env("INTAKE_RECORD__URL", "{ env = \"INTAKE_DATABASE\" }")
        .env("INTAKE_LOG", "warn,intake_core=debug")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = stderr(&output);
    let (using, limits) = said.split_once('\n').unwrap();
    assert_eq!(
        using,
        "using the built-in configuration; records: postgres, address from INTAKE_DATABASE (sql)"
    );
    assert!(limits.starts_with("limits: "), "{said}");
}

#[test]
fn a_command_without_a_database_says_what_creates_one_and_creates_none() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().canonicalize().unwrap();
    let records = folder.join("intake-data/records.db");
    let records = records.display();
    for command in [
        &["projects", "create", "shop"][..],
        &["projects", "list"],
        &["files", "list"],
        &["usage"],
        &["sweep"],
    ] {
        let output = intake(&folder, command).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_eq!(
            stderr(&output),
            format!(
                "using the built-in configuration; records: {records}\nintake: there are no records in {records}: `intake serve` \
                 makes them at its first start, with the same configuration and in the same folder\n"
            )
        );
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn a_command_says_which_configuration_and_records_it_uses() {
    let server = Server::start();
    let file = server.config_file();
    let records = server.dir.path().join("records.db");
    for command in [
        &["projects", "list"][..],
        &["files", "list", "--project", "other"],
        &["usage"],
        &["sweep"],
        &["check"],
    ] {
        let output = intake(server.dir.path(), command)
            .arg("--config")
            .arg(&file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let line = format!("using {}; records: {}", file.display(), records.display());
        assert_eq!(stderr(&output).lines().next(), Some(&*line));
    }
}

#[test]
fn files_are_listed_without_the_name_of_the_project_if_there_is_one() {
    let dir = TempDir::new().unwrap();
    let text = config(dir.path()).replace(
        ", { public_key = \"other\" }, { public_key = \"strict\", autostore = \"forbidden\" }",
        "",
    );
    let server = Server::start_in(dir, &text, &[]);
    let id = server.upload("a.txt", b"hello");
    let list = || {
        let mut command = intake(server.dir.path(), &["files", "list", "--config"]);
        command.arg(server.config_file()).output().unwrap()
    };
    let listed = list();
    assert!(String::from_utf8_lossy(&listed.stdout).contains(&id), "{listed:?}");
    let made = intake(server.dir.path(), &["projects", "create", "shop", "--config"])
        .arg(server.config_file())
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let refused = list();
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused)
            .ends_with("intake: there are several projects, so `--project KEY` has to name one: demopublickey, shop\n"),
        "{refused:?}"
    );
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("a-file");
    std::fs::write(&file, "no folder").unwrap();
    let folder = dir.path().join("a-folder");
    std::fs::create_dir(&folder).unwrap();
    for (variable, value, message) in [
        (
            "INTAKE_STORE__ROOT",
            file.display().to_string(),
            format!(
                "intake: store: cannot keep files in the folder {} (store_failed): Not a directory (os error 20)",
                file.display()
            ),
        ),
        (
            "INTAKE_RECORD__URL",
            format!("sqlite:{}", folder.display()),
            format!(
                "intake: record: cannot open the records in {} (record_failed): Is a directory (os error 21)",
                folder.display()
            ),
        ),
        (
            "INTAKE_RECORD__URL",
            format!("sqlite:{}/records.db", file.display()),
            format!(
                "intake: record: cannot make the folder of {}/records.db (record_failed): File exists (os error 17)",
                file.display()
            ),
        ),
    ] {
        std::fs::write(dir.path().join("intake.toml"), config(dir.path())).unwrap();
        let output = intake(dir.path(), &["serve", "--config", "intake.toml"])
            .env(variable, value)
            .env("INTAKE_LOG", "error")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_eq!(stderr(&output), format!("{message}\n"));
    }
}

#[test]
fn a_file_in_another_encoding_is_told_of_and_a_mark_before_the_text_is_none_of_it() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("intake.toml");
    let check = || intake(dir.path(), &["check", "intake.toml"]).output().unwrap();
    // As some shells and editors write them.
    let utf16: Vec<u8> = "\u{feff}[server]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&file, utf16).unwrap();
    let output = check();
    assert_eq!(
        stderr(&output),
        "cannot read intake.toml: it is no UTF-8 text; save it as UTF-8\n"
    );
    let text = format!("\u{feff}{}", config(dir.path())).replace('\n', "\r\n");
    std::fs::write(&file, &text).unwrap();
    assert!(check().status.success(), "{:?}", check());
    std::fs::write(&file, text.replace("\"1h\"", "1")).unwrap();
    assert!(stderr(&check()).starts_with("intake.toml:6:"), "{:?}", check());
}

#[test]
fn a_closed_output_is_no_reason_to_panic() {
    use std::process::Stdio;

    let dir = TempDir::new().unwrap();
    for command in [&["config"][..], &["plugins"], &["check"], &["projects", "list"]] {
        let gone = || Stdio::from(std::io::pipe().unwrap().1);
        let mut child = intake(dir.path(), command);
        let child = child.stdout(gone()).stderr(gone()).status().unwrap();
        assert_eq!(child.code(), Some(1), "{command:?}");
    }
}

#[test]
fn a_hangup_is_told_of_and_the_server_goes_on() {
    let dir = TempDir::new().unwrap();
    let log = dir.path().join("log");
    let mut command = intake(dir.path(), &["serve"]);
    command
        .env("INTAKE_SERVER__LISTEN", "127.0.0.1:0")
        .env("INTAKE_SERVER__ADMIN", "off")
        .stderr(std::fs::File::create(&log).unwrap());
    let (mut child, address) = crate::support::listening(command);
    let hangup = Command::new("kill")
        .args(["-HUP", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(hangup.success());
    wait_until("the signal is logged", || {
        let log = std::fs::read_to_string(&log).unwrap();
        log.contains("SIGHUP is ignored: the configuration is read at the start only; restart the program to change it")
    });
    let answer = crate::support::send(&address, "OPTIONS /info/ HTTP/1.1\r\n", b"");
    assert_eq!(answer.status, 200);
    child.kill().unwrap();
    child.wait().unwrap();
}
