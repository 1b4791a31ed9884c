//! A disk with no room left: a real one, of two mebibytes, in a mount namespace of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use intake_core::testkit::{collect, noise};
use tempfile::tempdir;

use crate::{files, fs, key, put};

/// Names the small disk to the child process that sees it.
const DISK: &str = "INTAKE_TEST_SMALL_DISK";

#[tokio::test]
async fn a_full_disk_is_said_and_nothing_stays() {
    if let Some(disk) = std::env::var_os(DISK) {
        return on_a_small_disk(&PathBuf::from(disk)).await;
    }
    let folder = tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=2m tmpfs "$INTAKE_TEST_SMALL_DISK" || exit 77; exec "$@""#;
    let test = "full::a_full_disk_is_said_and_nothing_stays";
    let child = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(DISK, folder.path())
        .output();
    let cannot = match child {
        Ok(child) if child.status.success() => {
            let said = String::from_utf8_lossy(&child.stdout);
            assert!(said.contains("1 passed"), "{said}");
            return;
        }
        Ok(child) if matches!(child.status.code(), Some(77 | 1)) && child.stdout.is_empty() => {
            String::from_utf8_lossy(&child.stderr).into_owned()
        }
        Ok(child) => panic!("{child:?}"),
        Err(error) => error.to_string(),
    };
    // Not by a macro: those are captured.
    let _ = writeln!(std::io::stderr(), "skipped: {test}: no small disk to be had: {cannot}");
}

async fn on_a_small_disk(disk: &Path) {
    let store = fs(disk);
    let half = noise(1, 1 << 20);

    // The disk fills up while an upload is written. Whichever call notices, the upload does not get through.
    let mut staged = store.stage(&key(), None).await.unwrap();
    let mut written = Ok(());
    for _ in 0..20 {
        written = staged.write(half.slice(..256 * 1024)).await;
        if written.is_err() {
            break;
        }
    }
    let fault = written.unwrap_err();
    assert_eq!(fault.code.as_str(), "store_full", "{}", fault.report());
    assert!(fault.retryable, "there may be room later");
    staged.discard().await.unwrap();
    assert_eq!(files(disk), [""; 0]);

    // The last bytes are those that find no room, in the commit.
    let blocker = disk.join("blocker");
    let key_of_small = key();
    let mut staged = store.stage(&key_of_small, None).await.unwrap();
    staged.write(half.slice(..1000)).await.unwrap();
    let _ = std::fs::write(&blocker, noise(2, 3 << 20));
    assert_eq!(staged.commit().await.unwrap_err().code.as_str(), "store_full");
    store.delete(&key_of_small).await.unwrap();
    assert_eq!(files(disk), ["blocker"]);
    let fault = store.ready().await.unwrap_err();
    assert_eq!(fault.code.as_str(), "store_full");
    let folder = format!("cannot keep files in the folder {} (store_full): ", disk.display());
    assert!(fault.report().starts_with(&folder), "{}", fault.report());
    assert_eq!(files(disk), ["blocker"], "trying the store out leaves nothing");

    // There is room again.
    std::fs::remove_file(blocker).unwrap();
    store.delete(&key()).await.unwrap();
    store.ready().await.unwrap();
    let key = key();
    put(&*store, &key, &half).await;
    assert!(collect(store.read(&key, None).await.unwrap()).await == half);
}
