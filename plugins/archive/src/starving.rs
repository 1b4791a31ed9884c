//! Walks that have to wait for every piece of memory.

use std::io::Write;

use intake_core::testkit::noise;
use intake_core::{Bytes, Code, Coverage};

use crate::budget::{Account, Budget, Lease};
use crate::note::ArchiveNote;
use crate::reader::Flow;
use crate::settings::{Choice, Settings};
use crate::walk::Walk;

type Seen = (Option<Code>, Option<ArchiveNote>, Coverage);

fn settings() -> Settings {
    Settings::default().with(|settings| settings.links = Choice::Accept)
}

/// Takes everything that is free.
fn hoard(budget: &Budget, settings: &Settings) -> Vec<(Account, Lease)> {
    let mut hoarded = Vec::new();
    for bytes in (0..32).rev().map(|power| 1_u64 << power) {
        loop {
            let account = budget.open();
            let mut lease = account.lease();
            if !lease.hold(bytes) {
                break;
            }
            assert!(budget.held() <= settings.memory, "there is an end");
            hoarded.push((account, lease));
        }
    }
    assert!(budget.held() > settings.memory - settings.deepest());
    hoarded
}

/// Walks through a content in pieces. Returns also how often it had to wait, if there is only just what it asks for.
async fn walk(content: &[u8], piece: usize, is_starving: bool) -> (Seen, usize) {
    let settings = settings();
    let budget = Budget::new(settings.memory, settings.deepest());
    let mut hoarded = if is_starving {
        hoard(&budget, &settings)
    } else {
        Vec::new()
    };
    let account = budget.open();
    let mut walk = Walk::new(settings, account.clone(), &[]);
    let (mut waits, mut refused) = (0, None);
    for piece in content.chunks(piece).map(Some).chain([None]) {
        match piece {
            Some(piece) => walk.push(Bytes::copy_from_slice(piece)),
            None => walk.end(),
        }
        loop {
            match walk.go_on() {
                Ok(Flow::On) => break,
                Ok(Flow::Starved) => {
                    waits += 1;
                    // What others leave is taken by others again, except for what the walk asked for.
                    drop(hoarded);
                    account
                        .wait(std::time::Duration::from_secs(1))
                        .await
                        .expect("it is free");
                    hoarded = hoard(&budget, &settings);
                }
                Err(rejection) => {
                    refused = Some(rejection.code);
                    break;
                }
            }
        }
        if refused.is_some() {
            break;
        }
    }
    let tally = walk.tally();
    ((refused, tally.note().cloned(), tally.coverage()), waits)
}

fn xz(data: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
    encoder.write_all(data).expect("memory");
    encoder.finish().expect("memory")
}

fn bzip2(data: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(data).expect("memory");
    encoder.finish().expect("memory")
}

fn zstd(data: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(zstd_safe::compress_bound(data.len()));
    zstd_safe::compress(&mut packed, data, 1).expect("room");
    packed
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, data) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        tar.append_data(&mut header, name, *data).expect("memory");
    }
    tar.into_inner().expect("memory")
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, data) in members {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(*name, options).expect("memory");
        zip.write_all(data).expect("memory");
    }
    zip.finish().expect("memory").into_inner()
}

fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let noise = noise(1, 100_000);
    let long = "n".repeat(100_000);
    let inner = tar(&[
        ("a.zst", &zstd(&noise)),
        ("b", b"x"),
        ("c.bz2", &bzip2(&noise)),
        ("d.xz", &xz(b"small")),
    ]);
    let many: Vec<_> = (0..3000).map(|n| n.to_string()).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    vec![
        ("xz", xz(&noise)),
        (
            "several streams",
            [zstd(&noise), zstd(&noise[..1000]), zstd(&noise)].concat(),
        ),
        ("deep", xz(&inner)),
        (
            "deeper in a ZIP",
            zip(&[("a.xz", &xz(&inner)), ("b.zst", &zstd(&xz(b"small"))), ("c", b"x")]),
        ),
        ("many members", zip(&many)),
        ("many members in xz", xz(&zip(&many))),
        ("small, at the end", zstd(&bzip2(b"small"))),
        // Its second frame is inflated into buffers that do not end where bytes are counted.
        ("unaligned", {
            let inner = tar(&[("a", &noise[..20_000]), ("b.xz", &xz(&noise))]);
            [zstd(&inner[..1000]), zstd(&inner[1000..])].concat()
        }),
        ("long name", tar(&[(&long[..1000], b"x"), ("a.xz", &xz(b"x"))])),
        ("breaks off", xz(&inner)[..90_000].to_vec()),
        ("small, breaks off", xz(&bzip2(b"small")[..20])),
        ("damaged", {
            let mut packed = xz(&inner);
            packed[70_000..70_010].fill(0xFF);
            packed
        }),
        ("refused", xz(&tar(&[("a.bz2", &bzip2(&zip(&[("../a", b"x")])))]))),
        ("too large", xz(&zstd(&vec![0; 70 << 20]))),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_walk_that_has_to_wait_for_memory_ends_as_one_that_has_not() {
    for (name, content) in contents() {
        let (expected, never) = walk(&content, 1 << 20, false).await;
        assert_eq!(never, 0);
        for piece in [1 << 20, 4096, 100] {
            let (seen, waits) = walk(&content, piece, true).await;
            println!("{name}: {waits} waits");
            assert!(waits > 0, "{name}");
            assert_eq!(seen, expected, "{name}, pieces of {piece}");
        }
    }
}
