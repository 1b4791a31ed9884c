//! Quotas hold for any number of requests at once, and uploads that fail give back what they used.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use intake::core::Catalog as _;
use intake::upload_api::Settings;
use serde_json::json;

use crate::in_process::{InProcess, PART, code, file_first, form, starting, token};
use crate::support::{self, Form, in_parallel, wait_until};

#[test]
fn of_200_uploads_at_once_so_many_get_in_as_there_is_room_for_whatever_their_order() {
    for (bound, room) in [(json!({"max_files": 30}), 30), (json!({"max_stored": "3000 B"}), 30)] {
        let in_process = InProcess::of(&[("shop", bound.clone())]);
        let accepted = AtomicUsize::new(0);
        in_parallel(200, 32, |number| {
            let content = [b'x'; 100];
            let form = match number % 2 {
                0 => form("shop").file("file", "a", &content),
                _ => file_first("shop", "a", &content),
            };
            match &*code(&in_process.base(&form)) {
                "accepted" => drop(accepted.fetch_add(1, Ordering::SeqCst)),
                "AccountLimitsExceededError" => {}
                other => panic!("{other}"),
            }
        });
        assert_eq!(accepted.into_inner(), room, "{bound}");
        assert_eq!(in_process.usage("shop"), (room as u64, 100 * room as u64), "{bound}");
        assert_eq!(
            in_process.store.keys().len(),
            room,
            "{bound}: bytes of a refused upload are still there"
        );
    }
}

#[test]
fn deleted_and_expired_files_free_their_quota() {
    let in_process = InProcess::of(&[("shop", json!({"max_files": 1}))]);
    let full = || code(&in_process.base(&form("shop").file("file", "a", b"x")));
    let id = in_process.upload("shop", b"x");
    assert_eq!(full(), "AccountLimitsExceededError");
    in_process
        .block_on(in_process.pipeline.delete(id.parse().unwrap()))
        .unwrap();
    in_process.upload("shop", b"y");
    assert_eq!(full(), "AccountLimitsExceededError");
    in_process.pass(Duration::from_secs(25 * 3600));
    in_process.block_on(in_process.pipeline.sweep()).unwrap();
    assert_eq!(full(), "accepted");
}

#[test]
fn an_upload_in_parts_has_its_room_from_its_start_on_and_gives_it_back_if_it_comes_to_nothing() {
    let in_process = InProcess::of(&[("shop", json!({"max_stored": "15 MiB"}))]);
    let start = || code(&in_process.post("/multipart/start/", &starting("shop", "")));
    assert_eq!(start(), "accepted");
    assert_eq!(in_process.usage("shop"), (1, 2 * PART as u64));
    assert_eq!(start(), "AccountLimitsExceededError");
    in_process.pass(Duration::from_secs(25 * 3600));
    in_process.block_on(in_process.pipeline.sweep()).unwrap();
    assert_eq!(in_process.usage("shop"), (0, 0));
    assert_eq!(start(), "accepted");
}

#[test]
fn an_upload_that_breaks_off_gives_back_its_quota() {
    let in_process = InProcess::of(&[("shop", json!({"max_files": 1}))]);
    let whole = form("shop").file("file", "a", &[b'x'; 100_000]);
    let mut stream = support::connect(&in_process.address);
    let (head, body) = (whole.head("/base/"), whole.body());
    let head = format!("{head}Host: x\r\nContent-Length: {}\r\n\r\n", body.len());
    std::io::Write::write_all(&mut stream, &[head.as_bytes(), &body[..50_000]].concat()).unwrap();
    wait_until("it has its room", || in_process.usage("shop").0 == 1);
    assert_eq!(
        code(&in_process.base(&form("shop").file("file", "a", b"x"))),
        "AccountLimitsExceededError"
    );
    drop(stream);
    // Either the server notices, or the lease ends and a sweeper gives it back.
    wait_until("it is given back", || {
        in_process.pass(Duration::from_secs(3 * 3600));
        in_process.block_on(in_process.pipeline.sweep()).unwrap();
        in_process.usage("shop").0 == 0
    });
    assert_eq!(in_process.store.keys(), []);
}

#[test]
fn a_token_lets_in_as_many_uploads_as_it_says_however_many_ask_at_once() {
    let in_process = InProcess::of(&[("shop", json!({"secrets": [{"name": "one", "secret": "secret"}]}))]);
    let jwt = token("secret", "seven", json!({"uses": 7}));
    let accepted = AtomicUsize::new(0);
    in_parallel(100, 16, |number| {
        let form = match number % 2 {
            0 => form("shop").field("signature", &jwt).file("file", "a", b"x"),
            _ => file_first("shop", "a", b"x").field("signature", &jwt),
        };
        match &*code(&in_process.base(&form)) {
            "accepted" => drop(accepted.fetch_add(1, Ordering::SeqCst)),
            "SignatureExpirationError" => {}
            other => panic!("{other}"),
        }
    });
    assert_eq!(accepted.into_inner(), 7);
}

#[test]
fn a_use_of_a_token_that_came_to_nothing_is_no_use() {
    let project = json!({"secrets": [{"name": "one", "secret": "secret"}], "deny_types": ["application/pdf"]});
    let in_process = InProcess::of(&[("shop", project)]);
    let jwt = token("secret", "once", json!({}));
    let send =
        |content: &[u8]| code(&in_process.base(&form("shop").field("signature", &jwt).file("file", "a", content)));
    assert_eq!(send(b"%PDF-1.7"), "FileTypeForbiddenError");
    assert_eq!(send(b"text"), "accepted");
    assert_eq!(send(b"text"), "SignatureExpirationError");
    // Deleting a file that the token authorized does not give back its use.
    let id = in_process
        .block_on(in_process.pipeline.files_of("shop", None, 10))
        .unwrap()[0]
        .id;
    in_process.block_on(in_process.pipeline.delete(id)).unwrap();
    assert_eq!(send(b"text"), "SignatureExpirationError");
    // Long after the token has expired its account is deleted.
    in_process.pass(Duration::from_secs(40 * 24 * 3600));
    in_process.block_on(in_process.pipeline.sweep()).unwrap();
    let account = intake::core::accounting::Account::token("shop", "once");
    assert_eq!(
        in_process.block_on(in_process.recorder.usage(&account)).unwrap().files,
        0
    );
}

#[test]
fn a_token_is_used_when_an_upload_in_parts_begins_and_not_when_one_is_given_up() {
    let in_process = InProcess::of(&[("shop", json!({"secrets": [{"name": "one", "secret": "secret"}]}))]);
    let jwt = token("secret", "once", json!({}));
    let start = || in_process.post("/multipart/start/", &starting("shop", &format!("&signature={jwt}")));
    assert_eq!(code(&start()), "accepted");
    assert_eq!(code(&start()), "SignatureExpirationError");
    in_process.pass(Duration::from_secs(25 * 3600));
    in_process.block_on(in_process.pipeline.sweep()).unwrap();
    assert_eq!(code(&start()), "accepted", "the one before has come to nothing");
}

#[test]
fn a_token_is_used_once_per_order_however_often_it_is_tried() {
    let in_process = InProcess::of(&[("shop", json!({"secrets": [{"name": "one", "secret": "secret"}]}))]);
    let jwt = token("secret", "once", json!({}));
    let order = || in_process.post("/from_url/", &format!("pub_key=shop&source_url=x&signature={jwt}"));
    let ordered = order().json()["token"].as_str().unwrap().to_owned();
    assert_eq!(code(&order()), "SignatureExpirationError");
    in_process.block_on(in_process.pipeline.fetch_due()).unwrap();
    let status = in_process.get(&format!("/from_url/status/?token={ordered}")).json();
    assert_eq!(status["status"], "success", "{status}");
    assert_eq!(code(&order()), "SignatureExpirationError");
}

#[test]
fn a_throttled_client_gets_retry_after_in_a_form_that_it_reads() {
    let in_process = InProcess::of(&[("shop", json!({"max_requests": "2/h"})), ("other", json!({}))]);
    let file = |key: &str| form(key).file("file", "a", b"x");
    assert_eq!(code(&in_process.base(&file("shop"))), "accepted");
    assert_eq!(code(&in_process.base(&file("shop"))), "accepted");
    let throttled = in_process.base(&file("shop"));
    assert_eq!((throttled.status, &*code(&throttled)), (200, "RequestThrottledError"));
    let seconds = |answer: &support::Answer| answer.header("retry-after").unwrap().parse::<u64>().unwrap();
    assert!((1..=1800).contains(&seconds(&throttled)), "{:?}", throttled.headers);
    let exposed = throttled.header("access-control-expose-headers").unwrap();
    assert!(exposed.contains("Retry-After"), "{exposed}");
    let form = file("shop");
    let plain = support::send(&in_process.address, &form.head("/base/"), &form.body());
    assert_eq!((plain.status, plain.text().as_str()), (429, "Request was throttled."));
    assert!(seconds(&plain) >= 1);
    for answer in [
        in_process.get("/info/?pub_key=shop&file_id=x&jsonerrors=1"),
        in_process.post("/group/", "pub_key=shop&files[]=x"),
        in_process.post("/multipart/start/", &starting("shop", "")),
        in_process.post("/from_url/", "pub_key=shop&source_url=x"),
    ] {
        assert_eq!(code(&answer), "RequestThrottledError");
    }
    assert_eq!(
        code(&in_process.base(&file("other"))),
        "accepted",
        "another project pays for it"
    );
}

#[test]
fn one_address_may_ask_so_often_and_its_proxy_says_which_it_is() {
    let settings = |trusted: &[&str]| {
        Settings::default().with(|settings| {
            settings.max_requests_per_ip = Some("1/h".parse().unwrap());
            settings.trusted_proxies = trusted.iter().map(|network| network.parse().unwrap()).collect();
        })
    };
    let ask = |in_process: &InProcess, forwarded: &str| {
        let head =
            format!("GET /info/?pub_key=shop&file_id=x&jsonerrors=1 HTTP/1.1\r\nX-Forwarded-For: {forwarded}\r\n");
        code(&in_process.send(&head, ""))
    };
    let in_process = |trusted: &[&str]| InProcess::with(&[("shop", json!({}))], settings(trusted), |builder| builder);
    let (asked, throttled) = ("FileIdInvalidError", "RequestThrottledError");

    let behind_proxy = in_process(&["127.0.0.0/8", "10.0.0.0/8"]);
    for (forwarded, expected) in [
        ("192.0.2.1", asked),
        ("192.0.2.1", throttled),
        ("192.0.2.2", asked),
        // An address that a client writes itself comes before the one that the proxy adds.
        ("203.0.113.7, 192.0.2.2", throttled),
        ("192.0.2.3, 10.1.2.3", asked),
        ("192.0.2.3", throttled),
        ("2001:db8::1", asked),
        ("2001:db8::2", throttled),
    ] {
        assert_eq!(ask(&behind_proxy, forwarded), expected, "{forwarded}");
    }
    let no_proxy = in_process(&[]);
    assert_eq!(ask(&no_proxy, "192.0.2.1"), asked);
    assert_eq!(
        ask(&no_proxy, "192.0.2.2"),
        throttled,
        "a stranger chose his own address"
    );
    let status = no_proxy.get("/from_url/status/?token=x");
    assert_eq!(
        status.json()["status"],
        "unknown",
        "some clients ask for it without a pause"
    );
}

#[test]
fn a_project_and_an_address_have_so_many_uploads_under_way_and_the_others_go_on() {
    let settings = Settings::default().with(|settings| {
        settings.max_uploads_per_ip = Some(2);
        settings.queue_timeout = std::time::Duration::ZERO;
    });
    let projects = [("one", json!({"max_uploads": 1})), ("two", json!({}))];
    let in_process = InProcess::with(&projects, settings, |builder| builder);
    let begin = |key: &str| {
        let form = form(key).file("file", "a", &[b'x'; 100_000]);
        let (head, body) = (form.head("/base/?jsonerrors=1"), form.body());
        let head = format!(
            "{head}Host: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = support::connect(&in_process.address);
        std::io::Write::write_all(&mut stream, &[head.as_bytes(), &body[..50_000]].concat()).unwrap();
        (stream, body)
    };
    let small = |key: &str| code(&in_process.base(&form(key).file("file", "a", b"x")));
    let (mut slow, rest) = begin("one");
    wait_until("it is under way", || in_process.usage("one").0 == 1);
    assert_eq!(small("one"), "RequestThrottledError", "the project has one place");
    assert_eq!(small("two"), "accepted", "another project's");
    let _second = begin("two");
    wait_until("it is under way", || in_process.usage("two").0 == 2);
    assert_eq!(small("two"), "RequestThrottledError", "the address has two places");
    std::io::Write::write_all(&mut slow, &rest[50_000..]).unwrap();
    let answer = support::read_answer(&mut slow).unwrap();
    assert_eq!(code(&answer), "accepted");
    wait_until("there is a place again", || small("one") == "accepted");
}

#[test]
fn a_node_that_dies_with_uploads_under_way_has_taken_no_room_for_good() {
    let variables = [
        ("INTAKE_PROJECTS__3__MAX_FILES", "3"),
        ("INTAKE_PROJECTS__3__PUBLIC_KEY", "bound"),
        ("INTAKE_RECEIVE__TIMEOUT", "1s"),
        ("INTAKE_SERVER__SWEEP_INTERVAL", "200ms"),
    ];
    let server = support::Server::start_with("", &variables);
    let begin = |server: &support::Server| {
        let form = Form::default()
            .field("UPLOADCARE_PUB_KEY", "bound")
            .file("file", "a", &[b'x'; 100_000]);
        server.begin("/base/", &form, 50_000)
    };
    let small = |server: &support::Server| {
        let form = Form::default()
            .field("UPLOADCARE_PUB_KEY", "bound")
            .file("file", "a", b"x");
        code(&server.post("/base/?jsonerrors=1", &form))
    };
    // An upload that is faster than those in progress keeps its share of the quota.
    let accepted = AtomicUsize::new(0);
    let is_full = |server: &support::Server| match &*small(server) {
        "accepted" => {
            accepted.fetch_add(1, Ordering::SeqCst);
            false
        }
        other => other == "AccountLimitsExceededError",
    };
    let under_way: Vec<_> = (0..3).map(|_| begin(&server)).collect();
    wait_until("all room is taken", || is_full(&server));
    let server = server.restart_after_kill(&variables);
    drop(under_way);
    assert!(is_full(&server), "until their leases end");
    wait_until("their leases have ended, each in its time", || {
        is_full(&server) && accepted.load(Ordering::SeqCst) == 3
    });
}

#[test]
fn a_project_that_waits_for_its_own_permits_blocks_no_other() {
    let settings = Settings::default().with(|settings| {
        settings.max_uploads = 2;
        settings.max_uploads_per_ip = Some(1);
        settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    });
    let in_process = InProcess::with(&[("shop", json!({}))], settings, |builder| builder);
    let begun = in_process.begin("shop", "");
    let slow = |part: &str| {
        let mut stream = support::connect(&in_process.address);
        let head =
            format!("PUT {part} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\nContent-Length: {PART}\r\n\r\n");
        std::io::Write::write_all(&mut stream, &[head.as_bytes(), &[0; 100_000]].concat()).unwrap();
        stream
    };
    let _one_in_one_waits = [slow(&begun.parts[0]), slow(&begun.parts[1])];
    let file = form("shop").file("file", "a", b"x");
    let head = file.head("/base/?jsonerrors=1") + "X-Forwarded-For: 192.0.2.2\r\n";
    for _ in 0..50 {
        assert_eq!(
            code(&support::send(&in_process.address, &head, &file.body())),
            "accepted"
        );
    }
}

#[test]
fn a_request_of_several_files_that_fails_has_used_nothing() {
    let in_process = InProcess::of(&[("shop", json!({"secrets": [{"name": "one", "secret": "secret"}]}))]);
    let jwt = token("secret", "once", json!({}));
    let two = Form::default()
        .file("a", "a", b"x")
        .file("b", "b", b"y")
        .file("c", "c", b"z");
    let two = two.field("UPLOADCARE_PUB_KEY", "shop").field("signature", &jwt);
    assert_eq!(code(&in_process.base(&two)), "SignatureExpirationError");
    assert_eq!((in_process.usage("shop"), in_process.store.keys().len()), ((0, 0), 0));
    let one = form("shop").field("signature", &jwt).file("file", "a", b"x");
    assert_eq!(code(&in_process.base(&one)), "accepted");
}

#[test]
fn a_full_quota_is_not_reported_as_a_used_up_token() {
    let project = json!({"secrets": [{"name": "one", "secret": "secret"}], "max_stored": "5 B"});
    let in_process = InProcess::of(&[("shop", project)]);
    let jwt = token("secret", "once", json!({}));
    let ordered = in_process.post("/from_url/", &format!("pub_key=shop&source_url=x&signature={jwt}"));
    in_process.block_on(in_process.pipeline.fetch_due()).unwrap();
    let order = ordered.json()["token"].as_str().unwrap().to_owned();
    let status = in_process.get(&format!("/from_url/status/?token={order}")).json();
    assert_eq!(
        status["error"], "File validation error: Account has reached its limits.",
        "{status}"
    );
}
