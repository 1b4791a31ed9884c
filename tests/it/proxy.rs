//! The shipped nginx configuration, in a real nginx in front of the program.

use std::io::Write;
use std::net::TcpListener;
use std::process::{Child, Command};

use tempfile::TempDir;
use tokio::net::TcpSocket;

use crate::support::{Answer, Form, Server, connect_from, read_answer, wait_until};

/// nginx with a folder of its own, in front of two nodes.
pub(crate) struct Nginx {
    dir: TempDir,
    child: Child,
    address: String,
}

/// An address that was free just now: nginx does not tell which port the system chose.
pub(crate) fn free_address() -> String {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    free.unwrap().to_string()
}

impl Nginx {
    /// Starts nginx in front of one server, as if it were both nodes of the shipped configuration.
    fn before(server: &Server) -> Self {
        Self::before_both([&server.address, &server.address])
    }

    /// Starts nginx with the shipped configuration. Only addresses and folders differ from the file.
    fn before_both(nodes: [&str; 2]) -> Self {
        loop {
            let address = free_address();
            let configuration = configuration(&address, nodes);
            if let Some(nginx) = Self::start(address, configuration) {
                return nginx;
            }
        }
    }

    /// Starts nginx with a configuration that listens on this address. `None` if another program took the address meanwhile.
    pub(crate) fn start(address: String, configuration: String) -> Option<Self> {
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("nginx.conf"), in_own_folders(configuration)).unwrap();
        let child = Command::new("nginx")
            .arg("-p")
            .arg(dir.path())
            .args(["-c", "nginx.conf", "-e", "stderr"])
            // One process, so that its end is the end of all of nginx.
            .args(["-g", "daemon off; master_process off; pid nginx.pid; error_log errors;"])
            .spawn();
        let child = child.unwrap_or_else(|error| panic!("nginx: {error}; run `./check setup` first"));
        let mut nginx = Self { dir, child, address };
        let mut ended = None;
        wait_until("nginx listens", || {
            ended = nginx.child.try_wait().unwrap();
            // It is written when the sockets are open.
            ended.is_some() || nginx.dir.path().join("nginx.pid").exists()
        });
        if ended.is_some() {
            let errors = std::fs::read_to_string(nginx.dir.path().join("errors")).unwrap_or_default();
            assert!(errors.contains("Address already in use"), "nginx: {errors}");
            return None;
        }
        Some(nginx)
    }

    /// Connects from an address of this machine.
    fn connect_from(&self, address: &str) -> std::net::TcpStream {
        connect_from(address, &self.address)
    }

    /// Asks after a file that is not there, with more headers.
    fn ask_from(&self, address: &str, headers: &str) -> Answer {
        let path = "/info/?pub_key=demopublickey&file_id=00000000-0000-4000-8000-000000000000";
        let mut stream = self.connect_from(address);
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n"
        )
        .unwrap();
        read_answer(&mut stream).unwrap()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _dead = self.child.kill();
        let _dead = self.child.wait();
    }
}

/// The shipped file with the addresses of this test.
fn configuration(listen: &str, nodes: [&str; 2]) -> String {
    let shipped = std::fs::read_to_string("examples/compose/nginx.conf").unwrap();
    let replaced = [
        ("listen 8080;", &format!("listen {listen};")),
        ("server intake1:8080", &format!("server {}", nodes[0])),
        ("server intake2:8080", &format!("server {}", nodes[1])),
    ];
    replaced.iter().fold(shipped, |text, (from, to)| once(&text, from, to))
}

/// A configuration with folders that need no rights of the system's own nginx.
fn in_own_folders(configuration: String) -> String {
    let mut folders = String::from("http {\naccess_log off;\n");
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        folders += &format!("{kind}_temp_path {kind};\n");
    }
    once(&configuration, "http {\n", &folders)
}

fn once(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "nginx.conf has {from:?} once");
    text.replace(from, to)
}

/// A server that trusts the proxy, and takes two requests a minute from each address.
fn limited() -> Server {
    let variables = [
        ("INTAKE_UPLOAD_API__TRUSTED_PROXIES", r#"["127.0.0.1/32"]"#),
        ("INTAKE_UPLOAD_API__MAX_REQUESTS_PER_IP", "2/min"),
    ];
    Server::start_with("", &variables)
}

#[test]
fn no_client_invents_its_address_through_the_shipped_nginx() {
    let server = limited();
    let nginx = Nginx::before(&server);
    let invented = [
        "X-Forwarded-For: 198.51.100.1\r\n",
        "X-Forwarded-For: 198.51.100.2, 127.0.0.1\r\n",
        "X-Forwarded-For: 198.51.100.3\r\nX-Forwarded-For: 198.51.100.4\r\n",
        "X-Forwarded-For: [2001:db8::1]:4711\r\n",
        "x-forwarded-for:\t198.51.100.5,\r\n",
        "X-Forwarded-For: \r\n",
        // Another client is not throttled by it: see its request below.
        "X-Forwarded-For: 127.0.0.3\r\n",
        "X-Forwarded-For: 127.0.0.3, 127.0.0.3\r\n",
        "X-Forwarded-For: 127.0.0.3\r\nX-Forwarded-For: 127.0.0.1\r\n",
        "X-Real-IP: 198.51.100.6\r\n",
        "Forwarded: for=198.51.100.7\r\n",
        "Connection: X-Forwarded-For\r\n",
    ];
    for headers in &invented[..2] {
        assert_eq!(nginx.ask_from("127.0.0.2", headers).status, 404, "{headers:?}");
    }
    for headers in &invented {
        assert_eq!(nginx.ask_from("127.0.0.2", headers).status, 429, "{headers:?}");
    }
    assert_eq!(
        nginx.ask_from("127.0.0.3", "").status,
        404,
        "another client is counted by its own address"
    );
}

#[test]
fn an_ipv6_address_without_brackets_is_believed_when_a_trusted_proxy_names_it() {
    let server = limited();
    let ask = |address: &str| {
        let head = format!("GET /info/?pub_key=demopublickey HTTP/1.1\r\nX-Forwarded-For: {address}\r\n");
        server.send(&head, b"").status
    };
    // The answer is 400, because no file is named. Limits hold for a network of 64 bits, because one customer gets such a network.
    for (address, status) in [
        ("2001:db8:1::1", 400),
        ("2001:db8:1::1", 400),
        ("2001:db8:1::1", 429),
        ("2001:db8:1::2", 429),
        ("2001:db8:2::1", 400),
    ] {
        assert_eq!(ask(address), status, "{address}");
    }
}

#[test]
fn an_upload_passes_the_shipped_nginx_while_it_is_being_sent() {
    let server = Server::start();
    let nginx = Nginx::before(&server);
    // More than nginx takes by default, and more than it would keep in memory.
    let form = Form::default().key().file("file", "a.bin", &vec![7; 3 << 20]);
    let body = form.body();
    let mut stream = nginx.connect_from("127.0.0.1");
    let head = form.head("/base/");
    write!(stream, "{head}Host: x\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
    let (first, rest) = body.split_at(2 << 20);
    stream.write_all(first).unwrap();
    wait_until("the server writes what has come so far", || !server.files().is_empty());
    let kept_back = std::fs::read_dir(nginx.dir.path().join("client_body")).unwrap().count();
    assert_eq!(kept_back, 0, "nginx keeps no part of a body");
    stream.write_all(rest).unwrap();
    let answer = read_answer(&mut stream).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_client_hears_through_nginx_why_a_node_does_not_read_its_body() {
    let variables = [
        ("INTAKE_UPLOAD_API__MAX_DIRECT_SIZE", "1 MiB"),
        ("INTAKE_UPLOAD_API__DRAIN_SIZE", "64 KiB"),
    ];
    let server = Server::start_with("", &variables);
    let nginx = Nginx::before(&server);
    let form = Form::default().key().file("file", "a.bin", &vec![7; 16 << 20]);
    let head = format!(
        "{}Host: x\r\nContent-Length: {}\r\n\r\n",
        form.head("/base/"),
        form.body().len()
    );
    for _ in 0..10 {
        let mut stream = nginx.connect_from("127.0.0.1");
        // nginx may answer, and close, before all is sent.
        let _sent = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(&form.body()));
        assert_eq!(read_answer(&mut stream).unwrap().status, 413);
    }
    // nginx still uses the node afterwards.
    for _ in 0..4 {
        assert_eq!(nginx.ask_from("127.0.0.1", "").status, 404);
    }
}

#[test]
fn requests_and_uploads_of_a_node_that_is_down_go_to_the_other() {
    let server = Server::start();
    // It holds its port and refuses connections, since it does not listen.
    let down = TcpSocket::new_v4().unwrap();
    down.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let nginx = Nginx::before_both([&down.local_addr().unwrap().to_string(), &server.address]);
    let form = Form::default().key().file("file", "a.bin", &vec![7; 2 << 20]);
    for _ in 0..4 {
        assert_eq!(nginx.ask_from("127.0.0.1", "").status, 404);
        let answer = crate::support::send(&nginx.address, &form.head("/base/"), &form.body());
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[test]
fn parts_are_sent_to_the_address_that_the_client_has_used_for_nginx() {
    let server = Server::start();
    let nginx = Nginx::before(&server);
    let body = "UPLOADCARE_PUB_KEY=demopublickey&filename=a.bin&size=11000000&content_type=a%2Fb";
    let answer = crate::support::send(&nginx.address, "POST /multipart/start/ HTTP/1.1\r\n", body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    for part in answer.json()["parts"].as_array().unwrap() {
        let url = part.as_str().unwrap();
        assert!(url.starts_with(&format!("http://{}/parts/", nginx.address)), "{url}");
    }
}
