//! What an operator who sets periods can rely on.

use std::time::{Duration, SystemTime};

use intake_core::plugin::{Build, Stage};
use intake_core::{Digest, Expirer, Facts, Lifetime, Registry, Retention, Settings};
use intake_plugin_retention::Retain;
use serde_json::{Value, json};

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;
/// As the settings count a year: 365.25 days.
const YEAR: u64 = 31_557_600;

fn build(settings: Value) -> Result<Box<dyn Expirer>, String> {
    let Value::Object(table) = settings else {
        panic!("a table")
    };
    let registry = Registry::linked().expect("no name is taken twice");
    let plugin = registry.find(Stage::Expirer, "retention").expect("it is linked");
    let Build::Expirer(build) = plugin.build else {
        panic!("an expirer")
    };
    build(Settings::new(table)).map_err(|error| error.to_string())
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn ask(expirer: &dyn Expirer, retention: Retention) -> Lifetime {
    let facts = Facts::new(1, Digest::from([0; 32]));
    expirer.lifetime(&facts, retention, now())
}

fn kept(seconds: Option<u64>) -> Lifetime {
    Lifetime {
        kept: true,
        expires: seconds.map(|seconds| now() + Duration::from_secs(seconds)),
    }
}

fn temporary(seconds: u64) -> Lifetime {
    Lifetime {
        kept: false,
        expires: Some(now() + Duration::from_secs(seconds)),
    }
}

#[test]
fn an_upload_stays_as_long_as_its_sender_wishes_and_the_operator_allows() {
    let (unsaid, short, keep) = (Retention::Default, Retention::Temporary, Retention::Keep);
    for (settings, retention, lifetime) in [
        // Without settings: a day, or for good, and who says nothing means to keep.
        (json!({}), short, temporary(DAY)),
        (json!({}), keep, kept(None)),
        (json!({}), unsaid, kept(None)),
        // Periods of the operator's.
        (json!({"temporary": "90m"}), short, temporary(HOUR * 3 / 2)),
        (json!({"temporary": "90m"}), keep, kept(None)),
        (json!({"kept": "10y"}), keep, kept(Some(10 * YEAR))),
        (json!({"kept": "10y"}), unsaid, kept(Some(10 * YEAR))),
        (json!({"kept": "10y"}), short, temporary(DAY)),
        // Who says nothing gets what the operator says.
        (json!({"default": "keep"}), unsaid, kept(None)),
        (json!({"default": "temporary"}), unsaid, temporary(DAY)),
        (
            json!({"default": "temporary", "temporary": "1h"}),
            unsaid,
            temporary(HOUR),
        ),
        (json!({"default": "temporary"}), keep, kept(None)),
        (json!({"default": "keep"}), short, temporary(DAY)),
    ] {
        let expirer = build(settings.clone()).expect("settings that make sense");
        assert_eq!(ask(&*expirer, retention), lifetime, "{retention:?} with {settings}");
    }
}

#[test]
fn a_period_without_end_is_for_good() {
    let endless = Retain::new(Duration::MAX).kept_for(Duration::MAX);
    for retention in [Retention::Default, Retention::Temporary, Retention::Keep] {
        assert_eq!(ask(&endless, retention).expires, None, "{retention:?}");
    }
    // Who asked for a while did not ask to keep it, however long the while.
    assert!(!ask(&endless, Retention::Temporary).kept);
}

#[test]
fn who_embeds_it_says_the_same_in_rust() {
    let retain = Retain::new(Duration::from_secs(HOUR))
        .kept_for(Duration::from_secs(YEAR))
        .temporary_by_default();
    assert_eq!(ask(&retain, Retention::Default), temporary(HOUR));
    assert_eq!(ask(&retain, Retention::Temporary), temporary(HOUR));
    assert_eq!(ask(&retain, Retention::Keep), kept(Some(YEAR)));

    assert_eq!(ask(&Retain::default(), Retention::Default), kept(None));
    assert_eq!(ask(&Retain::default(), Retention::Temporary), temporary(DAY));
}

#[test]
fn settings_that_make_no_sense_are_named() {
    for (settings, says) in [
        (json!({"temporay": "1h"}), "temporay: unknown field `temporay`"),
        (json!({"temporary": "soon"}), "temporary: expected a length of time"),
        (json!({"temporary": 3600}), "temporary: expected a length of time"),
        (json!({"temporary": "0s"}), "temporary: must be greater than zero"),
        (json!({"kept": "0s"}), "kept: must be greater than zero"),
        (
            json!({"default": "forever"}),
            "default: unknown variant `forever`, expected `keep` or `temporary`",
        ),
    ] {
        let error = build(settings.clone()).expect_err("makes no sense");
        assert!(error.starts_with(says), "{settings}: {error}");
    }
}

#[test]
fn the_contract_of_expirers_is_kept() {
    let day = Duration::from_secs(DAY);
    intake_core::testkit::expirer(Retain::default());
    intake_core::testkit::expirer(Retain::new(day).temporary_by_default().kept_for(7 * day));
    intake_core::testkit::expirer(Retain::new(Duration::MAX).kept_for(Duration::MAX));
}
