//! What a program, and a file, can do at most.

use std::path::Path;
use std::time::Duration;

use bytesize::ByteSize;
use intake_core::{Bytes, Coverage, Declared, Head, Scanner, UploadInfo, testkit};
use intake_plugin_ffprobe::{Ffprobe, SCANNER_UNAVAILABLE};

use crate::{fake, file, left_out, note, scan, with};

/// What a scanner with this program says of a film.
async fn said_by(text: &str) -> Result<String, String> {
    let (_folder, program) = fake(text);
    let scanner = with(|settings| {
        settings.program = program;
        settings.timeout = Duration::from_secs(1);
    });
    let report = scan(&scanner, &file("turned.mp4")).await;
    match note(&report) {
        Some(note) => {
            assert_eq!(report.coverage, Coverage::Whole);
            Ok(note.format)
        }
        None => Err(left_out(&report).to_owned()),
    }
}

#[tokio::test]
async fn a_program_that_hangs_floods_or_dies_leaves_the_file_unread() {
    for (text, expected) in [
        ("while :; do :; done", "ffprobe took longer than 1s"),
        ("sleep 600", "ffprobe took longer than 1s"),
        ("exec 1>&- 2>&-; sleep 600", "ffprobe took longer than 1s"),
        ("(sleep 600) & exit 0", "ffprobe took longer than 1s"),
        ("while :; do echo 0123456789; done", "ffprobe said more than is read"),
        ("while :; do echo 0123456789 >&2; done", "ffprobe took longer than 1s"),
        ("kill -SEGV $$", "ffprobe died of it"),
        ("exit 1", "ffprobe reads nothing in it"),
        ("echo '{\"streams\": []}'", "ffprobe answers in no known way"),
        ("printf '\\033[2Jno' >&2; exit 3", "ffprobe reads nothing in it"),
        (":", "ffprobe answers in no known way"),
    ] {
        let why = said_by(text).await.expect_err(text);
        assert_eq!(why, format!("the video or sound was not read: {expected}"), "{text}");
    }
}

#[tokio::test]
async fn complaints_of_any_length_do_not_stop_a_program() {
    let long = "head -c 1000000 /dev/zero >&2; echo '{\"format\": {\"format_name\": \"mov,mp4\"}}'";
    assert_eq!(said_by(long).await, Ok("mp4".to_owned()));
}

/// What a shell says, as the name of a format.
fn answer(shell: &str) -> String {
    format!("printf '{{\"format\": {{\"format_name\": \"%s\"}}}}' \"$({{ {shell}; }} | tr '\\n' ' ')\"")
}

#[tokio::test]
async fn the_limits_of_a_process_are_set_before_it_starts() {
    // Seconds, kilobytes, files, blocks of a file, blocks of a memory image.
    let said = said_by(&answer("ulimit -t; ulimit -v; ulimit -n; ulimit -f; ulimit -c")).await;
    assert_eq!(said, Ok("2 1048576 16 0 0 ".to_owned()));
}

#[tokio::test]
async fn a_process_sees_nothing_of_the_environment_and_of_the_folder_of_the_server() {
    let said = said_by(&answer("echo ${HOME-none} ${CARGO_MANIFEST_DIR-none}; pwd -P"))
        .await
        .expect("an answer");
    assert_eq!(said, "none none / ");
}

#[tokio::test]
async fn what_a_process_started_is_killed_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mark = folder.path().display();
    // No byte can be written to a file; a name can be made.
    let _said = said_by(&format!("sleep 600 & : >{mark}/$!; echo x >{mark}/$!; wait")).await;
    let names: Vec<_> = std::fs::read_dir(&folder).expect("a folder").collect();
    let file = names.first().expect("a name").as_ref().expect("an entry");
    assert_eq!((names.len(), file.metadata().expect("a file").len()), (1, 0));
    let name = file.file_name().into_string().expect("a number");
    assert!(is_dead(&name), "{name}");
}

/// Whether a process is gone, or waits for somebody who asks after it.
fn is_dead(process: &str) -> bool {
    let path = Path::new("/proc").join(process).join("stat");
    // The kernel takes a moment to end a process that was killed: until then this reads again.
    (0..1_000_000).any(|_| match std::fs::read_to_string(&path) {
        Ok(stat) => stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')),
        Err(_) => true,
    })
}

#[tokio::test]
async fn files_beyond_the_places_wait_and_are_told_so() {
    let (_folder, program) = fake("sleep 600");
    let scanner = with(|settings| {
        settings.program = program;
        settings.at_a_time = 1;
        settings.wait = Duration::from_millis(10);
        settings.timeout = Duration::from_secs(2);
    });
    let film = Bytes::from(file("turned.mp4"));
    let scans = tokio::join!(testkit::scan(&scanner, &film, 999), testkit::scan(&scanner, &film, 999));
    let (served, waited) = match scans {
        (Ok(served), Err(waited)) | (Err(waited), Ok(served)) => (served, waited),
        both => panic!("{both:?}"),
    };
    assert!(left_out(&served).ends_with("longer than 2s"));
    assert_eq!((waited.code, waited.retryable), (SCANNER_UNAVAILABLE, true));
}

#[tokio::test]
async fn a_file_above_the_limit_is_partly_covered_as_soon_as_that_is_known() {
    let film = file("turned.mp4");
    let size = film.len() as u64;
    let scanner = |most| {
        with(|settings| {
            settings.max_size = ByteSize(most);
            settings.spool_size = ByteSize(most);
        })
    };
    // Exactly as large as it may be.
    assert!(note(&scan(&scanner(size.next_multiple_of(65_536)), &film).await).is_some());
    let small = scanner(size - 1);
    let expected = format!(
        "the video or sound was not read: it has more than {} bytes (max_size)",
        size - 1
    );
    assert_eq!(left_out(&scan(&small, &film).await), expected);
    assert_eq!(
        gap(&small, &film, Some(size)).await,
        [Some(expected.clone()), Some(expected.clone())]
    );
    assert_eq!(gap(&small, &film, None).await, [None, Some(expected)]);
}

/// What a scan says that it will not look at: before the first byte, and behind the last one.
async fn gap(scanner: &Ffprobe, content: &[u8], declared: Option<u64>) -> [Option<String>; 2] {
    let declared = Declared::default().with(|it| it.size = declared);
    let media_type = "video/mp4".parse().expect("a type");
    let head = Head::new(UploadInfo::new(&declared), content, Some(&media_type));
    let mut scan = scanner.open(&head).await.expect("opens");
    let before = scan.gap();
    let _verdict = scan.feed(&Bytes::copy_from_slice(content)).await.expect("feeds");
    [before, scan.gap()]
}

#[tokio::test]
async fn a_file_that_finds_no_room_on_the_disk_is_partly_covered_and_the_room_comes_back() {
    let scanner = with(|settings| {
        settings.max_size = ByteSize(128 * 1024);
        settings.spool_size = ByteSize(128 * 1024);
    });
    let mut film = file("turned.mp4");
    film.resize(128 * 1024, 0);
    let declared = Declared::default();
    let media_type = "video/mp4".parse().expect("a type");
    let head = Head::new(UploadInfo::new(&declared), &film, Some(&media_type));
    let mut first = scanner.open(&head).await.expect("opens");
    let _verdict = first.feed(&Bytes::from(film.clone())).await.expect("feeds");
    let second = scan(&scanner, &film).await;
    assert!(left_out(&second).contains("spool_size"), "{}", left_out(&second));
    assert!(note(&first.finish().await.expect("a report")).is_some());
    assert!(note(&scan(&scanner, &film).await).is_some());
}
