//! A real clamd behind the program: infected files are refused, and without clamd's answer no file is accepted.

use std::io::Write;

use intake_core::{Coverage, Verdict};
use intake_plugin_clamav::ClamAv;
use intake_plugin_clamav::testkit::{Clamd, MARKER, eicar};

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

/// A ZIP with one member of so many bytes, and clamd's test signature at its end.
fn packed(bytes: usize) -> Vec<u8> {
    packed_with(bytes, MARKER)
}

/// The same with something else at its end.
fn packed_with(bytes: usize, end: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    zip.start_file("big.txt", options).unwrap();
    zip.write_all(&vec![b'a'; bytes]).unwrap();
    zip.write_all(end).unwrap();
    zip.finish().unwrap().into_inner()
}

#[test]
fn what_clamd_skips_in_an_archive_without_a_word_is_not_called_clean() {
    let runtime = runtime();
    let limits = ["MaxFileSize 1M", "StreamMaxLength 4M", "AlertExceedsMax yes"];
    let clamd = runtime.block_on(Clamd::start_with(&limits));
    let (small, large) = (packed(1000), packed(3 << 20));
    let alone = ClamAv::at(clamd.address()).max_scan_size(1 << 20);
    let of_clamd = runtime.block_on(intake_core::testkit::scan(&alone, &large.clone().into(), usize::MAX));
    let of_clamd = of_clamd.unwrap();
    assert_eq!(
        (of_clamd.verdict, of_clamd.coverage),
        (Verdict::Accept, Coverage::Whole),
        "this release of clamd says what it skips: the table of its limits can go"
    );
    let says = |server: &Server, zip: &[u8]| {
        let form = Form::default().file("file", "a.zip", zip).key();
        let refused = server.post("/base/?jsonerrors=1", &form).json();
        refused["error"]["content"]
            .as_str()
            .map(str::to_owned)
            .unwrap_or_default()
    };
    let scanned = scanned_by(&clamd) + "max_scan_size = \"1MiB\"\n";
    let server = Server::start_with(&format!("{scanned}\n[[scan]]\nuse = \"archive\"\n"), &[]);
    assert!(says(&server, &small).contains("infected"));
    server.upload("clean.zip", &packed_with(100_000, b"nothing to see here"));
    assert_eq!(server.files().len(), 1);
    assert!(says(&server, &large).contains("its largest member unpacks to"));
    assert_eq!(server.files().len(), 1);

    let unwalked = Server::start_with(&scanned, &[]);
    assert!(says(&unwalked, &large).contains("how much is in it is not known"));
    let accepts = Server::start_with(&format!("{scanned}on_partial = \"accept\"\n"), &[]);
    let id = accepts.upload("a.zip", &large);
    let said = crate::projects_cli::works(&accepts, &["files", "explain", &id]);
    assert!(said.contains("partly covered"), "{said}");
    runtime.block_on(clamd.stop());
}
