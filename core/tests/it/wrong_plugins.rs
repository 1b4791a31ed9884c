//! Plugins that each break a rule. The suites catch them, with a report that names the rule.

mod expirers;
mod fetchers;
mod notifiers;
mod parts;
mod recorders;
mod scanners;
mod stores;
mod validators;

use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::time::Duration;

use futures_util::FutureExt;
use intake_core::testkit::{Checked, Patience};

/// Limits that are short enough for a test that waits for them, and long enough for a busy machine.
static PATIENCE: LazyLock<Patience> = LazyLock::new(|| {
    Patience::default().with(|patience| {
        patience.call = Duration::from_secs(3);
        patience.thread = Duration::from_millis(500);
    })
});

/// Longer than any limit: a suite that does not end such a call would hang.
const LONG: Duration = Duration::from_secs(3600);

/// Runs a suite on a wrong plugin, and checks that the report names this rule, the call, what was expected and what was seen.
async fn caught_by(rule: &str, plugin: &str, suite: impl Future<Output = Checked>) {
    let payload = match AssertUnwindSafe(suite).catch_unwind().await {
        Ok(checked) => panic!("{plugin} passes, although it breaks `{rule}`:\n{checked}"),
        Err(payload) => payload,
    };
    let report = payload.downcast_ref::<String>().expect("a report as text");
    let lines: Vec<_> = report.lines().collect();
    assert_eq!(lines[0], format!("rule: {rule}"), "{plugin}:\n{report}");
    for (line, name) in lines[1..].iter().zip(["asked: ", "expected: ", "seen: "]) {
        let said = line
            .strip_prefix(name)
            .unwrap_or_else(|| panic!("{plugin}: no {name}\n{report}"));
        assert!(!said.trim().is_empty() && said != "nothing yet", "{plugin}:\n{report}");
    }
}
