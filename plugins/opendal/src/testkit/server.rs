//! A SeaweedFS with a folder of its own.

use std::ffi::OsString;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rusty_s3::Method;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::bucket::Bucket;

/// How long it may take until a server accepts bytes.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often to try again when another process has taken a port that was free a moment ago.
const ATTEMPTS: usize = 3;
/// Below those that the system hands out by itself, so that a server which is started again finds its own still free.
const PORTS: std::ops::Range<u16> = 10_000..32_000;
/// The services that listen: each with a port for HTTP and one for gRPC.
const PARTS: [&str; 5] = ["master", "volume", "filer", "s3", "admin"];
const S3: usize = 6;

/// Runs the server until the test's process says so, or is gone, however it went: then the other end of this shell's input
/// is closed. A line means that the server will be started again on what there is.
const KEEPER: &str = r#"
trap '' HUP INT TERM
"$@" </dev/null >"$FOLDER/log" 2>&1 &
server=$!
read -r again || again=no
kill -KILL "$server"
wait "$server"
for port in $PORTS; do rm -f /tmp/seaweedfs-*-grpc-"$port".sock; done
[ "$again" != no ] || rm -rf "$FOLDER"
"#;

/// An S3 server on this machine, which lasts until this is dropped or the process ends.
#[derive(Debug)]
pub struct S3Server {
    folder: PathBuf,
    ports: Vec<u16>,
    secret: String,
    keeper: Option<Child>,
}

impl S3Server {
    /// The server that the tests of one program share, started when it is first asked for.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<S3Server> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    /// Starts a server, for a test that ends it, and waits until it accepts bytes.
    ///
    /// # Panics
    ///
    /// If it does not start, with what it says.
    pub async fn start() -> Self {
        for attempt in 1.. {
            let folder = tempfile::Builder::new().prefix("intake-s3-").tempdir();
            let mut server = Self {
                folder: folder.expect("a temporary folder").keep(),
                ports: free_ports(),
                secret: Uuid::new_v4().simple().to_string(),
                keeper: None,
            };
            match server.run().await {
                Ok(()) => return server,
                Err(log) => assert!(attempt < ATTEMPTS, "the S3 server does not start: {log}"),
            }
        }
        unreachable!("the last attempt panics")
    }

    /// Creates a bucket.
    ///
    /// # Panics
    ///
    /// If the server does not.
    pub async fn bucket(&self) -> Bucket {
        let bucket = self.bucket_called(format!("test-{}", Uuid::new_v4().simple()));
        let made = bucket.ask(Method::Put, None, &[]).await;
        assert!(made.status().is_success(), "{}", made.text().await.unwrap_or_default());
        bucket
    }

    /// Kills it, as a crash would, and returns when it has ended. Acknowledged bytes are still there when it is started again.
    ///
    /// # Panics
    ///
    /// If it cannot be ended.
    pub async fn kill(&mut self) {
        let Some(mut keeper) = self.keeper.take() else {
            return;
        };
        let mut input = keeper.stdin.take().expect("a shell that listens");
        input.write_all(b"again\n").expect("a shell that listens");
        let gone = spawn_blocking(move || keeper.wait()).await.expect("no panic");
        gone.expect("it can be waited for");
    }

    /// Starts it again on the same port and data; kills it first if it runs.
    ///
    /// # Panics
    ///
    /// If it does not start, with what it says.
    pub async fn restart(&mut self) {
        self.kill().await;
        if let Err(log) = self.run().await {
            panic!("the S3 server does not start again: {log}");
        }
    }

    /// Ends it, and removes its data. Dropping it does the same.
    pub fn stop(self) {}

    async fn run(&mut self) -> Result<(), String> {
        self.keeper = Some(self.spawn());
        let bucket = self.bucket_called("ready".to_owned());
        let until = Instant::now() + PATIENCE;
        while !takes_bytes(&bucket).await {
            if Instant::now() > until {
                return Err(std::fs::read_to_string(self.folder.join("log")).unwrap_or_default());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    fn spawn(&self) -> Child {
        let identities = format!(
            r#"{{"identities": [{{"name": "test", "actions": ["Admin"],
                "credentials": [{{"accessKey": "test", "secretKey": "{}"}}]}}]}}"#,
            self.secret
        );
        std::fs::write(self.folder.join("identities.json"), identities).expect("settings can be written");
        let ports: Vec<_> = self.ports.iter().map(u16::to_string).collect();
        Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .arg(program())
            .args(arguments(&self.folder, &self.ports))
            .env("FOLDER", &self.folder)
            .env("PORTS", ports.join(" "))
            // One file for each bucket instead of seven.
            .env("WEED_MASTER_VOLUME_GROWTH_COPY_1", "1")
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("there is a shell")
    }

    fn bucket_called(&self, name: String) -> Bucket {
        Bucket {
            endpoint: format!("http://127.0.0.1:{}", self.ports[S3]),
            region: "us-east-1".to_owned(),
            name,
            access_key_id: "test".to_owned(),
            secret_access_key: self.secret.clone(),
        }
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        match &mut self.keeper {
            Some(keeper) => {
                // Closes the input first.
                let _gone = keeper.wait();
            }
            None => {
                let _removed = std::fs::remove_dir_all(&self.folder);
            }
        }
    }
}

/// Whether the server works. The secret is unique to it, so that no other server can answer in its place.
async fn takes_bytes(bucket: &Bucket) -> bool {
    let made = bucket.try_to_ask(Method::Put, None, &[]).await;
    let there = made.is_ok_and(|answer| answer.status().is_success() || answer.status() == 409);
    let put = async || bucket.try_to_ask(Method::Put, Some("ready"), &[]).await;
    there && put().await.is_ok_and(|answer| answer.status().is_success())
}

fn arguments(folder: &Path, ports: &[u16]) -> Vec<OsString> {
    let fixed = [
        "-logtostderr=true",
        // All parts of a cluster in one process, which is up in less than a second.
        "mini",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-admin.ui=false",
        "-webdav=false",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=1024",
        "-volume.max=500",
        "-s3.iam=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        // A bucket that is not there is an error, as elsewhere.
        "-s3.autoCreateBucket=false",
        "-s3.config=identities.json",
        "-s3.localSocket=s3.sock",
        "-filer.localSocket=filer.sock",
    ];
    let mut dir = OsString::from("-dir=");
    dir.push(folder);
    let listen = PARTS.iter().zip(ports.chunks(2)).flat_map(|(part, ports)| {
        let [http, grpc] = ports else { unreachable!("two each") };
        [format!("-{part}.port={http}"), format!("-{part}.port.grpc={grpc}")]
    });
    fixed
        .into_iter()
        .map(OsString::from)
        .chain([dir])
        .chain(listen.map(OsString::from))
        .collect()
}

fn free_ports() -> Vec<u16> {
    let mut listeners = Vec::new();
    while listeners.len() < 2 * PARTS.len() {
        let random = Uuid::new_v4().as_u128() % u128::from(PORTS.end - PORTS.start);
        let port = PORTS.start + u16::try_from(random).expect("less than there are ports");
        listeners.extend(TcpListener::bind(("127.0.0.1", port)));
    }
    let port = |listener: &TcpListener| listener.local_addr().expect("it is bound").port();
    listeners.iter().map(port).collect()
}

/// Where `./check setup` puts it.
fn program() -> PathBuf {
    let set = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let cache = || {
        let cache = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
        cache.expect("a home").join("intake/test-tools")
    };
    let program = set("INTAKE_TEST_TOOLS").unwrap_or_else(cache).join("s3/bin/weed");
    assert!(
        program.is_file(),
        "there is no S3 server at {}: run `./check setup` first",
        program.display()
    );
    program
}
