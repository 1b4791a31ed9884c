//! Files larger than the memory they may cost.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use intake::core::testkit::noise;
use sha2::{Digest, Sha256};

use crate::support::{BOUNDARY, Form, PART, Server, read_answer};

const GIB: u64 = 1 << 30;

#[test]
fn two_gib_in_one_request_cost_less_than_64_mib_of_memory() {
    let server = Server::start_with("", &[("INTAKE_UPLOAD_API__MAX_DIRECT_SIZE", "3 GiB")]);
    let start = Form::default().key().file("file", "large.bin", b"");
    // The form without the last line end of its empty file: what follows is the file's content.
    let start = &start.unfinished()[..start.unfinished().len() - 2];
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    let length = start.len() as u64 + 2 * GIB + end.len() as u64;
    let mut stream = server.connect();
    let head = Form::default().head("/base/");
    stream
        .write_all(format!("{head}Host: x\r\nContent-Length: {length}\r\n\r\n").as_bytes())
        .unwrap();
    stream.write_all(start).unwrap();
    let (piece, mut hasher) = (noise(1, 1 << 20), Sha256::new());
    for _ in 0..2 * GIB / piece.len() as u64 {
        stream.write_all(&piece).unwrap();
        hasher.update(&piece);
    }
    stream.write_all(end.as_bytes()).unwrap();
    let answer = read_answer(&mut stream).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());

    let id = answer.json()["file"].as_str().unwrap().to_owned();
    let info = server.get(&format!("/info/?pub_key=demopublickey&file_id={id}")).json();
    assert_eq!(info["size"], 2 * GIB);
    let files = server.files();
    assert_eq!(files.len(), 1);
    let (mut stored, mut file) = (Sha256::new(), std::fs::File::open(&files[0]).unwrap());
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).unwrap();
        if read == 0 {
            break;
        }
        stored.update(&buffer[..read]);
    }
    assert!(
        stored.finalize() == hasher.finalize(),
        "other bytes are stored than were sent"
    );
    let peak = server.peak_memory() >> 20;
    println!("peak memory: {peak} MiB");
    assert!(peak < 64, "the server needed {peak} MiB");
}

#[test]
fn thirty_two_senders_of_100_mib_in_parallel_parts_cost_less_than_128_mib_of_memory() {
    const SENDERS: usize = 32;
    const AT_A_TIME: usize = 4;

    let server = Server::start();
    // All parts have the same bytes, so that the senders cost next to nothing.
    let part = noise(3, PART);
    let size = 100 << 20;
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                let begun = server.begin_parts(size);
                let next = AtomicUsize::new(0);
                std::thread::scope(|scope| {
                    for _ in 0..AT_A_TIME {
                        scope.spawn(|| {
                            while let Some(path) = begun.parts.get(next.fetch_add(1, Ordering::SeqCst)) {
                                assert_eq!(server.put_part(path, &part).status, 200);
                            }
                        });
                    }
                });
                let info = server.complete(&begun.uuid).json();
                assert_eq!(info["size"], size, "{info}");
            });
        }
    });
    assert_eq!(server.files().len(), SENDERS);
    let peak = server.peak_memory() >> 20;
    println!("peak memory: {peak} MiB");
    assert!(peak < 128, "the server needed {peak} MiB");
}
