//! Origins that misbehave: each ends in its code, within its bound. Time is the runtime's own and stands still until all wait.

use std::time::Duration;

use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
use intake_core::{Error, Fetcher, Interruption, Pipeline, UploadOptions};
use intake_plugin_http_source::Settings;
use tokio::time::Instant;

use crate::fake_network::{Answer, FakeNetwork, Fetching, Step, say};
use crate::{ending, fetch};

const SOURCE: &str = "http://home.example/";
const OK: &str = "HTTP/1.1 200 OK\r\n";

fn settings() -> Settings {
    Settings::default().with(|settings| {
        settings.connect_timeout = Some(Duration::from_secs(3));
        settings.header_timeout = Some(Duration::from_secs(5));
        settings.idle_timeout = Some(Duration::from_secs(7));
        settings.timeout = Some(Duration::from_secs(60));
    })
}

/// Fetches, and answers with the ending and the seconds that it took.
async fn run(network: &FakeNetwork) -> ((String, String, bool), u64) {
    let begun = Instant::now();
    let ended = ending(fetch(&network.fetcher(settings()), SOURCE).await);
    (ended, begun.elapsed().as_secs())
}

fn seconds(count: u64) -> Step {
    Step::Wait(Duration::from_secs(count))
}

#[tokio::test(start_paused = true)]
async fn an_origin_that_misbehaves_ends_in_its_code() {
    let head = |more: &str| say(format!("{OK}{more}\r\n"));
    let many = (0..200).map(|at| format!("x-{at}: y\r\n")).collect::<String>();
    let long = format!("x: {}\r\n", "y".repeat(100_000));
    for (what, steps, expected) in [
        // The source says no.
        (
            "not there",
            vec![say("HTTP/1.1 404 Not Found\r\n\r\n")],
            ("download_client_error", "404", false),
        ),
        (
            "gone",
            vec![say("HTTP/1.1 410 Gone\r\n\r\n")],
            ("download_client_error", "410", false),
        ),
        (
            "not allowed",
            vec![say("HTTP/1.1 401 Unauthorized\r\n\r\n")],
            ("download_client_error", "401", false),
        ),
        (
            "throttled",
            vec![say("HTTP/1.1 429 Slow Down\r\n\r\n")],
            ("download_client_error", "429", true),
        ),
        (
            "too slow",
            vec![say("HTTP/1.1 408 Timeout\r\n\r\n")],
            ("download_client_error", "408", true),
        ),
        (
            "broken",
            vec![say("HTTP/1.1 500 Oops\r\n\r\n")],
            ("download_server_error", "500", true),
        ),
        (
            "busy",
            vec![say("HTTP/1.1 503 Busy\r\n\r\n")],
            ("download_server_error", "503", true),
        ),
        // Answers that are no file.
        (
            "no content",
            vec![say("HTTP/1.1 204 No Content\r\n\r\n")],
            ("download_failed", "204", false),
        ),
        (
            "a part",
            vec![say("HTTP/1.1 206 Partial\r\ncontent-length: 1\r\n\r\nx")],
            ("download_failed", "206", false),
        ),
        (
            "not modified",
            vec![say("HTTP/1.1 304 Not Modified\r\n\r\n")],
            ("download_failed", "304", false),
        ),
        (
            "nowhere",
            vec![say("HTTP/1.1 302 Found\r\n\r\n")],
            ("download_failed", "302", false),
        ),
        (
            "packed in a way that is not unpacked",
            vec![head("Content-Encoding: identity, Compress\r\n")],
            ("download_failed", "content-encoding: compress", false),
        ),
        (
            "packed twice",
            vec![head("Content-Encoding: gzip, BR\r\n")],
            ("download_failed", "content-encoding: packed more than once", false),
        ),
        (
            "packed on the way",
            vec![head("transfer-encoding: gzip, chunked\r\n"), say("0\r\n\r\n")],
            ("download_failed", "transfer-encoding: gzip", false),
        ),
        // What is no HTTP.
        (
            "another protocol",
            vec![say("220 mail.example ESMTP\r\n")],
            ("download_network_error", "invalid HTTP", false),
        ),
        (
            "HTTP/0.9",
            vec![say("<html>hello</html>")],
            ("download_network_error", "invalid HTTP", false),
        ),
        (
            "two lengths",
            vec![head("content-length: 1\r\ncontent-length: 2\r\n")],
            ("download_network_error", "invalid HTTP", false),
        ),
        (
            "no length",
            vec![head("content-length: -1\r\n")],
            ("download_network_error", "invalid HTTP", false),
        ),
        (
            "many headers",
            vec![head(&many)],
            ("download_network_error", "headers too large", false),
        ),
        (
            "long headers",
            vec![head(&long)],
            ("download_network_error", "headers too large", false),
        ),
        (
            "many lines that are no headers",
            vec![head(&"no header\r\n".repeat(10_000))],
            ("download_network_error", "headers too large", false),
        ),
        (
            "a null character among the headers",
            vec![head("x: a\0b\r\n")],
            ("download_network_error", "invalid HTTP", false),
        ),
        // Connections that end too early.
        (
            "no answer",
            vec![],
            ("download_network_error", "connection closed early", true),
        ),
        (
            "half a head",
            vec![say("HTTP/1.1 200 OK\r\nconte")],
            ("download_network_error", "connection closed early", true),
        ),
        (
            "less than said",
            vec![head("content-length: 9\r\n"), say("four")],
            ("download_network_error", "connection closed early", true),
        ),
        (
            "no last chunk",
            vec![head("transfer-encoding: chunked\r\n"), say("4\r\nfour\r\n")],
            ("download_network_error", "connection closed early", true),
        ),
        (
            "reset at once",
            vec![Step::Reset],
            ("download_network_error", "connection reset", true),
        ),
        (
            "reset half way",
            vec![head("content-length: 9\r\n"), say("four"), Step::Reset],
            ("download_network_error", "connection reset", true),
        ),
        // Silence and slowness.
        ("silent", vec![Step::Hang], ("download_timed_out", "5", true)),
        (
            "silent in the head",
            vec![say("HTTP/1.1 200 OK\r\n"), Step::Hang],
            ("download_timed_out", "5", true),
        ),
        (
            "slow head",
            vec![say(OK), Step::Repeat(b"x: y\r\n".to_vec(), Duration::from_secs(1))],
            ("download_timed_out", "5", true),
        ),
        (
            "never done greeting",
            vec![Step::Repeat(
                b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(),
                Duration::from_secs(1),
            )],
            ("download_timed_out", "5", true),
        ),
        (
            "silent in the bytes",
            vec![head("content-length: 9\r\n"), say("four"), Step::Hang],
            ("download_timed_out", "7", true),
        ),
        (
            "slow drip",
            vec![head(""), Step::Repeat(b".".to_vec(), Duration::from_secs(6))],
            ("download_too_slow", "500", true),
        ),
        (
            "slow chunks",
            vec![
                head("transfer-encoding: chunked\r\n"),
                Step::Repeat(b"1\r\n.\r\n".to_vec(), Duration::from_secs(6)),
            ],
            ("download_too_slow", "500", true),
        ),
        (
            "slow, above the least rate, and without end",
            vec![head(""), Step::Repeat(b".".repeat(1200), Duration::from_secs(2))],
            ("download_timed_out", "60", true),
        ),
        (
            "very many tiny chunks",
            vec![
                head("transfer-encoding: chunked\r\n"),
                Step::Repeat(b"1\r\n.\r\n".repeat(1000), Duration::ZERO),
            ],
            ("download_failed", "tiny chunks", true),
        ),
        (
            "a chunk's head without end",
            vec![
                head("transfer-encoding: chunked\r\n"),
                Step::Repeat(b"1;x".to_vec(), Duration::from_secs(1)),
            ],
            ("download_timed_out", "7", true),
        ),
    ] {
        let ((code, subject, again), took) = run(&FakeNetwork::default().at_home(steps)).await;
        assert_eq!((code.as_str(), subject.as_str(), again), expected, "{what}");
        assert!(took <= 60, "{what} took {took} seconds");
    }
}

#[tokio::test(start_paused = true)]
async fn a_way_that_does_not_lead_anywhere_ends_in_its_code() {
    let addresses = ["1.1.1.1", "1.0.0.1", "2606:4700:4700::1111"];
    let named = || FakeNetwork::default().addresses("home.example", &addresses);
    let ends = async |network: FakeNetwork| {
        let ((code, subject, again), took) = run(&network).await;
        assert!(took <= 3, "took {took} seconds");
        assert!(again, "{code} may pass");
        (code, subject, network.dialled().len())
    };
    let silent = FakeNetwork::default().name("home.example", Answer::Never);
    assert_eq!(ends(silent).await, ("download_timed_out".into(), "3".into(), 0));
    let refused = addresses
        .iter()
        .fold(named(), |network, address| network.refusing(address));
    assert_eq!(
        ends(refused).await,
        ("download_network_error".into(), "connection refused".into(), 3)
    );
    let silent = addresses
        .iter()
        .fold(named(), |network, address| network.silent(address));
    assert_eq!(ends(silent).await, ("download_timed_out".into(), "3".into(), 3));
    // One that works is found behind those that do not, and no more than four are tried.
    let network = named().silent("1.1.1.1").refusing("1.0.0.1");
    assert_eq!(run(&network).await.0.0, "taken");
    let many: Vec<_> = (1..=9).map(|at| format!("1.1.1.{at}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let refused = many.iter().fold(
        FakeNetwork::default().addresses("home.example", &many),
        |network, at| network.refusing(at),
    );
    assert_eq!(ends(refused).await.2, 4);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_not_there_or_slow_is_worth_fewer_tries() {
    let at = |steps: Vec<Step>| FakeNetwork::default().at_home(steps);
    let silent = || FakeNetwork::default().addresses("home.example", &["1.1.1.1"]);
    for (what, network, most) in [
        ("takes no connections", silent().refusing("1.1.1.1"), Some(3)),
        (
            "is not found now",
            FakeNetwork::default().name("home.example", Answer::Unanswered),
            Some(3),
        ),
        ("never answers", silent().silent("1.1.1.1"), Some(2)),
        ("says nothing", at(vec![Step::Hang]), Some(2)),
        ("stops", at(vec![say(format!("{OK}\r\nx")), Step::Hang]), Some(2)),
        (
            "drips",
            at(vec![
                say(format!("{OK}\r\n")),
                Step::Repeat(b".".to_vec(), Duration::from_secs(6)),
            ]),
            Some(2),
        ),
        // It has used up all the time that there is.
        (
            "goes on for ever",
            at(vec![
                say(format!("{OK}\r\n")),
                Step::Repeat(b".".repeat(4000), Duration::from_secs(6)),
            ]),
            Some(1),
        ),
        ("is busy", at(vec![say("HTTP/1.1 503 Busy\r\n\r\n")]), None),
        (
            "breaks off",
            at(vec![say(format!("{OK}content-length: 9\r\n\r\nfour"))]),
            None,
        ),
    ] {
        let Err(Error::Interrupted(why)) = fetch(&network.fetcher(settings()), SOURCE).await else {
            panic!("a source that {what} may be there again");
        };
        assert_eq!(why.downcast_ref::<Interruption>().unwrap().most_tries, most, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn everything_together_may_take_no_longer_than_set() {
    let slow = |to: &str| vec![seconds(4), say(format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\n\r\n"))];
    let network = FakeNetwork::default()
        .at_home(slow("/1"))
        .origin("http://home.example/1", slow("/2"));
    let settings = settings().with(|settings| settings.timeout = Some(Duration::from_secs(6)));
    let begun = Instant::now();
    let (code, subject, _) = ending(fetch(&network.fetcher(settings), SOURCE).await);
    assert_eq!((code.as_str(), subject.as_str()), ("download_timed_out", "6"));
    assert_eq!(begun.elapsed().as_secs(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_no_silent_origin() {
    let network = FakeNetwork::default().at_home([
        say(format!("{OK}content-length: 8\r\n\r\nfour")),
        seconds(32),
        say("more"),
    ]);
    let incoming = network.fetcher(settings()).receive(SOURCE).await.unwrap();
    // Of the silence, it has waited for two seconds only.
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(crate::read(incoming).await.unwrap(), b"fourmore");
}

#[tokio::test(start_paused = true)]
async fn an_endless_body_is_read_as_far_as_the_pipeline_takes_it_and_no_further() {
    const LIMIT: u64 = 1 << 20;
    let zeros = Step::Repeat(vec![0; 64 * 1024], Duration::ZERO);
    for length in ["", "content-length: 999999999999\r\n"] {
        let network = FakeNetwork::default().at_home([say(format!("{OK}{length}\r\n")), zeros.clone()]);
        let pipeline = Pipeline::builder()
            .fetcher("pull", network.fetcher(settings()))
            .store(MemoryStore::default())
            .recorder(MemoryRecorder::default())
            .expirer(KeepAll)
            .limits(intake_core::Limits::default().with(|limits| {
                limits.max_size = LIMIT;
                limits.timeout = Duration::from_secs(60);
            }))
            .build()
            .unwrap();
        let error = pipeline.fetch(SOURCE, UploadOptions::default()).await.unwrap_err();
        assert_eq!(error.code(), intake_core::codes::TOO_LARGE);
        // What lay in buffers, beside what was read.
        assert!(
            network.sent() < LIMIT + 256 * 1024,
            "{} bytes were sent",
            network.sent()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_are_not_read_before_they_are_asked_for() {
    let network = FakeNetwork::default().at_home([
        say(format!("{OK}\r\n")),
        Step::Repeat(vec![0; 64 * 1024], Duration::ZERO),
    ]);
    let incoming = network.fetcher(settings()).receive(SOURCE).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(network.sent() < 128 * 1024, "{} bytes were sent", network.sent());
    drop(incoming);
}

#[tokio::test(start_paused = true)]
async fn an_error_among_the_bytes_says_what_it_is() {
    let network = FakeNetwork::default().at_home([say(format!("{OK}content-length: 9\r\n\r\nfour")), Step::Hang]);
    let incoming = network.fetcher(settings()).receive(SOURCE).await.unwrap();
    let pieces: Vec<_> = futures_util::StreamExt::collect(incoming.body).await;
    let errors: Vec<_> = pieces.into_iter().filter_map(Result::err).collect();
    let [error] = &errors[..] else { panic!("{errors:?}") };
    let why = error.downcast_ref::<Interruption>().unwrap();
    assert_eq!(why.rejection.code.as_str(), "download_timed_out");
}
