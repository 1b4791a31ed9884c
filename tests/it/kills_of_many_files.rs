//! `kill -9` at random moments during requests with several files: afterwards either all files of a request are readable or none,
//! and all acknowledged ones are. `INTAKE_TEST_LONG=1` kills 200 times.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::crash::later;
use crate::leftovers::{Leftovers, Random, form_of, many};
use crate::support::{PATIENCE, Server, read_answer, wait_until};

const SENDERS: usize = 12;
/// The number of kills for which one folder is used.
const OF_A_FOLDER: usize = 10;

/// All senders have one address here, and none of them may be refused for that.
const ALL_AT_ONCE: &[(&str, &str)] = &[("INTAKE_UPLOAD_API__MAX_UPLOADS_PER_IP", "512")];

/// Sends a request of 3 to 20 small files, and answers with the status. `None`: the server was gone before the end.
fn send(address: &str, request: usize) -> Option<u16> {
    let mut random = Random::of(request);
    let sizes: Vec<_> = (0..3 + random.below(18)).map(|_| 1 + random.below(8192)).collect();
    let form = form_of(request, &sizes, random.below(2) == 0);
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let body = form.body();
    let head = format!(
        "{}Host: x\r\nContent-Length: {}\r\n\r\n",
        form.head("/base/"),
        body.len()
    );
    stream.write_all(&[head.as_bytes(), &body].concat()).ok()?;
    let answer = read_answer(&mut stream).ok()?;
    // It may have been cut off in its middle.
    serde_json::from_slice::<serde_json::Value>(&answer.body).ok()?;
    Some(answer.status)
}

/// Senders that send until the process is killed, at a random moment. Answers with the requests that were acknowledged.
fn until_killed(server: &mut Server, next: &AtomicUsize, moment: &mut Random) -> BTreeSet<usize> {
    let (answered, acknowledged) = (AtomicUsize::new(0), Mutex::new(BTreeSet::new()));
    let address = server.address.clone();
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                loop {
                    let request = next.fetch_add(1, Ordering::SeqCst);
                    let Some(status) = send(&address, request) else { break };
                    assert_eq!(status, 200, "{request}");
                    acknowledged.lock().unwrap().insert(request);
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let enough = moment.below(3 * SENDERS);
        wait_until("some are answered", || answered.load(Ordering::SeqCst) >= enough);
        std::thread::sleep(Duration::from_micros(moment.below(50_000) as u64));
        server.kill();
    });
    acknowledged.into_inner().unwrap()
}

#[test]
fn of_a_request_with_several_files_all_are_there_or_none_whenever_the_process_is_killed() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (kills, next) = (many(8, 200), AtomicUsize::new(0));
    let mut moment = Random::of(11);
    let (mut all, mut kept, mut only_kept) = (0, 0, 0);
    for folder in 0..kills.div_ceil(OF_A_FOLDER) {
        let mut server = Server::start_with("", ALL_AT_ONCE);
        let (first, mut acknowledged) = (next.load(Ordering::SeqCst), BTreeSet::new());
        for kill in 0..OF_A_FOLDER.min(kills - OF_A_FOLDER * folder) {
            acknowledged.extend(until_killed(&mut server, &next, &mut moment));
            server = server.restart_after_kill(ALL_AT_ONCE);
            let swept = runtime.block_on(async { later(&server).sweep().await.unwrap() });
            assert_eq!(swept.failed, 0, "kill {kill}: {swept:?}");
            let leftovers = Leftovers::of(&server);
            leftovers.is_whole(&server);
            let lost: Vec<_> = acknowledged.difference(&leftovers.requests()).copied().collect();
            assert!(
                lost.is_empty(),
                "folder {folder}, kill {kill}: {lost:?} were acknowledged"
            );
        }
        let requests = Leftovers::of(&server).requests();
        all += next.load(Ordering::SeqCst) - first;
        kept += requests.len();
        only_kept += requests.difference(&acknowledged).count();
    }
    println!("{kills} kills: {all} requests, {kept} kept whole, {only_kept} of them not acknowledged");
    assert!(kept > kills && all - kept > kills, "{kept} of {all} requests were kept");
}
