//! Senders that hang up before they get an answer, as phones do: their upload is either kept whole, or deleted within seconds.
//! `INTAKE_TEST_LONG=1` has 10,000 of them.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::json;

use crate::admin::Node;
use crate::in_process::{code, token};
use crate::leftovers::{Random, form_of, many, settled, with_files};
use crate::support::{Form, in_parallel};

/// How a sender hangs up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HangUp {
    /// Closes the connection.
    Close,
    /// Closes its sending side, and reads to the end.
    HalfClose,
    /// Resets the connection, so that bytes that were not read yet are lost.
    Reset,
}

const WAYS: [HangUp; 3] = [HangUp::Close, HangUp::HalfClose, HangUp::Reset];

impl HangUp {
    fn on(self, mut stream: TcpStream) {
        match self {
            Self::Close => drop(stream),
            Self::HalfClose => {
                // A server that refuses may have closed it before.
                let _gone = stream.shutdown(Shutdown::Write);
                let _end = stream.read_to_end(&mut Vec::new());
            }
            Self::Reset => socket2::SockRef::from(&stream)
                .set_linger(Some(Duration::ZERO))
                .unwrap(),
        }
    }

    /// Whether the server gets everything that was sent.
    fn loses_nothing(self) -> bool {
        self != Self::Reset
    }
}

/// All senders have one address here, and none of them may be refused for that.
const ALL_AT_ONCE: &[(&str, &str)] = &[
    ("INTAKE_UPLOAD_API__MAX_UPLOADS_PER_IP", "512"),
    ("INTAKE_UPLOAD_API__MAX_CONCURRENT_REQUESTS_PER_IP", "512"),
    ("INTAKE_SERVER__MAX_CONNECTIONS_PER_IP", "1024"),
];

#[test]
fn a_large_file_whose_sender_hangs_up_behind_its_last_byte_is_kept_whole() {
    let node = Node::start();
    for round in 0..4 {
        for (number, way) in WAYS.into_iter().enumerate() {
            let form = form_of(3 * round + number, &[3 << 20], round % 2 == 0);
            way.on(node.begin("/base/", &form, form.body().len()));
        }
    }
    let kept = settled(&node).requests();
    for request in 0..12 {
        let way = WAYS[request % 3];
        assert!(
            kept.contains(&request) || !way.loses_nothing(),
            "{request}, {way:?}: {kept:?}"
        );
    }
}

#[test]
fn senders_that_hang_up_at_any_byte_leave_whole_requests_and_nothing_else() {
    let node = Node::start_with("", ALL_AT_ONCE);
    let count = many(300, 10_000);
    in_parallel(count, 16, |request| {
        let mut random = Random::of(request);
        let files = [1, 1, 3][random.below(3)];
        let sizes: Vec<_> = (0..files).map(|_| 1 + random.below((64 << 10) / files)).collect();
        let form = form_of(request, &sizes, random.below(2) == 0);
        let body = form.body();
        let head = format!(
            "{}Host: x\r\nContent-Length: {}\r\n\r\n",
            form.head("/base/"),
            body.len()
        );
        let all = [head.as_bytes(), &body].concat();
        let sent = match random.below(8) {
            0 => all.len(),
            _ => random.below(all.len()),
        };
        let mut stream = node.connect();
        let _refused = stream.write_all(&all[..sent]);
        WAYS[random.below(3)].on(stream);
    });
    let leftovers = settled(&node);
    assert!(
        leftovers.requests().len() > count / 20 && leftovers.ended > count / 4,
        "{} were kept, {} uploads broke off: that is not what was meant here",
        leftovers.requests().len(),
        leftovers.ended
    );
}

#[test]
fn of_a_request_with_20_files_whose_sender_hangs_up_behind_the_last_byte_all_are_kept() {
    let node = Node::start();
    for request in 0..9 {
        let way = WAYS[request % 3];
        let mut random = Random::of(request);
        let sizes: Vec<_> = (0..20).map(|_| 1 + random.below(40_000)).collect();
        let form = form_of(request, &sizes, request % 2 == 0);
        way.on(node.begin("/base/", &form, form.body().len()));
        // `settled` checks that all or none of the files of each request are there.
        let kept = settled(&node).requests();
        assert!(
            kept.contains(&request) || !way.loses_nothing(),
            "{request}, {way:?}: {kept:?}"
        );
    }
}

#[test]
fn a_token_for_one_upload_lets_in_one_however_its_first_try_ends() {
    let variables = [
        ("INTAKE_PROJECTS__3__PUBLIC_KEY", "tokens"),
        ("INTAKE_PROJECTS__3__SECRETS__0__NAME", "one"),
        ("INTAKE_PROJECTS__3__SECRETS__0__SECRET", "secret"),
    ];
    let node = Node::start_with("", &variables);
    // The first try sends all but this number of bytes.
    for (round, missing) in [0, 0, 1].into_iter().enumerate() {
        for (number, way) in WAYS.into_iter().enumerate() {
            let jwt = token("secret", &format!("{round}-{number}"), json!({}));
            let form = |request: usize| {
                let form = Form::default()
                    .field("UPLOADCARE_PUB_KEY", "tokens")
                    .field("signature", &jwt);
                with_files(form, request, &[100_000])
            };
            let first = 10 * (3 * round + number);
            let body = form(first).body();
            way.on(node.begin("/base/", &form(first), body.len() - missing));
            let send = |request: usize| {
                let form = form(request);
                code(&node.post("/base/?jsonerrors=1", &form))
            };
            let retried = send(first + 1);
            let is_kept = settled(&node).requests().contains(&first);
            let what =
                format!("{way:?}, {missing} bytes are missing, the first is kept: {is_kept}, the next: {retried}");
            assert!(!is_kept || missing == 0, "{what}");
            // A second try may be throttled while the first is still there, but not if the first one is whole.
            if missing == 0 && way.loses_nothing() {
                assert!(is_kept || retried == "accepted", "{what}");
            }
            let last = send(first + 2);
            let expected = match is_kept || retried == "accepted" {
                true => "SignatureExpirationError",
                false => "accepted",
            };
            assert_eq!(last, expected, "{what}");
            let tries = first..first + 3;
            let kept = settled(&node)
                .requests()
                .into_iter()
                .filter(|kept| tries.contains(kept));
            assert_eq!(kept.count(), 1, "{what}");
        }
    }
}
