//! Files that are larger than the memory that they may cost.

use std::io::Read;

use intake::core::testkit::noise;
use sha2::{Digest, Sha256};

use crate::cluster::{Cluster, Parts};
use crate::support::{PART, Server, in_parallel};

const GIB: u64 = 1 << 30;

#[test]
fn two_gib_in_one_request_cost_less_than_64_mib_of_memory() {
    let server = Server::start_with("", &[("INTAKE_UPLOAD_API__MAX_DIRECT_SIZE", "3 GiB")]);
    let piece = noise(1, 1 << 20);
    let times = 2 * GIB as usize / piece.len();
    let answer = server.upload_large(&piece, times);
    assert_eq!(answer.status, 200, "{}", answer.text());

    let id = answer.json()["file"].as_str().unwrap().to_owned();
    let info = server.get(&format!("/info/?pub_key=demopublickey&file_id={id}")).json();
    assert_eq!(info["size"], 2 * GIB);
    let files = server.files();
    assert_eq!(files.len(), 1);
    let mut hasher = Sha256::new();
    for _ in 0..times {
        hasher.update(&piece);
    }
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

const SENDERS: usize = 32;
/// All senders have one address.
const ALL_CONNECTIONS: &[(&str, &str)] = &[
    ("INTAKE_SERVER__MAX_CONNECTIONS_PER_IP", "1024"),
    ("INTAKE_UPLOAD_API__MAX_CONCURRENT_REQUESTS_PER_IP", "512"),
];

/// Each sends 100 MiB, four parts at a time.
fn thirty_two_senders_upload_to(server: &Server) {
    const AT_A_TIME: usize = 4;

    // All parts have the same bytes, so that the senders cost next to nothing.
    let part = noise(3, PART);
    let size = 100 << 20;
    in_parallel(SENDERS, SENDERS, |_| {
        let begun = server.begin_parts(size);
        in_parallel(begun.parts.len(), AT_A_TIME, |number| {
            let answer = server.put_part(&begun.parts[number], &part);
            assert_eq!(answer.status, 200, "{}", answer.text());
        });
        let info = server.complete(&begun.uuid).json();
        assert_eq!(info["size"], size, "{info}");
    });
    let peak = server.peak_memory() >> 20;
    println!("peak memory: {peak} MiB");
    assert!(peak < 128, "the server needed {peak} MiB");
}

#[test]
fn thirty_two_senders_of_100_mib_in_parallel_parts_cost_less_than_128_mib_of_memory() {
    let server = Server::start_with("", ALL_CONNECTIONS);
    thirty_two_senders_upload_to(&server);
    assert_eq!(server.files().len(), SENDERS);
}

#[test]
fn thirty_two_senders_of_100_mib_in_parallel_parts_cost_less_than_128_mib_of_memory_over_a_bucket_too() {
    let cluster = Cluster::new(Parts::ThroughTheServer);
    let node = cluster.node("", ALL_CONNECTIONS);
    thirty_two_senders_upload_to(&node);
    let objects = cluster.runtime.block_on(cluster.bucket.objects());
    assert_eq!(objects.len(), SENDERS);
}
