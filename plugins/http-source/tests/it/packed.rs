//! Files that a source packs although it is asked not to, and answers that say so and pack nothing.

use std::time::Duration;

use async_compression::Level;
use async_compression::tokio::bufread::{BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use async_compression::zstd::CParameter;
use futures_util::TryStreamExt;
use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
use intake_core::testkit::noise;
use intake_core::{BoxError, Bytes, Error, Fetcher, Incoming, Limits, Pipeline, UploadOptions};
use intake_plugin_http_source::Settings;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::fake_network::{FakeNetwork, Fetching, Step, say};

/// The bytes, packed as a source may pack them.
async fn packed(how: &str, bytes: &[u8]) -> Vec<u8> {
    let mut packer: Box<dyn AsyncRead + Unpin> = match how {
        "gzip" => Box::new(GzipEncoder::new(bytes)),
        "zlib" => Box::new(ZlibEncoder::new(bytes)),
        "bare deflate" => Box::new(DeflateEncoder::new(bytes)),
        "br" => Box::new(BrotliEncoder::new(bytes)),
        "zstd" => Box::new(ZstdEncoder::new(bytes)),
        "zstd, with a window of 16 MiB" => {
            let window = [CParameter::window_log(24)];
            Box::new(ZstdEncoder::with_quality_and_params(bytes, Level::Default, &window))
        }
        how => panic!("nothing packs as {how}"),
    };
    let mut packed = Vec::new();
    packer.read_to_end(&mut packed).await.unwrap();
    packed
}

fn answer(headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

async fn receive(path: &str, steps: impl Into<Vec<Step>>) -> Result<Incoming, Error> {
    let url = format!("http://home.example{path}");
    let network = FakeNetwork::default().at_home([]).origin(&url, steps);
    network.fetcher(Settings::default()).receive(&url).await
}

/// Everything that the source gives, or how it ended: as a refusal that is final, or as something that may pass.
async fn read(incoming: Incoming) -> Result<Vec<u8>, Error> {
    let pieces: Result<Vec<Bytes>, BoxError> = incoming.body.try_collect().await;
    pieces
        .map(|pieces| pieces.concat())
        .map_err(|error| match error.downcast() {
            Ok(error) => *error,
            Err(error) => Error::Interrupted(error),
        })
}

async fn ending(incoming: Result<Incoming, Error>) -> (String, bool) {
    let error = match incoming {
        Ok(incoming) => match read(incoming).await {
            Ok(bytes) => panic!("{} bytes were taken", bytes.len()),
            Err(error) => error,
        },
        Err(error) => error,
    };
    let may_pass = matches!(error, Error::Interrupted(_));
    assert_eq!(error.code().as_str(), "download_failed", "{error}");
    (error.rejection().unwrap().subject.clone().unwrap_or_default(), may_pass)
}

#[tokio::test(start_paused = true)]
async fn a_packed_file_is_unpacked_however_it_comes() {
    let file = [
        noise(1, 70_000),
        b"the same again, ".repeat(20_000).into(),
        noise(2, 10),
    ]
    .concat();
    for (how, headers) in [
        ("gzip", "content-encoding: gzip\r\n"),
        ("gzip", "Content-Encoding: X-GZIP\r\n"),
        ("zlib", "content-encoding: deflate\r\n"),
        ("bare deflate", "content-encoding: deflate\r\n"),
        ("br", "content-encoding: br\r\n"),
        ("zstd", "content-encoding: zstd\r\n"),
        ("br", "content-encoding: identity\r\ncontent-encoding: br\r\n"),
        ("gzip", "content-encoding: aws-chunked,gzip\r\n"),
    ] {
        let answer = answer(headers, &packed(how, &file).await);
        let whole = vec![say(&answer)];
        let in_bytes: Vec<_> = answer[..300].chunks(1).chain([&answer[300..]]).map(say).collect();
        for steps in [whole, in_bytes] {
            let incoming = receive("/data.json", steps).await.unwrap();
            assert_eq!(incoming.declared.size, None, "{headers}: the size is not known");
            assert!(read(incoming).await.unwrap() == file, "{headers}");
        }
    }
}

#[tokio::test]
async fn every_packed_member_of_a_file_is_unpacked() {
    for how in ["gzip", "zstd"] {
        let members = [packed(how, b"one, ").await, packed(how, b"two").await].concat();
        let answer = answer(&format!("content-encoding: {how}\r\n"), &members);
        let incoming = receive("/", [say(answer)]).await.unwrap();
        assert_eq!(read(incoming).await.unwrap(), b"one, two", "{how}");
    }
}

#[tokio::test]
async fn an_empty_file_is_empty_however_it_is_packed() {
    for how in ["gzip", "deflate", "br", "zstd"] {
        let nothing = answer(&format!("content-encoding: {how}\r\n"), b"");
        let incoming = receive("/", [say(nothing)]).await.unwrap();
        assert_eq!(read(incoming).await.unwrap(), b"", "{how}");
        let how = if how == "deflate" { "zlib" } else { how };
        let packed = answer(
            &format!("content-encoding: {}\r\n", how.replace("zlib", "deflate")),
            &packed(how, b"").await,
        );
        let incoming = receive("/", [say(packed)]).await.unwrap();
        assert_eq!(read(incoming).await.unwrap(), b"", "{how}");
    }
}

#[tokio::test]
async fn a_word_that_packs_nothing_leaves_the_bytes_as_they_are() {
    for word in [
        "utf-8",
        "UTF-8",
        "none",
        "binary",
        "null",
        "8bit",
        "7bit",
        "aws-chunked",
        "identity",
        "",
        ",",
        "text/plain",
        "utf-8, none",
        "bzip2",
        "gzipped",
        "\u{e9}",
    ] {
        let answer = answer(&format!("content-encoding: {word}\r\n"), b"hello");
        let incoming = receive("/", [say(answer)]).await.unwrap();
        assert_eq!(incoming.declared.size, Some(5), "{word}");
        assert_eq!(read(incoming).await.unwrap(), b"hello", "{word}");
    }
}

#[tokio::test]
async fn answers_that_browsers_take_are_taken() {
    for (name, origin) in [
        (
            "content-encoding-none",
            &include_bytes!("../origins/content-encoding-none.http")[..],
        ),
        (
            "content-encoding-utf8",
            include_bytes!("../origins/content-encoding-utf8.http"),
        ),
        ("control-character", include_bytes!("../origins/control-character.http")),
        (
            "line-without-colon",
            include_bytes!("../origins/line-without-colon.http"),
        ),
        (
            "space-before-colon",
            include_bytes!("../origins/space-before-colon.http"),
        ),
        (
            "folded line",
            b"HTTP/1.1 200 OK\r\ncontent-type:\r\n text/plain\r\nx: a\r\n\tb\r\ncontent-length: 5\r\n\r\nhello",
        ),
        (
            "line without a name",
            b"HTTP/1.1 200 OK\r\n: x\r\n x: y\r\ncontent-type: text/plain\r\ncontent-length : 5\r\n\r\nhellomore",
        ),
    ] {
        let incoming = receive("/a.txt", [say(origin)]).await.unwrap();
        let declared = incoming.declared.clone();
        assert_eq!(declared.media_type.unwrap().to_string(), "text/plain", "{name}");
        assert_eq!(declared.size, Some(5), "{name}");
        assert_eq!(read(incoming).await.unwrap(), b"hello", "{name}");
    }
}

#[tokio::test]
async fn a_file_that_is_a_packed_one_stays_packed() {
    for (path, headers) in [
        (
            "/backup.tar.gz",
            "content-encoding: x-gzip\r\ncontent-type: text/plain\r\n",
        ),
        ("/backup.TGZ", "content-encoding: gzip\r\n"),
        (
            "/download",
            "content-encoding: gzip\r\ncontent-type: application/x-gzip\r\n",
        ),
        (
            "/download",
            "content-encoding: gzip\r\ncontent-disposition: attachment; filename=backup.tar.gz\r\n",
        ),
        ("/a.zst", "content-encoding: zstd\r\n"),
        ("/a.Z", "content-encoding: compress\r\n"),
    ] {
        let incoming = receive(path, [say(answer(headers, b"packed"))]).await.unwrap();
        assert_eq!(incoming.declared.size, Some(6), "{path}");
        assert_eq!(read(incoming).await.unwrap(), b"packed", "{path}");
    }
}

#[tokio::test]
async fn what_cannot_be_unpacked_is_refused_with_the_reason() {
    let gzip = packed("gzip", &noise(1, 5_000)).await;
    let zlib = packed("zlib", &noise(1, 5_000)).await;
    let trailed = |bytes: &[u8]| [bytes, b"\0"].concat();
    let brotli = trailed(&packed("br", &noise(1, 5_000)).await);
    let wide = packed("zstd, with a window of 16 MiB", &noise(1, 5_000)).await;
    let damaged = [&gzip[..2_000], b"damage", &gzip[2_006..]].concat();
    for (headers, body, subject, may_pass) in [
        ("content-encoding: compress\r\n", &b"x"[..], "compress", false),
        ("content-encoding: dcz\r\n", b"x", "dcz", false),
        ("content-encoding: gzip, gzip\r\n", b"x", "packed more than once", false),
        (
            "content-encoding: gzip\r\n",
            b"plain text",
            "gzip: it is damaged, or not packed so",
            false,
        ),
        (
            "content-encoding: br\r\n",
            &gzip,
            "br: it is damaged, or not packed so",
            false,
        ),
        (
            "content-encoding: zstd\r\n",
            b"plain text",
            "zstd: it is damaged, or not packed so",
            false,
        ),
        (
            "content-encoding: deflate\r\n",
            b"plain text",
            "deflate: it is damaged, or not packed so",
            false,
        ),
        (
            "content-encoding: gzip\r\n",
            &damaged,
            "gzip: it is damaged, or not packed so",
            false,
        ),
        (
            "content-encoding: gzip\r\n",
            &gzip[..3_000],
            "gzip: it ends too early",
            true,
        ),
        (
            "content-encoding: gzip\r\n",
            &gzip[..1],
            "gzip: it ends too early",
            true,
        ),
        (
            "content-encoding: deflate\r\n",
            &zlib[..3_000],
            "deflate: it ends too early",
            true,
        ),
        // What follows the end is not left out without a word.
        (
            "content-encoding: br\r\n",
            &brotli,
            "br: it is damaged, or not packed so",
            false,
        ),
        (
            "content-encoding: gzip\r\n",
            &trailed(&gzip),
            "gzip: it is damaged, or not packed so",
            false,
        ),
        (
            "content-encoding: deflate\r\n",
            &trailed(&zlib),
            "deflate: it is damaged, or not packed so",
            false,
        ),
        (
            "content-encoding: zstd\r\n",
            &wide,
            "zstd: it is damaged, or not packed so",
            false,
        ),
        // A window of 2^24 bytes, as only a variant of Brotli has it: its largest would be a gigabyte.
        (
            "content-encoding: br\r\n",
            &[0x11, 24, 0],
            "br: a window larger than HTTP allows",
            false,
        ),
    ] {
        let (about, again) = ending(receive("/", [say(answer(headers, body))]).await).await;
        assert_eq!(
            (about, again),
            (format!("content-encoding: {subject}"), may_pass),
            "{headers}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_packed_file_that_breaks_off_says_so() {
    let whole = answer("content-encoding: gzip\r\n", &packed("gzip", &noise(1, 5_000)).await);
    for (rest, code) in [
        (Step::Reset, "download_network_error"),
        (Step::Hang, "download_timed_out"),
    ] {
        let incoming = receive("/", [say(&whole[..3_000]), rest]).await.unwrap();
        let error = read(incoming).await.unwrap_err();
        assert!(matches!(error, Error::Interrupted(_)), "{error}");
        assert_eq!(error.code().as_str(), code);
    }
}

#[tokio::test]
async fn a_small_file_that_unpacks_to_a_large_one_is_read_as_far_as_the_pipeline_takes_it() {
    const LIMIT: u64 = 1 << 20;
    let zeros = vec![0; 10 << 20];
    for (how, word) in [("gzip", "gzip"), ("zlib", "deflate"), ("br", "br"), ("zstd", "zstd")] {
        let answer = answer(&format!("content-encoding: {word}\r\n"), &packed(how, &zeros).await);
        let network = FakeNetwork::default().at_home([say(answer)]);
        let pipeline = Pipeline::builder()
            .fetcher("pull", network.fetcher(Settings::default()))
            .store(MemoryStore::default())
            .recorder(MemoryRecorder::default())
            .expirer(KeepAll)
            .limits(Limits::default().with(|limits| {
                limits.max_size = LIMIT;
                limits.timeout = Duration::from_secs(60);
            }))
            .build()
            .unwrap();
        let error = pipeline
            .fetch("http://home.example/", UploadOptions::default())
            .await
            .unwrap_err();
        assert_eq!(error.code(), intake_core::codes::TOO_LARGE, "{how}");
        let came: u64 = error.rejection().unwrap().subject.as_ref().unwrap().parse().unwrap();
        assert!(came <= LIMIT + 64 * 1024, "{how}: {came} bytes were unpacked");
    }
}

#[tokio::test]
async fn a_file_that_unpacks_to_many_times_its_size_is_refused_whatever_the_limit() {
    let zeros = vec![0; 20 << 20];
    for (how, word) in [("gzip", "gzip"), ("br", "br"), ("zstd", "zstd")] {
        let answer = answer(&format!("content-encoding: {word}\r\n"), &packed(how, &zeros).await);
        let subject = format!("content-encoding: {word}: more than 200 times its packed size");
        assert_eq!(ending(receive("/", [say(answer)]).await).await, (subject, false));
    }
    // Where it is small, it may: an empty page, scanned.
    let answer = answer("content-encoding: gzip\r\n", &packed("gzip", &zeros[..10 << 20]).await);
    let incoming = receive("/", [say(answer)]).await.unwrap();
    assert_eq!(read(incoming).await.unwrap().len(), 10 << 20);
}

#[tokio::test]
async fn packed_bytes_that_become_nothing_are_not_read_for_ever() {
    let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n";
    let nothing = packed("gzip", b"").await.repeat(1_000);
    let network = FakeNetwork::default().at_home([say(head), Step::Repeat(nothing, Duration::ZERO)]);
    let incoming = network
        .fetcher(Settings::default())
        .receive("http://home.example/")
        .await;
    let (subject, may_pass) = ending(incoming).await;
    assert_eq!(subject, "content-encoding: gzip: more filling than content");
    assert!(
        !may_pass && network.sent() < 2 << 20,
        "{} bytes were sent",
        network.sent()
    );
}
