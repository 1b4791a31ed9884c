//! Targets that are dead for long delay no other. With `INTAKE_TEST_LONG=1` and `--nocapture` it is shown how long a live one
//! waits beside them.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use intake_plugin_webhook::testkit::{Library, Receiver};
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::leftovers::many;
use crate::support::Server;
use crate::webhooks::{hooked, subscribe};

/// Far longer than the test: no attempt at the silent target ends.
const ATTEMPT: &str = "10min";
const PER_TARGET: usize = 2;
const SECRET: &str = "a-secret-of-a-live-target";

/// Uploads files one after the other, each once the receiver has been told of the one before, and returns how long that took.
fn told_of(server: &Server, receiver: &Receiver, files: usize) -> Vec<Duration> {
    let before = receiver.deliveries(0).len();
    let times = (1..=files).map(|file| {
        server.upload("a.txt", file.to_string().as_bytes());
        let began = Instant::now();
        // It fails if none comes.
        let _told = receiver.deliveries(before + file);
        began.elapsed()
    });
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    times
}

fn shown(times: &[Duration]) -> String {
    let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    format!("{:.0} ms, 99 % {:.0} ms, longest {:.0} ms", at(50), at(99), at(100))
}

#[test]
fn a_live_target_has_every_event_while_dead_ones_hold_their_first() {
    let files = many(40, 1_000);
    // One takes connections and never answers, the other refuses them.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let refusing = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    refusing
        .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
        .unwrap();
    let receiver = Receiver::start(
        Library::Python,
        &[&format!("whsec_{}", STANDARD.encode(SECRET)), SECRET],
    );
    let dead = [
        silent.local_addr().unwrap().port(),
        refusing.local_addr().unwrap().as_socket().unwrap().port(),
    ];
    let ports = [dead[0], dead[1], receiver.port()];
    // What is refused is tried again during the whole test.
    let schedule = vec!["300ms"; 99];
    let events = format!("schedule = {schedule:?}\nat_once = 6\nper_target = {PER_TARGET}");
    let dir = TempDir::new().unwrap();
    let config = hooked(dir.path(), &ports, ATTEMPT, &events);
    let server = Server::start_in(dir, &config, &[]);
    subscribe(&server, &receiver.url(), "file.uploaded", SECRET);
    let alone = told_of(&server, &receiver, files);
    for port in dead {
        subscribe(&server, &format!("http://127.0.0.1:{port}/"), "file.uploaded", SECRET);
    }
    let beside = told_of(&server, &receiver, files);
    silent.set_nonblocking(true).unwrap();
    let held: Vec<_> = std::iter::from_fn(|| silent.accept().ok()).collect();
    assert_eq!(
        held.len(),
        PER_TARGET,
        "attempts at the silent target, and none of them has ended"
    );
    println!(
        "{files} events: told within {} alone, within {} beside dead targets",
        shown(&alone),
        shown(&beside)
    );
}
