//! Which rules refuse, and what is noted.

use intake_core::{Coverage, Verdict};

use crate::{MARKER, build, folder, matched, note, own, own_with, refusal, scan};

#[tokio::test]
async fn every_rule_refuses_that_is_neither_private_nor_tagged_as_information() {
    for (rule, refuses, is_noted) in [
        ("rule a { condition: true }", Some("own:a"), true),
        ("rule a { condition: false }", None, false),
        ("rule a : malware { condition: true }", Some("own:a"), true),
        ("rule a : info { condition: true }", None, true),
        ("rule a : malware info { condition: true }", None, true),
        ("rule a : Info { condition: true }", Some("own:a"), true),
        ("private rule a { condition: true }", None, false),
        (
            "private rule a { condition: true } rule b { condition: a }",
            Some("own:b"),
            true,
        ),
        (
            "rule a : info { condition: true } rule b { condition: a }",
            Some("own:b"),
            true,
        ),
        (
            "global private rule a { condition: false } rule b { condition: true }",
            None,
            false,
        ),
        (
            "global private rule a { condition: true } rule b { condition: true }",
            Some("own:b"),
            true,
        ),
        ("global rule a { condition: true }", Some("own:a"), true),
        (
            "rule z { condition: true } rule b { condition: true }",
            Some("own:b"),
            true,
        ),
        (
            "rule z { condition: true } rule b : info { condition: true }",
            Some("own:z"),
            true,
        ),
    ] {
        let scanner = own(rule);
        assert_eq!(refusal(&scanner, "any").await.as_deref(), refuses, "{rule}");
        assert_eq!(note(&scan(&scanner, "any").await).is_some(), is_noted, "{rule}");
    }
}

#[tokio::test]
async fn the_tags_of_rules_that_only_note_can_be_chosen() {
    let rules = "rule a : low { condition: true } rule b : info { condition: true }";
    for (tags, refuses) in [
        (&["low", "info"][..], None),
        (&["low"], Some("own:b")),
        (&[], Some("own:a")),
    ] {
        let scanner = own_with(rules, |settings| {
            settings.note_tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        });
        assert_eq!(refusal(&scanner, "any").await.as_deref(), refuses, "{tags:?}");
    }
}

#[tokio::test]
async fn the_note_lists_the_rules_that_match_with_their_tags() {
    let scanner = own("rule z : bad worse { condition: true } rule b : info { condition: true }");
    let report = scan(&scanner, "any").await;
    assert_eq!(
        report.notes["yara"],
        serde_json::json!({
            "rules": [
                {"name": "own:z", "tags": ["bad", "worse"], "refuses": true},
                {"name": "own:b", "tags": ["info"], "refuses": false},
            ],
            "more": 0,
        })
    );
    assert_eq!(report.coverage, Coverage::Whole);
    assert_eq!(report.bytes, Some(3));
}

#[tokio::test]
async fn the_note_is_bounded_and_forgets_no_rule_that_refuses() {
    let many: String = (0..100)
        .map(|number| format!("rule a{number} : info {{ condition: true }}\n"))
        .collect();
    let report = scan(&own(&format!("{many} rule z {{ condition: true }}")), "any").await;
    let note = note(&report).expect("a note");
    assert_eq!((note.rules.len(), note.more), (64, 37));
    assert_eq!(note.rules[0].name, "own:z");
    assert_ne!(report.verdict, Verdict::Accept);
}

#[tokio::test]
async fn the_sender_is_told_which_rule_and_nothing_of_its_text() {
    let rule = r#"rule marker { meta: description = "internal" strings: $a = "TEST-MARKER" condition: $a }"#;
    let verdict = scan(&own(rule), MARKER).await.verdict;
    let rejection = verdict.rejection().expect("refused");
    assert_eq!(rejection.code.as_str(), "yara_match");
    assert_eq!(
        rejection.message,
        "the content matches a rule for harmful or unwanted content"
    );
    assert_eq!(rejection.subject.as_deref(), Some("own:marker"));
}

#[tokio::test]
async fn rules_of_different_files_may_have_the_same_name_and_do_not_see_each_other() {
    let rules = folder(&[
        ("a.yar", "rule same { condition: true }"),
        ("below/a.yara", "rule same { condition: filesize > 1 }"),
        ("below/deeper/b.YAR", "rule same { condition: true }"),
        (
            "c.yar",
            "global private rule never { condition: false } rule same { condition: true }",
        ),
        ("readme.txt", "no rule"),
        (".hidden/a.yar", "no rule"),
    ]);
    let scanner = build(rules.path(), |_| {}).expect("they compile");
    assert_eq!(
        matched(&scanner, "any").await,
        ["a:same", "below/a:same", "below/deeper/b:same"]
    );
    let rules = folder(&[
        ("a.yar", "rule one { condition: true }"),
        ("b.yar", "rule two { condition: one }"),
    ]);
    let error = build(rules.path(), |_| {}).expect_err("the other file is not seen");
    assert!(error.contains("b.yar:1:23: unknown identifier `one`"), "{error}");
}
