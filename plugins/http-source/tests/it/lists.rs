//! What an operator closes, opens and allows.

use intake_plugin_http_source::Settings;

use crate::fake_network::{FakeNetwork, Fetching, say};
use crate::{ending, fetch};

fn list(entries: &[&str]) -> Vec<String> {
    entries.iter().map(|entry| (*entry).to_owned()).collect()
}

/// A world in which every name of the tables below has an address.
fn network() -> FakeNetwork {
    FakeNetwork::default()
        .addresses("example.com", &["93.184.216.34"])
        .addresses("www.example.com", &["93.184.216.34"])
        .addresses("a.b.example.com", &["93.184.216.34"])
        .addresses("notexample.com", &["93.184.216.34"])
        .addresses("xn--bcher-kva.example", &["93.184.216.34"])
        .addresses("home.example", &["1.1.1.1"])
        .addresses("intranet.example", &["10.1.2.3"])
        .addresses("mixed.example", &["10.1.2.3", "192.168.0.1"])
        .addresses("files.internal", &["10.1.2.3"])
        .addresses("wrapped.example", &["::ffff:10.1.2.3"])
        .addresses("translated.example", &["64:ff9b::a01:203"])
}

async fn assert_ends(settings: Settings, table: &[(&str, &str)]) {
    for (source, expected) in table {
        let network = network();
        let ended = ending(fetch(&network.fetcher(settings.clone()), source).await).0;
        assert_eq!(ended, *expected, "{source} with {settings:?}");
        assert!(
            ended == "taken" || network.dialled().is_empty(),
            "{source}: {:?}",
            network.dialled()
        );
    }
}

#[tokio::test]
async fn denied_hosts_are_not_fetched_from() {
    let settings = Settings::default().with(|settings| {
        settings.deny_hosts = list(&[
            "*.Example.COM",
            ".notexample.com.",
            "BÜCHER.example",
            "1.1.1.0/24",
            "8.8.8.8",
        ])
    });
    let table = [
        // Below, and not itself.
        ("http://www.example.com/", "host_forbidden"),
        ("http://WWW.EXAMPLE.COM./", "host_forbidden"),
        ("http://a.b.example.com/", "host_forbidden"),
        ("http://example.com/", "taken"),
        // Below, and itself.
        ("http://notexample.com/", "host_forbidden"),
        ("http://www.notexample.com/", "host_forbidden"),
        ("http://bücher.example/", "host_forbidden"),
        ("http://xn--bcher-kva.example/", "host_forbidden"),
        // An address, however it comes.
        ("http://1.1.1.1/", "host_forbidden"),
        ("http://[::ffff:1.1.1.1]/", "host_forbidden"),
        ("http://[64:ff9b::1.1.1.1]/", "host_forbidden"),
        ("http://[2600::5efe:1.1.1.1]/", "host_forbidden"),
        ("http://home.example/", "host_forbidden"),
        ("http://134744072/", "host_forbidden"),
        ("http://8.8.4.4/", "taken"),
    ];
    assert_ends(settings, &table).await;
}

#[tokio::test]
async fn where_some_hosts_are_allowed_no_other_is_fetched_from() {
    let settings = Settings::default().with(|settings| {
        settings.allow_hosts = list(&[".example.com", "1.1.1.1", "intranet.example"]);
        settings.deny_hosts = list(&["www.example.com"]);
    });
    let table = [
        ("http://example.com/", "taken"),
        ("http://a.b.example.com/", "taken"),
        ("http://www.example.com/", "host_forbidden"),
        ("http://notexample.com/", "host_forbidden"),
        ("http://1.1.1.1/", "taken"),
        ("http://8.8.8.8/", "host_forbidden"),
        // Allowed is not opened.
        ("http://intranet.example/", "address_forbidden"),
    ];
    assert_ends(settings, &table).await;
}

#[tokio::test]
async fn what_is_opened_may_be_inside_and_nothing_else() {
    let settings = Settings::default()
        .with(|settings| settings.open = list(&["10.1.2.0/24", "files.internal", "::1", "localhost"]));
    let table = [
        ("http://10.1.2.3/", "taken"),
        ("http://10.1.3.3/", "address_forbidden"),
        ("http://intranet.example/", "taken"),
        ("http://files.internal/", "taken"),
        ("http://other.internal/", "address_forbidden"),
        ("http://[::1]/", "taken"),
        ("http://127.0.0.1/", "address_forbidden"),
        // Every address has to be.
        ("http://mixed.example/", "address_forbidden"),
        // The same address on the wire is open; one that a gateway would have to translate is not.
        ("http://wrapped.example/", "taken"),
        ("http://translated.example/", "address_forbidden"),
        // Opened, and without an address.
        ("http://localhost/", "host_not_found"),
    ];
    assert_ends(settings, &table).await;
    let closed = Settings::default().with(|settings| {
        settings.open = list(&["10.1.2.0/24"]);
        settings.deny_hosts = list(&["10.1.2.3"]);
    });
    assert_ends(closed, &[("http://intranet.example/", "host_forbidden")]).await;
}

#[tokio::test]
async fn a_redirect_meets_the_same_lists() {
    let network = || {
        network()
            .origin(
                "http://home.example/",
                [say("HTTP/1.1 302 Found\r\nlocation: http://example.com/\r\n\r\n")],
            )
            .origin(
                "http://example.com/",
                [say("HTTP/1.1 307 Found\r\nlocation: http://intranet.example/\r\n\r\n")],
            )
    };
    let ends = async |settings: Settings| {
        let network = network();
        let ended = ending(fetch(&network.fetcher(settings), "http://home.example/").await).0;
        (ended, network.dialled().len())
    };
    let denied = Settings::default().with(|settings| settings.deny_hosts = list(&["example.com"]));
    assert_eq!(ends(denied).await, ("host_forbidden".to_owned(), 1));
    let allowed = Settings::default().with(|settings| settings.allow_hosts = list(&["home.example"]));
    assert_eq!(ends(allowed).await, ("host_forbidden".to_owned(), 1));
    assert_eq!(ends(Settings::default()).await, ("address_forbidden".to_owned(), 2));
    let opened = Settings::default().with(|settings| settings.open = list(&["intranet.example"]));
    assert_eq!(ends(opened).await, ("taken".to_owned(), 3));
}

#[tokio::test]
async fn ports_are_fetched_from_as_they_are_set() {
    let settings = Settings::default().with(|settings| settings.ports = Some(vec![8080]));
    let table = [
        ("http://example.com:8080/", "taken"),
        ("http://example.com/", "url_invalid"),
        ("https://example.com/", "url_invalid"),
    ];
    assert_ends(settings, &table).await;
}
