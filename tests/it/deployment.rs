//! `docs/deployment.md`, followed to its end: real clamd, PostgreSQL and nginx, the files and the commands of the page, and the output
//! of each command. Only addresses, ports and folders are the test's own.

use std::any::Any;
use std::path::PathBuf;
use std::process::{Child, Command};

use intake_plugin_clamav::testkit::{Clamd, MARKER};
use intake_plugin_sql::testkit::Postgres;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::architecture::root;
use crate::docs::{Block, blocks};
use crate::proxy::{Nginx, free_address};
use crate::support::{INTAKE, listening};
use crate::transcript::{Shell, steps};

const PAGE: &str = "docs/deployment.md";

/// The machine that the page sets up, with the programs that it starts.
struct Machine {
    intake: Option<Child>,
    /// nginx, clamd and PostgreSQL, which run until they are dropped.
    services: Vec<Box<dyn Any>>,
    runtime: Runtime,
    folder: TempDir,
    shell: Shell,
    page: Vec<Block>,
}

impl Machine {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let folder = TempDir::new().unwrap();
        let postgres = runtime.block_on(Postgres::start_with(&["fsync = on"]));
        let socket = postgres.socket();
        let (socket_folder, port) = (socket.parent().unwrap().to_str().unwrap().to_owned(), postgres.port());
        let mut shell = Shell::default();
        // The user of the tests runs everything, and the test's database accepts any role without a password.
        for user in ["postgres", "intake"] {
            shell.replace(&format!("sudo -u {user} "), "");
        }
        shell.variable("PGHOST", &socket_folder);
        shell.variable("PGPORT", port.to_string());
        shell.variable("PGUSER", "postgres");
        let encoded = socket_folder.replace('/', "%2F");
        shell.replace("/run/postgresql:5432", format!("{socket_folder}:{port}"));
        shell.replace("%2Frun%2Fpostgresql", format!("{encoded}:{port}"));
        for place in ["/etc/intake.toml", "/etc/nginx/nginx.conf", "/var/lib/intake"] {
            let here = folder.path().join(place.rsplit_once('/').unwrap().1);
            shell.replace(place, here.to_str().unwrap());
        }
        Self {
            intake: None,
            services: vec![Box::new(postgres)],
            runtime,
            folder,
            shell,
            page: blocks(&root().join(PAGE)),
        }
    }

    /// A file of the page, as the page has it.
    fn file(&self, name: &str) -> &str {
        let named = |block: &&Block| block.file.as_deref() == Some(name);
        let found = self.page.iter().find(named);
        &found.unwrap_or_else(|| panic!("{PAGE} has no {name}")).text
    }

    fn in_folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Does what the system's service manager would do.
    fn systemctl(&mut self, command: &str) {
        match command {
            "restart clamav-daemon" => self.start_clamd(),
            "enable --now intake" => self.start_intake(),
            "restart nginx" => self.start_nginx(),
            other => panic!("{PAGE} wants `systemctl {other}`"),
        }
    }

    /// With the lines of the page; the test's clamd has the signature of the page already.
    fn start_clamd(&mut self) {
        let known: String = MARKER.iter().map(|byte| format!("{byte:02x}")).collect();
        let signature = format!("Intake.Test.Marker:0:*:{known}\n");
        assert_eq!(self.file("/var/lib/clamav/intake.ndb"), signature);
        let lines: Vec<_> = self.file("/etc/clamav/clamd.conf").lines().collect();
        let clamd = self.runtime.block_on(Clamd::start_with(&lines));
        self.shell
            .replace("/run/clamav/clamd.ctl", clamd.socket().to_str().unwrap());
        self.services.push(Box::new(clamd));
        // From here on the configuration can be written: it says where everything is.
        let listens_anywhere = self.file("/etc/intake.toml").replace("127.0.0.1:8080", "127.0.0.1:0");
        std::fs::write(self.in_folder("intake.toml"), self.shell.here(&listens_anywhere)).unwrap();
    }

    /// As the unit says.
    fn start_intake(&mut self) {
        let unit = self.file("/etc/systemd/system/intake.service");
        let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart="));
        let arguments = start.and_then(|start| start.strip_prefix("/usr/local/bin/intake "));
        let arguments = self.shell.here(arguments.expect("the unit starts Intake"));
        let mut command = Command::new(INTAKE);
        command.args(arguments.split(' ')).env("INTAKE_LOG", "warn");
        let (child, address) = listening(command);
        self.intake = Some(child);
        self.shell.replace("127.0.0.1:8080", address);
        // For the lines about nginx, which stand below.
        let nginx = free_address();
        self.shell.replace("listen 80/", format!("listen {nginx}/"));
        self.shell.replace("http://localhost/", format!("http://{nginx}/"));
    }

    fn start_nginx(&mut self) {
        let mut configuration = std::fs::read_to_string(self.in_folder("nginx.conf")).unwrap();
        let address = self.shell.here("http://localhost/");
        let mut address = address.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let nginx = loop {
            if let Some(nginx) = Nginx::start(address.clone(), configuration.clone()) {
                break nginx;
            }
            // Another program took the port meanwhile.
            let another = free_address();
            configuration = configuration.replace(&address, &another);
            self.shell.replace(&address, another.clone());
            address = another;
        };
        self.services.push(Box::new(nginx));
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(mut intake) = self.intake.take() {
            let _dead = intake.kill();
            let _dead = intake.wait();
        }
    }
}

#[test]
fn an_operator_comes_to_the_first_file_and_the_first_refusal_by_the_page_alone() {
    let mut machine = Machine::new();
    let shown: Vec<_> = machine
        .page
        .iter()
        .filter(|block| block.language == "console")
        .flat_map(|block| steps(&block.text))
        .collect();
    assert!(shown.len() > 10, "{PAGE} has {} commands", shown.len());
    for step in &shown {
        match step.command.strip_prefix("systemctl ") {
            Some(command) => machine.systemctl(command),
            None => machine.shell.follow(step),
        }
    }
}

#[test]
fn the_readme_leads_operators_to_the_page() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&format!("({PAGE})")), "README.md does not name {PAGE}");
}
