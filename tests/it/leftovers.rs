//! What uploads have left, read without the program: records, files, and the accounts of projects. The name of a test's file says
//! with which request it came and what it contains.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bytes::Bytes;
use intake::core::testkit::noise;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::runtime::Builder;

use crate::admin::Node;
use crate::support::{Form, Server};

/// Numbers that look random, the same for the same seed.
pub struct Random(Bytes);

impl Random {
    pub fn of(seed: usize) -> Self {
        Self(noise(seed as u64, 4096))
    }

    /// A number below this one.
    pub fn below(&mut self, most: usize) -> usize {
        let number = self.0.split_to(8);
        (u64::from_le_bytes(number[..].try_into().unwrap()) % most as u64) as usize
    }
}

/// How many to make: more if the variable `INTAKE_TEST_LONG` is set.
pub fn many(usually: usize, long: usize) -> usize {
    match std::env::var_os("INTAKE_TEST_LONG") {
        Some(_) => long,
        None => usually,
    }
}

/// One file of a request with several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sent {
    pub request: usize,
    /// Its index among the files of the request, and their number.
    number: usize,
    of: usize,
    size: usize,
}

impl Sent {
    fn name(&self) -> String {
        let Self {
            request,
            number,
            of,
            size,
        } = self;
        format!("{request}-{number}-{of}-{size}.bin")
    }

    fn parse(name: &str) -> Option<Self> {
        let numbers = name.strip_suffix(".bin")?.split('-').map(|number| number.parse().ok());
        let numbers: Vec<usize> = numbers.collect::<Option<_>>()?;
        let [request, number, of, size] = numbers[..] else {
            return None;
        };
        Some(Self {
            request,
            number,
            of,
            size,
        })
    }

    fn content(&self) -> Bytes {
        noise((self.request * 32 + self.number) as u64, self.size)
    }
}

/// The files of a request, with these sizes, as a form without the key.
pub fn with_files(form: Form, request: usize, sizes: &[usize]) -> Form {
    sizes.iter().enumerate().fold(form, |form, (number, size)| {
        let sent = Sent {
            request,
            number,
            of: sizes.len(),
            size: *size,
        };
        form.file(&format!("file{number}"), &sent.name(), &sent.content())
    })
}

/// The form with the key before the files, or after them as the JavaScript client sends it.
pub fn form_of(request: usize, sizes: &[usize], key_first: bool) -> Form {
    match key_first {
        true => with_files(Form::default().key(), request, sizes),
        false => with_files(Form::default(), request, sizes).key(),
    }
}

/// An id that no upload has.
const PROBE: &str = "00000000-0000-0000-0000-000000000000";

/// Everything that exists of a server's uploads.
#[derive(Debug)]
pub struct Leftovers {
    /// Files that can be read, by their ids.
    pub ready: BTreeMap<String, Sent>,
    /// Uploads whose records say that they were refused or broke off.
    pub ended: usize,
    /// What should not be there.
    pub wrong: Vec<String>,
}

impl Leftovers {
    pub fn of(server: &Server) -> Self {
        let (rows, accounts) = records(server);
        let mut leftovers = Self {
            ready: BTreeMap::new(),
            ended: 0,
            wrong: Vec::new(),
        };
        let mut booked: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for Row {
            id,
            state,
            project,
            name,
            size,
        } in rows
        {
            match &*state {
                "ready" => {
                    let (files, bytes) = booked.entry(project.unwrap_or_default()).or_default();
                    *files += 1;
                    *bytes += size.unwrap_or_default();
                    if let Some(sent) = name.as_deref().and_then(Sent::parse) {
                        leftovers.ready.insert(id, sent);
                    } else {
                        leftovers.wrong.push(format!("{id} is ready and is called {name:?}"));
                    }
                }
                // Records of ended uploads, without bytes.
                "rejected" | "gone" => leftovers.ended += 1,
                other => leftovers.wrong.push(format!("{id} ({name:?}) is {other}")),
            }
        }
        for (name, files, bytes) in accounts {
            if let Some(project) = name.strip_prefix("project:") {
                let expected = booked.remove(project).unwrap_or_default();
                if (files, bytes) != expected {
                    let taken = format!("{files} files and {bytes} bytes are booked for {project}");
                    leftovers.wrong.push(format!("{taken}, which has {expected:?}"));
                }
            }
        }
        leftovers.wrong.extend(
            booked
                .keys()
                .map(|project| format!("nothing is booked for {project:?}")),
        );
        leftovers.compare_files(server);
        leftovers.compare_requests();
        leftovers
    }

    /// Files without a record, and records without their file.
    fn compare_files(&mut self, server: &Server) {
        let mut ids: BTreeSet<_> = self.ready.keys().cloned().collect();
        for path in server.files() {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            // The file that the program writes to check the store, at each check of its health.
            if name.starts_with(PROBE) {
                continue;
            }
            if !ids.remove(&name) {
                self.wrong.push(format!("no record knows the file {name}"));
            }
        }
        self.wrong.extend(ids.iter().map(|id| format!("{id} has no file")));
    }

    /// Requests of which some files are there, and some are not.
    fn compare_requests(&mut self) {
        for request in self.requests() {
            let files: Vec<_> = self.ready.values().filter(|sent| sent.request == request).collect();
            if files.iter().any(|sent| files.len() != sent.of) {
                self.wrong.push(format!("of request {request} there are {files:?}"));
            }
        }
    }

    /// Requests whose files can be read.
    pub fn requests(&self) -> BTreeSet<usize> {
        self.ready.values().map(|sent| sent.request).collect()
    }

    /// Fails if anything is there that should not be, or if a file differs from what was sent.
    pub fn is_whole(&self, server: &Server) {
        assert!(self.wrong.is_empty(), "{:#?}", &self.wrong[..self.wrong.len().min(20)]);
        let is_no_probe = |path: &PathBuf| !path.file_name().unwrap().to_str().unwrap().starts_with(PROBE);
        for path in server.files().into_iter().filter(is_no_probe) {
            let sent = self.ready[path.file_name().unwrap().to_str().unwrap()];
            assert!(
                fs::read(&path).unwrap() == sent.content(),
                "{sent:?} has other bytes than were sent"
            );
        }
    }
}

struct Row {
    id: String,
    state: String,
    project: Option<String>,
    name: Option<String>,
    size: Option<i64>,
}

/// The database as it is now: each upload, and each account with its files and bytes.
fn records(server: &Server) -> (Vec<Row>, Vec<(String, i64, i64)>) {
    let database = SqliteConnectOptions::new().filename(server.dir.path().join("records.db"));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = database.read_only(true).connect().await.unwrap();
        // Both are of the same moment.
        sqlx::raw_sql("BEGIN").execute(&mut connection).await.unwrap();
        let uploads = "SELECT id, state, project, json_extract(record, '$.declared.name'), json_extract(record, '$.facts.size') FROM uploads";
        let uploads = sqlx::query_as::<_, (String, String, Option<String>, Option<String>, Option<i64>)>(uploads);
        let rows = uploads.fetch_all(&mut connection).await.unwrap().into_iter();
        let rows = rows.map(|(id, state, project, name, size)| Row {
            id,
            state,
            project,
            name,
            size,
        });
        let accounts = sqlx::query_as("SELECT name, files, bytes FROM accounts");
        (rows.collect(), accounts.fetch_all(&mut connection).await.unwrap())
    })
}

/// The time after which nothing may be left of senders that hung up.
const SOON: Duration = Duration::from_secs(10);

/// Waits until the server has ended all connections, those of clients that are still connected too, and returns what exists then.
/// Fails if that takes too long, or if something is left of senders that hung up.
pub fn settled(node: &Node) -> Leftovers {
    let began = Instant::now();
    // Connections are accepted in the order in which they came, so all before this one were.
    node.get("/info/");
    loop {
        let in_use = node.series("intake_permits_in_use");
        let is_quiet = in_use.iter().all(|(limit, permits)| match &**limit {
            // The connection of this request, and those that both listeners have ready for the next client.
            "limit=\"connections\"" => *permits <= 3.0,
            _ => *permits == 0.0,
        });
        let leftovers = Leftovers::of(node);
        if is_quiet && leftovers.wrong.is_empty() {
            leftovers.is_whole(node);
            println!(
                "settled after {:?}: {} files, {} ended",
                began.elapsed(),
                leftovers.ready.len(),
                leftovers.ended
            );
            return leftovers;
        }
        let few = &leftovers.wrong[..leftovers.wrong.len().min(20)];
        assert!(began.elapsed() < SOON, "after {SOON:?}: {in_use:?}, {few:#?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
