//! The table of hostile URLs in `outbound/src/testkit/hostile.txt`: no connection to an address that is not public is ever opened.

use intake_core::Fetcher;
use intake_outbound::testkit::{hostile, inside};
use intake_plugin_http_source::Settings;

use crate::fake_network::{FakeNetwork, Fetching, say};
use crate::{ending, fetch};

#[tokio::test]
async fn no_source_ever_opens_a_connection_to_an_address_that_is_not_public() {
    let mut wrong = Vec::new();
    for row in hostile() {
        let network = row.network();
        let ended = ending(fetch(&network.fetcher(Settings::default()), &row.source).await).0;
        let (dialled, opened) = (network.dialled(), inside(&network.dialled()));
        if ended != row.ending || !opened.is_empty() || (ended == "taken" && dialled.is_empty()) {
            wrong.push(format!(
                "line {}: {:?} ended as {ended} and opened {opened:?}",
                row.line, row.source
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn judging_a_source_opens_nothing_and_says_the_same_of_its_first_hop() {
    let mut wrong = Vec::new();
    for row in hostile() {
        let network = row.network();
        let judged = network.fetcher(Settings::default()).judge(&row.source).await;
        let ended = ending(judged.map(|()| b"taken".to_vec())).0;
        // What a later hop leads to is not known yet.
        let as_expected = ended == row.ending || (ended == "taken" && row.world.contains("=>"));
        if !as_expected || !network.dialled().is_empty() {
            wrong.push(format!("line {}: {:?} was judged {ended}", row.line, row.source));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn an_answer_that_changes_after_a_source_was_judged_is_judged_again() {
    let network = FakeNetwork::default()
        .addresses("evil.example", &["93.184.216.34"])
        .addresses("evil.example", &["127.0.0.1"]);
    let fetcher = network.fetcher(Settings::default());
    assert!(fetcher.judge("http://evil.example/").await.is_ok());
    let (ended, subject, again) = ending(fetch(&fetcher, "http://evil.example/").await);
    assert_eq!(
        (ended.as_str(), subject.as_str(), again),
        ("address_forbidden", "evil.example", false)
    );
    assert_eq!(network.dialled(), []);
}

#[tokio::test]
async fn what_is_too_long_or_no_host_is_not_followed_from_wherever_it_comes() {
    let long = format!("http://pub.example/{}", "x".repeat(8192));
    let network = FakeNetwork::default().addresses("pub.example", &["93.184.216.34"]);
    let ends = async |source: &str| {
        let (ended, subject, _) = ending(fetch(&network.fetcher(Settings::default()), source).await);
        (ended, subject)
    };
    assert_eq!(ends(&long).await, ("url_invalid".into(), "too long".into()));
    // Bytes that are not UTF-8 become longer, and are no part of a host.
    let grows = [&b"/"[..], &[0xef; 3000]].concat();
    for (location, code, subject) in [
        (long.as_bytes(), "url_invalid", "too long"),
        (&grows, "url_invalid", "too long"),
        (b"http://na\xefve.example/", "url_host_malformed", ""),
    ] {
        let answer = [b"HTTP/1.1 302 Found\r\nlocation: ", location, b"\r\n\r\n"].concat();
        let _ = network.clone().origin("http://pub.example/", [say(answer)]);
        assert_eq!(ends("http://pub.example/").await, (code.into(), subject.into()));
    }
}

#[test]
fn the_table_is_long_and_says_where_each_row_is_from() {
    let rows = hostile();
    let hostile = rows.iter().filter(|row| row.ending != "taken").count();
    assert!(hostile >= 120, "{hostile} rows");
    for row in &rows {
        assert!(!row.from.is_empty(), "line {} says not where it is from", row.line);
    }
    for (at, row) in rows.iter().enumerate() {
        let same = rows[..at]
            .iter()
            .find(|other| other.source == row.source && other.world == row.world);
        assert!(same.is_none(), "line {} is there already", row.line);
    }
}
