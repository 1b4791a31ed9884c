//! A real c-icap whose service `avscan` has a real clamd behind it.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use intake_core::Scanner;
use intake_plugin_clamav::testkit::Clamd;
use intake_plugin_icap::Settings;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::built;

/// How long it may take until a server has started.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often to try again when another process has taken the port that was free a moment ago.
const ATTEMPTS: usize = 5;
/// Where Debian has the modules, by machine.
const LIBRARIES: &str = "/usr/lib";

/// A c-icap that runs until this is dropped.
pub(crate) struct CIcap {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl CIcap {
    /// Starts one whose service `avscan` scans with a clamd, with lines of one's own in its configuration.
    pub(crate) async fn start(clamd: &Clamd, lines: &[&str]) -> Self {
        for attempt in 1.. {
            match Self::attempt(clamd, lines).await {
                Ok(server) => return server,
                Err(log) => assert!(attempt < ATTEMPTS, "c-icap does not start: {log}"),
            }
        }
        unreachable!("the last attempt panics")
    }

    async fn attempt(clamd: &Clamd, lines: &[&str]) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.expect("a free port").port();
        let configuration = folder.path().join("c-icap.conf");
        std::fs::write(&configuration, own(&folder, clamd, port) + &lines.join("\n") + "\n").expect("settings");
        // In the foreground.
        let child = Command::new(program())
            .arg("-N")
            .arg("-f")
            .arg(configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .expect("c-icap runs");
        let mut server = Self { child, folder, port };
        let asking = built(Settings::at(server.url("avscan")).with(|settings| settings.self_test = false));
        let until = Instant::now() + PATIENCE;
        while asking.ready().await.is_err() {
            let ended = server.child.try_wait().expect("c-icap can be watched").is_some();
            if ended || Instant::now() > until {
                return Err(server.log());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(server)
    }

    pub(crate) fn url(&self, service: &str) -> String {
        format!("icap://127.0.0.1:{}/{service}", self.port)
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// Ends it, as a crash would.
    pub(crate) async fn kill(&mut self) {
        self.kill_all();
        self.child.wait().await.expect("c-icap can be watched");
    }

    /// Ends all its processes: the first one only starts those that serve, which would go on for a while.
    fn kill_all(&self) {
        if let Some(group) = self.child.id() {
            let killed = std::process::Command::new("kill")
                .args(["-s", "KILL", "--", &format!("-{group}")])
                .status();
            killed.expect("there is `kill`");
        }
    }
}

impl Drop for CIcap {
    fn drop(&mut self) {
        self.kill_all();
    }
}

/// Its configuration.
fn own(folder: &TempDir, clamd: &Clamd, port: u16) -> String {
    let (folder, modules, clamd) = (folder.path().display(), modules(), clamd.socket());
    let (modules, clamd) = (modules.display(), clamd.display());
    format!(
        "Port 127.0.0.1:{port}\nPidFile {folder}/c-icap.pid\nCommandsSocket {folder}/c-icap.ctl\nTmpDir {folder}\n\
         ServerLog {folder}/server.log\nAccessLog {folder}/access.log\nServerName test\nServerAdmin test@example.com\n\
         ModulesDir {modules}\nServicesDir {modules}\nTemplateDir /usr/share/c_icap/templates/\n\
         TemplateDefaultLanguage en\nLoadMagicFile /etc/c-icap/c-icap.magic\n\
         StartServers 1\nMaxServers 1\nMinSpareThreads 2\nMaxSpareThreads 16\nThreadsPerChild 16\n\
         Service echo srv_echo.so\nModule common clamd_mod.so\nclamd_mod.ClamdSocket {clamd}\n\
         Service antivirus_module virus_scan.so\n\
         ServiceAlias avscan virus_scan?allow204=on&sizelimit=off&mode=simple\n"
    )
}

fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join("c-icap"))
        .find(|program| program.is_file());
    found.expect("c-icap is not installed: run `./check setup`, or install Debian's packages c-icap and libc-icap-mod-virus-scan")
}

/// The folder with the modules.
fn modules() -> PathBuf {
    let folders = std::fs::read_dir(LIBRARIES)
        .expect("libraries")
        .flatten()
        .map(|entry| entry.path().join("c_icap"));
    let found = folders
        .chain([PathBuf::from(LIBRARIES).join("c_icap")])
        .find(|folder| folder.join("virus_scan.so").is_file());
    found.expect("c-icap has no virus_scan: run `./check setup`, or install Debian's package libc-icap-mod-virus-scan")
}
