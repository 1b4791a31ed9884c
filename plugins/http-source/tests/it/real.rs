//! On this machine's own network: the system's resolver and TCP.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::thread::{JoinHandle, spawn};

use intake_core::Fetcher;
use intake_plugin_http_source::{HttpSource, Settings};

use crate::{ending, fetch};

/// Answers one request, and gives back its head.
fn origin() -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nreal")
            .unwrap();
        String::from_utf8(head).unwrap()
    });
    (port, served)
}

fn settings(port: u16, open: &[&str]) -> Settings {
    Settings::default().with(|settings| {
        settings.ports = Some(vec![port]);
        settings.open = open.iter().map(|entry| (*entry).to_owned()).collect();
    })
}

#[tokio::test]
async fn an_opened_host_on_this_machine_is_fetched_from() {
    for (host, open) in [("127.0.0.1", "127.0.0.0/8"), ("localhost", "localhost")] {
        let (port, served) = origin();
        let fetcher = HttpSource::new(settings(port, &[open])).unwrap();
        let source = format!("http://{host}:{port}/a");
        fetcher.judge(&source).await.unwrap();
        assert_eq!(fetch(&fetcher, &source).await.unwrap(), b"real", "{host}");
        assert!(served.join().unwrap().starts_with("GET /a HTTP/1.1\r\n"));
    }
}

#[tokio::test]
async fn this_machine_is_not_reached_unless_it_is_opened() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let fetcher = HttpSource::new(settings(port, &[])).unwrap();
    for host in [
        "127.0.0.1",
        "localhost",
        "0",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
        "[::]",
        "0.0.0.0",
    ] {
        let ended = ending(fetch(&fetcher, &format!("http://{host}:{port}/")).await).0;
        assert_eq!(ended, "address_forbidden", "{host}");
    }
    let knocked = listener.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(knocked, Err(std::io::ErrorKind::WouldBlock), "a connection was made");
}

#[test]
fn proxies_in_the_environment_are_ignored() {
    let idle = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    idle.set_nonblocking(true).unwrap();
    let proxy = format!("http://{}", idle.local_addr().unwrap());
    let mut command = Command::new(std::env::current_exe().unwrap());
    // The other test, in an environment of its own.
    command.args(["--exact", "real::an_opened_host_on_this_machine_is_fetched_from"]);
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ] {
        command.env(name, &proxy);
    }
    let output = command.env_remove("NO_PROXY").env_remove("no_proxy").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    let knocked = idle.accept().map(drop).map_err(|error| error.kind());
    assert_eq!(knocked, Err(std::io::ErrorKind::WouldBlock), "the proxy was asked");
}
