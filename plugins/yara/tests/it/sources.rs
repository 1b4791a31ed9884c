//! Where rules come from, and what is said of wrong ones.

use std::fs::File;

use intake_plugin_yara::Settings;
use serde_json::{Value, json};

use crate::{FINDS_MARKER, MARKER, build, folder, matched, own, refusal};

#[test]
fn wrong_rules_are_named_with_file_line_and_column() {
    for (text, says) in [
        ("rule a { condition: }", "own.yar:1:21: syntax error"),
        (
            "rule a { condition: true }\n\n  rule b {\n  condition: nothing }",
            "own.yar:4:14: unknown identifier `nothing`: this identifier",
        ),
        (
            "rule a { strings: $a = \"x\" condition: true }",
            "own.yar:1:19: unused pattern `$a`",
        ),
        (
            "// é\n/* ü */ rule a { condition: 1 + \"x\" }",
            "own.yar:2:33: wrong type",
        ),
        (
            "rule a { strings: $a = /(/ condition: $a }",
            "own.yar:1:25: invalid regular expression",
        ),
        (
            "rule a { condition: true } rule a { condition: true }",
            "own.yar:1:33: duplicate rule `a`",
        ),
        (
            "import \"cuckoo\" rule a { condition: true }",
            "own.yar:1:1: unknown module `cuckoo`",
        ),
        ("include \"other.yar\"", "own.yar:1:1: include statements not allowed"),
        (
            "rule a { condition: filename == \"x\" }",
            "own.yar:1:21: unknown identifier `filename`",
        ),
        ("", "rules: there is no rule in them"),
    ] {
        let error = build(folder(&[("own.yar", text)]).path(), |_| {}).expect_err(text);
        assert!(error.contains(says), "{text}: {error}");
        assert!(error.starts_with("rules"), "{error}");
    }
}

#[test]
fn all_files_that_are_wrong_are_named_at_once() {
    let rules = folder(&[
        ("one.yar", "rule"),
        ("two.yar", "rule a { condition: true }"),
        ("three.yar", "rule a {}"),
    ]);
    let error = build(rules.path(), |_| {}).expect_err("wrong");
    assert!(
        error.contains("one.yar:1:") && error.contains("three.yar:1:"),
        "{error}"
    );
    assert!(!error.contains("two.yar"), "{error}");
}

#[test]
fn text_that_is_not_utf_8_is_named() {
    let rules = folder(&[]);
    std::fs::write(rules.path().join("own.yar"), b"rule a { condition: true }\n// \xFF").expect("a file");
    let error = build(rules.path(), |_| {}).expect_err("not UTF-8");
    assert!(error.contains("own.yar:2:4: invalid UTF-8"), "{error}");
}

#[tokio::test]
async fn rules_of_modules_that_are_left_out_do_not_stop_the_others() {
    let text = format!(
        "import \"cuckoo\" rule first {{ condition: cuckoo.network.http_get(/a/) == 1 }} {FINDS_MARKER} rule second {{ condition: first }}"
    );
    let rules = folder(&[("own.yar", &text)]);
    let scanner = build(rules.path(), |settings| {
        settings.ignore_modules = vec!["cuckoo".to_owned()]
    });
    let scanner = scanner.expect("the rest compiles");
    assert_eq!(matched(&scanner, MARKER).await, ["own:marker"]);
}

#[tokio::test]
async fn files_may_have_any_name_and_are_read_once() {
    let rules = folder(&[("rules.txt", FINDS_MARKER), ("below/own.yar", FINDS_MARKER)]);
    let file = rules.path().join("rules.txt");
    let scanner = build(&file, |settings| {
        settings.rules.push(file.clone());
        settings.rules.push(rules.path().join("below"));
        settings.rules.push(rules.path().join("below/../below/own.yar"));
    });
    assert_eq!(
        matched(&scanner.expect("they compile"), MARKER).await,
        ["own:marker", "rules:marker"]
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_as_kubernetes_mounts_it_is_read_once() {
    let rules = folder(&[("..2026_11_30/own.yar", FINDS_MARKER)]);
    let path = rules.path();
    std::os::unix::fs::symlink("..2026_11_30", path.join("..data")).expect("a link");
    std::os::unix::fs::symlink("..data/own.yar", path.join("own.yar")).expect("a link");
    let scanner = build(path, |_| {}).expect("they compile");
    assert_eq!(matched(&scanner, MARKER).await, ["own:marker"]);
}

#[test]
fn what_is_too_much_or_not_there_is_named() {
    let rules = folder(&[("own.yar", FINDS_MARKER), ("empty/readme.txt", "")]);
    let path = rules.path();
    let says = |error: Result<_, String>, says: &str| {
        let error = error.expect_err(says);
        assert!(error.starts_with("rules[") && error.contains(says), "{error}");
    };
    says(build(&path.join("absent"), |_| {}), "absent cannot be read");
    says(
        build(&path.join("empty"), |_| {}),
        "empty has no file that ends in .yar or .yara",
    );
    // Sparse: it takes no disk.
    let large = File::create(path.join("large.yar")).expect("a file");
    large.set_len((64 << 20) + 1).expect("sparse");
    says(build(path, |_| {}), "more than 64 MiB");
    std::fs::remove_file(path.join("large.yar")).expect("removed");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(path, path.join("loop")).expect("a link");
        says(build(path, |_| {}), "more than 16 folders deep");
    }
}

#[tokio::test]
async fn rules_are_those_of_the_start() {
    let rules = folder(&[("own.yar", FINDS_MARKER)]);
    let scanner = build(rules.path(), |_| {}).expect("they compile");
    std::fs::write(rules.path().join("own.yar"), "rule").expect("a file");
    assert_eq!(refusal(&scanner, MARKER).await.as_deref(), Some("own:marker"));
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let rules = folder(&[("own.yar", FINDS_MARKER)]);
    let path = rules.path().to_str().expect("UTF-8");
    let mut settings = json!({
        "rules": [path], "note_tags": [], "ignore_modules": ["vt"], "max_scan_size": "1 MiB", "at_a_time": 1,
        "timeout": "1s", "wait": "0s", "max_matches": 1, "spool_folder": "/tmp", "spool_size": "2 MiB",
    });
    let build = |settings: &Value| {
        let settings: Settings = serde_json::from_value(settings.clone()).map_err(|error| error.to_string())?;
        build(rules.path(), |own| *own = settings)
    };
    build(&settings).expect("they make sense");
    for (name, value, says) in [
        ("rule", json!([path]), "unknown field `rule`"),
        ("rules", json!([]), "rules: names no file"),
        (
            "rules",
            json!(["/no/such/file"]),
            "rules[0]: /no/such/file cannot be read",
        ),
        ("max_scan_size", json!("0 B"), "max_scan_size"),
        ("max_scan_size", json!("3 GiB"), "max_scan_size"),
        ("max_scan_size", json!("2 MiB"), "spool_size"),
        ("at_a_time", json!(0), "at_a_time"),
        ("timeout", json!("10ms"), "timeout"),
        ("timeout", json!("2h"), "timeout"),
        ("wait", json!("2h"), "wait"),
        ("max_matches", json!(0), "max_matches"),
    ] {
        let before = settings[name].take();
        settings[name] = value;
        let error = build(&settings).expect_err(says);
        assert!(error.contains(says), "{error}");
        settings[name] = before;
        if settings[name].is_null() {
            settings.as_object_mut().expect("a table").remove(name);
        }
    }
}

#[tokio::test]
async fn a_comment_at_the_end_or_a_byte_order_mark_is_no_mistake() {
    let scanner = own(&format!("{FINDS_MARKER}\r\n// the end"));
    assert_eq!(refusal(&scanner, MARKER).await.as_deref(), Some("own:marker"));
}
