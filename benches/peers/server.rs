//! The servers of the contest: how each is installed and started, and what it answers to.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::bare;
use super::plan::Plan;
use super::process::Tree;
use super::shape::{Sender, Shape};
use crate::support::{INTAKE, PATIENCE, config};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Intake,
    /// An older build of it.
    Before,
    Bare(bare::Kind),
    Nginx,
    Miniserve,
    Seaweedfs,
    Tus,
}

impl Peer {
    pub fn all() -> impl Iterator<Item = Self> {
        let bare = bare::Kind::ALL.map(Self::Bare);
        let others = [Self::Nginx, Self::Miniserve, Self::Seaweedfs, Self::Tus];
        [Self::Intake, Self::Before].into_iter().chain(bare).chain(others)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Before => "before",
            Self::Bare(kind) => kind.name(),
            Self::Nginx => "nginx",
            Self::Miniserve => "miniserve",
            Self::Seaweedfs => "seaweedfs",
            Self::Tus => "tus",
        }
    }

    pub fn is_intake(self) -> bool {
        matches!(self, Self::Intake | Self::Before)
    }

    /// Makes the peer ready for its first start, or says why that cannot be.
    pub fn install(self, plan: &Plan) -> Result<(), String> {
        match self {
            Self::Intake | Self::Bare(_) => Ok(()),
            Self::Before => match &plan.before {
                Some(program) if program.is_file() => Ok(()),
                Some(program) => Err(format!("there is no {}", program.display())),
                None => Err("INTAKE_BENCH_BEFORE does not name an older build".to_owned()),
            },
            _ => {
                println!("installing {}, if it is not there", self.name());
                let done = check(self.name());
                done.map_err(|error| error.to_string())
            }
        }
    }

    fn shape(self) -> Shape {
        match self {
            Self::Intake | Self::Before | Self::Bare(_) => Shape::Form,
            Self::Nginx | Self::Seaweedfs => Shape::Put,
            Self::Miniserve => Shape::Miniserve,
            Self::Tus => Shape::Tus,
        }
    }
}

/// Has the one who installs for the tests install a peer, too.
fn check(name: &str) -> io::Result<()> {
    let output = Command::new("bash").args(["check", "peer", name]).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    let lines: Vec<_> = said.lines().filter(|line| !line.trim().is_empty()).take(5).collect();
    Err(io::Error::other(lines.join("; ")))
}

/// Where `check` installs.
fn tools() -> PathBuf {
    let set = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let cache = || set("XDG_CACHE_HOME").unwrap_or_else(|| set("HOME").unwrap().join(".cache"));
    set("INTAKE_TEST_TOOLS").unwrap_or_else(|| cache().join("intake/test-tools"))
}

/// A server that runs until this is dropped.
pub struct Running {
    pub peer: Peer,
    pub address: String,
    pub shape: Shape,
    pub tree: Tree,
    folder: PathBuf,
    child: Child,
}

impl Running {
    /// Starts a server on an empty folder, with variables for Intake, and waits until it has taken its first files.
    pub fn start(peer: Peer, plan: &Plan, folder: PathBuf, variables: &[(&str, &str)]) -> io::Result<Self> {
        let files = folder.join("files");
        fs::create_dir(&files)?;
        let (child, address) = match peer {
            Peer::Intake => intake(Path::new(INTAKE), plan, &folder, variables)?,
            Peer::Before => intake(plan.before.as_deref().unwrap(), plan, &folder, variables)?,
            Peer::Bare(kind) => says_where(kind.command(&files))?,
            Peer::Tus => {
                let mut node = Command::new("node");
                node.arg(tools().join("tus/server.mjs")).arg(&files);
                says_where(node)?
            }
            Peer::Nginx => nginx(&folder, &files)?,
            Peer::Miniserve => miniserve(&folder, &files)?,
            Peer::Seaweedfs => seaweedfs(&folder, &files)?,
        };
        let mut running = Self {
            peer,
            address,
            shape: peer.shape(),
            tree: Tree::below(child.id()),
            folder,
            child,
        };
        running.wait_until_ready()?;
        // Workers may have come meanwhile.
        running.tree = Tree::below(running.child.id());
        Ok(running)
    }

    fn wait_until_ready(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut taken = 0;
        while taken < 3 {
            let mut request = Vec::new();
            self.shape.write(b"ready?", &mut request);
            match Sender::new(&self.address).ask(&request) {
                Ok(_) => taken += 1,
                Err(error) if Instant::now() > deadline || self.child.try_wait()?.is_some() => {
                    let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                    let last: Vec<_> = log.lines().rev().take(3).collect();
                    return Err(io::Error::other(format!("it does not start: {error}; {last:?}")));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        Ok(())
    }

    /// Bytes of all files that it has left so far.
    pub fn bytes_kept(&self) -> u64 {
        let files = crate::support::files_below(&self.folder);
        files
            .iter()
            .map(|file| file.metadata().map_or(0, |file| file.len()))
            .sum()
    }

    /// Ends it and removes what it has left: for few and large files, which leave nothing to wait for.
    pub fn discard(self) -> io::Result<()> {
        let folder = self.folder.clone();
        drop(self);
        fs::remove_dir_all(folder)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        Tree::below(self.child.id()).kill();
        let _dead = self.child.wait();
        if self.peer == Peer::Seaweedfs {
            remove_sockets(&self.folder.join("log"));
        }
    }
}

fn intake(program: &Path, plan: &Plan, folder: &Path, variables: &[(&str, &str)]) -> io::Result<(Child, String)> {
    let mut text = config(folder);
    if let Some(url) = plan.database() {
        text = text.replace(&format!("sqlite:{}/records.db", folder.display()), &url);
    }
    let file = folder.join("intake.toml");
    fs::write(&file, text)?;
    let mut command = Command::new(program);
    command.args(["serve", "--config"]).arg(file);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("INTAKE_BENCH_")) {
        command.env_remove(name);
    }
    command
        .env("INTAKE_LOG", "warn,intake_plugin_sql::postgres=error")
        .env("INTAKE_UPLOAD_API__MAX_DIRECT_SIZE", "2 GiB")
        .envs(variables.iter().copied());
    says_where(command)
}

/// Starts a program whose first line says where it listens.
fn says_where(mut command: Command) -> io::Result<(Child, String)> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    // The rest is read, so that it never waits for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    let address = first.split("http://").nth(1).and_then(|rest| rest.split('/').next());
    match address {
        Some(address) => Ok((child, address.to_owned())),
        None => {
            let _dead = child.kill();
            child.wait()?;
            Err(io::Error::other("it does not say where it listens"))
        }
    }
}

/// Starts a program that listens where it was told, and writes to a log.
fn listens_there(mut command: Command, folder: &Path, port: u16) -> io::Result<(Child, String)> {
    let log = File::create(folder.join("log"))?;
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok((command.spawn()?, format!("127.0.0.1:{port}")))
}

/// Ports that were free a moment ago.
fn free_ports<const COUNT: usize>() -> io::Result<[u16; COUNT]> {
    let listeners = [(); COUNT].map(|()| TcpListener::bind("127.0.0.1:0"));
    let mut ports = [0; COUNT];
    for (port, listener) in ports.iter_mut().zip(listeners) {
        *port = listener?.local_addr()?.port();
    }
    Ok(ports)
}

/// PUT, as its module for WebDAV takes it, with a worker for each processor and bodies of any size; files are given out with
/// sendfile.
fn nginx(folder: &Path, files: &Path) -> io::Result<(Child, String)> {
    let [port] = free_ports()?;
    let (files, here) = (files.display(), folder.display());
    let configuration = format!(
        "daemon off; worker_processes auto; worker_rlimit_nofile 8192; pid {here}/pid; error_log {here}/log;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; client_max_body_size 0;\n\
         client_body_temp_path {here}/body; proxy_temp_path {here}/unused; fastcgi_temp_path {here}/unused;\n\
         uwsgi_temp_path {here}/unused; scgi_temp_path {here}/unused;\n\
         server {{ listen 127.0.0.1:{port}; root {files}; dav_methods PUT; create_full_put_path on; }} }}\n"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration)?;
    use std::os::unix::fs::PermissionsExt;
    // Its workers are another user's if it is started by root.
    fs::set_permissions(folder.join("files"), fs::Permissions::from_mode(0o777))?;
    let mut command = Command::new("nginx");
    command.arg("-c").arg(file).arg("-e").arg(folder.join("log"));
    listens_there(command, folder, port)
}

fn miniserve(folder: &Path, files: &Path) -> io::Result<(Child, String)> {
    let [port] = free_ports()?;
    let mut command = Command::new(tools().join("miniserve/bin/miniserve"));
    command
        .args(["--interfaces", "127.0.0.1", "--port", &port.to_string()])
        .args(["--upload-files", ".", "--"])
        .arg(files)
        .current_dir(files);
    listens_there(command, folder, port)
}

/// SeaweedFS has sockets outside of its folder, which it names in its log.
fn remove_sockets(log: &Path) {
    let log = fs::read_to_string(log).unwrap_or_default();
    let named = log.lines().filter_map(|line| line.split_once("Unix socket "));
    for (_, socket) in named.filter(|(_, socket)| socket.ends_with(".sock")) {
        // It may have removed it itself.
        let _gone = fs::remove_file(socket);
    }
}

/// Master, volumes and filer in one process. Files go to the filer, which gives their pieces to the volumes.
fn seaweedfs(folder: &Path, files: &Path) -> io::Result<(Child, String)> {
    let ports: [u16; 6] = free_ports()?;
    let mut command = Command::new(tools().join("s3/bin/weed"));
    command
        .args([
            "-logtostderr=true",
            "server",
            "-filer",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
        ])
        .args([
            "-master.volumeSizeLimitMB=1024",
            "-volume.max=500",
            "-master.telemetry=false",
        ])
        .arg(format!("-dir={}", files.display()))
        .arg(format!("-filer.localSocket={}/filer.sock", folder.display()))
        .current_dir(folder);
    for (part, ports) in ["master", "volume", "filer"].iter().zip(ports.chunks(2)) {
        command.arg(format!("-{part}.port={}", ports[0]));
        command.arg(format!("-{part}.port.grpc={}", ports[1]));
    }
    listens_there(command, folder, ports[4])
}
