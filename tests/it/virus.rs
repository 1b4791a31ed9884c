//! A real clamd behind the program: infected files are refused, and without clamd's answer no file is accepted.

use std::io::Write;

use intake_plugin_clamav::testkit::{Clamd, eicar};

use crate::support::{Form, Server, read_answer, wait_until};

fn with_clamd(clamd: &Clamd) -> Server {
    Server::start_with(&scanned_by(clamd), &[])
}

pub(crate) fn scanned_by(clamd: &Clamd) -> String {
    format!("\n[[scan]]\nuse = \"clamav\"\naddress = \"{}\"\n", clamd.address())
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn an_infected_file_is_refused_and_a_clean_one_goes_through() {
    let runtime = runtime();
    let clamd = runtime.block_on(Clamd::start());
    let server = with_clamd(&clamd);
    let form = Form::default().file("file", "eicar.com", &eicar()).key();
    let refused = server.post("/base/?jsonerrors=1", &form).json();
    assert_eq!(refused["error"]["error_code"], "FileInfectedError");
    let said = refused["error"]["content"].as_str().unwrap();
    assert!(
        said.starts_with("The file is infected by ") && said.contains("Eicar"),
        "{said}"
    );
    assert!(server.files().is_empty());

    let id = server.upload("clean.txt", b"nothing to see here");
    assert_eq!(
        server.get(&format!("/info/?pub_key=demopublickey&file_id={id}")).json()["is_ready"],
        true
    );
    assert_eq!(server.files().len(), 1);
    runtime.block_on(clamd.stop());
}

#[test]
fn a_file_whose_scanner_dies_while_it_comes_in_is_refused_and_leaves_nothing() {
    let runtime = runtime();
    let mut clamd = runtime.block_on(Clamd::start());
    let server = with_clamd(&clamd);
    let form = Form::default().key().file("file", "half.bin", &vec![b'x'; 4 << 20]);
    let body = form.body();
    let mut stream = server.begin("/base/?jsonerrors=1", &form, body.len() / 2);
    wait_until("bytes of the upload are on their way into the store", || {
        !server.files().is_empty()
    });
    runtime.block_on(clamd.kill());
    let _early = stream.write_all(&body[body.len() / 2..]);
    let answer = read_answer(&mut stream).unwrap().json();
    assert_eq!(answer["error"]["error_code"], "UploadAPIError", "{answer}");
    wait_until("the bytes are gone", || server.files().is_empty());

    let form = Form::default().key().file("file", "next.bin", b"x");
    assert_eq!(
        server.post("/base/", &form).status,
        500,
        "without a scanner nothing is taken"
    );
    assert!(server.files().is_empty());
}

#[test]
fn a_program_whose_scanner_is_not_there_says_so_and_does_not_start() {
    let runtime = runtime();
    let clamd = runtime.block_on(Clamd::start());
    let server = with_clamd(&clamd);
    let address = clamd.address();
    runtime.block_on(clamd.stop());
    let checked = std::process::Command::new(crate::support::INTAKE)
        .args(["check", "--connect"])
        .arg(server.config_file())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(
        !checked.status.success() && said.contains("scan `clamav`") && said.contains(&address),
        "{said}"
    );
}
