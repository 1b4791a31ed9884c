//! Everybody at the server but the honest clients who are timed: hostile connections, and visitors, who ask now and then on a
//! connection that they keep. It runs as a process of its own and reports to the one that started it.

pub mod honest;
mod hostile;
pub mod left;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use self::honest::{Client, info};
use self::hostile::Way;

/// Where the process finds its plan.
const VARIABLE: &str = "INTAKE_BENCH_SIEGE";
/// Connections that are opened in a second, until all are.
const RAMP: usize = 1000;
/// Addresses that hostile connections come from.
const ADDRESSES: usize = 40;
/// Visitors behind one address.
const NEIGHBOURS: usize = 5;
/// How long a visitor's pauses are, in seconds: below what a connection may stay open without a request.
const VISITS: (u64, u64) = (8, 12);

/// Who besieges whom, and for how long.
#[derive(Debug, Serialize, Deserialize)]
pub struct Plan {
    pub address: SocketAddr,
    pub seconds: usize,
    pub hostile: usize,
    pub visitors: usize,
    /// What visitors ask after.
    pub file: String,
}

impl Plan {
    /// If this process is a siege.
    pub fn of_this_process() -> Option<Self> {
        let plan = std::env::var(VARIABLE).ok()?;
        Some(serde_json::from_str(&plan).unwrap())
    }

    /// Starts the siege. Ready when it is over.
    pub fn start(&self) -> JoinHandle<Report> {
        let child = Command::new(std::env::current_exe().unwrap())
            .env(VARIABLE, serde_json::to_string(self).unwrap())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        tokio::task::spawn_blocking(move || {
            let output = child.wait_with_output().unwrap();
            serde_json::from_slice(&output.stdout).expect("a siege ends with its report")
        })
    }
}

/// What became of the connections of one kind.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Tally {
    name: String,
    opened: AtomicUsize,
    /// Those that could not be opened.
    unopened: AtomicUsize,
    open: AtomicUsize,
    /// How many were open, on average over the seconds.
    usually_open: f64,
    /// What the server said, by status; 0 is nothing.
    answers: Mutex<BTreeMap<u16, usize>>,
}

impl Tally {
    fn named(name: &str) -> Arc<Self> {
        let name = name.to_owned();
        Arc::new(Self {
            name,
            ..Self::default()
        })
    }

    fn answered(&self, status: u16) {
        *self.answers.lock().unwrap().entry(status).or_default() += 1;
    }

    fn with_average(&self, open: f64) -> Self {
        let read = |count: &AtomicUsize| AtomicUsize::new(count.load(Ordering::SeqCst));
        Self {
            name: self.name.clone(),
            opened: read(&self.opened),
            unopened: read(&self.unopened),
            open: read(&self.open),
            usually_open: open,
            answers: Mutex::new(self.answers.lock().unwrap().clone()),
        }
    }
}

/// What became of a siege.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    hostile: Vec<Tally>,
    visitors: Tally,
    failures: Vec<String>,
}

impl Report {
    pub fn visitors_failed(&self) -> usize {
        self.failures.len()
    }

    pub fn visitors_asked(&self) -> usize {
        self.visitors.answers.lock().unwrap().values().sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = "open, mean";
        writeln!(
            f,
            "{:<34}{open:>12}{:>10}{:>10}  answers",
            "connections", "opened", "not"
        )?;
        for tally in self.hostile.iter().chain([&self.visitors]) {
            let [opened, unopened] = [&tally.opened, &tally.unopened].map(|count| count.load(Ordering::SeqCst));
            let answers = tally.answers.lock().unwrap();
            let answers: Vec<_> = answers
                .iter()
                .map(|(status, count)| format!("{status}: {count}"))
                .collect();
            let (name, open, answers) = (&tally.name, tally.usually_open, answers.join(", "));
            writeln!(f, "{name:<34}{open:>12.0}{opened:>10}{unopened:>10}  {answers}")?;
        }
        for failure in self.failures.iter().take(10) {
            writeln!(f, "  a visitor failed: {failure}")?;
        }
        Ok(())
    }
}

/// Besieges, and prints a [`Report`].
pub async fn run(plan: Plan) {
    let wanted = (plan.hostile + plan.visitors + 100) as u64;
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    assert!(
        files >= wanted,
        "{wanted} open files are needed, and {files} are allowed: ulimit -Hn"
    );
    let ways: Vec<_> = Way::ALL.iter().map(|way| Tally::named(way.name())).collect();
    let visitors = Tally::named("visitors, who ask now and then");
    let failures = Arc::new(Mutex::new(Vec::new()));
    let end = Instant::now() + Duration::from_secs(plan.seconds as u64);
    let most = plan.hostile.max(plan.visitors);
    // Both kinds side by side.
    for number in 0..most {
        let begins = Duration::from_millis((number * 2 * 1000 / RAMP) as u64);
        if number < plan.hostile {
            let way = number % ways.len();
            let (from, tally) = (hostile_address(number / ways.len()), ways[way].clone());
            let (to, file) = (plan.address, plan.file.clone());
            tokio::spawn(async move {
                sleep(begins).await;
                hostile::for_ever(Way::ALL[way], from, to, &file, &tally).await;
            });
        }
        if number < plan.visitors {
            let client = Client::new(visitor_address(number), plan.address);
            let (question, tally, failures) = (info(&plan.file), visitors.clone(), failures.clone());
            tokio::spawn(async move {
                sleep(begins).await;
                visit(client, &question, &tally, &failures).await;
            });
        }
    }
    let all: Vec<_> = ways.iter().chain([&visitors]).collect();
    let mut sums = vec![0; all.len()];
    let mut looks = 0;
    while Instant::now() + Duration::from_secs(1) < end {
        sleep(Duration::from_secs(1)).await;
        looks += 1;
        for (sum, tally) in sums.iter_mut().zip(&all) {
            *sum += tally.open.load(Ordering::SeqCst);
        }
    }
    sleep(end - Instant::now()).await;
    let average = |at: usize| all[at].with_average(sums[at] as f64 / f64::from(looks.max(1)));
    let report = Report {
        hostile: (0..ways.len()).map(average).collect(),
        visitors: average(ways.len()),
        failures: failures.lock().unwrap().clone(),
    };
    println!("{}", serde_json::to_string(&report).unwrap());
    // All connections end at once, wherever they are.
    std::process::exit(0);
}

/// The first address wants two fifths of the hostile connections, which is more than its share of all; the others have the rest.
fn hostile_address(group: usize) -> Ipv4Addr {
    let number = match group % 5 {
        0 | 1 => 0,
        _ => 1 + group % (ADDRESSES - 1),
    };
    Ipv4Addr::new(127, 3, 0, number as u8 + 1)
}

fn visitor_address(number: usize) -> Ipv4Addr {
    let number = number / NEIGHBOURS;
    Ipv4Addr::new(127, 2, (number / 250) as u8, (number % 250) as u8 + 1)
}

async fn visit(mut client: Client, question: &str, tally: &Tally, failures: &Mutex<Vec<String>>) {
    let mut is_open = false;
    loop {
        tally.opened.fetch_add(usize::from(!is_open), Ordering::SeqCst);
        let answer = client.ask(question, b"").await;
        if answer.is_ok() != is_open {
            is_open = answer.is_ok();
            match is_open {
                true => tally.open.fetch_add(1, Ordering::SeqCst),
                false => tally.open.fetch_sub(1, Ordering::SeqCst),
            };
        }
        tally.answered(if is_open { 200 } else { 0 });
        if let Err(failure) = answer {
            failures.lock().unwrap().push(failure.to_string());
        }
        let (least, most) = VISITS;
        sleep(Duration::from_millis(least * 1000 + random((most - least) * 1000))).await;
    }
}

/// Connects from an address of one's own.
pub async fn connect(from: Ipv4Addr, to: SocketAddr) -> std::io::Result<TcpStream> {
    const LONG: Duration = Duration::from_secs(30);
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let stream = timeout(LONG, socket.connect(to)).await;
    let stream = stream.unwrap_or_else(|_| Err(std::io::Error::other("not connected in time")))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A second, more or less.
pub async fn pause() {
    sleep(Duration::from_millis(500 + random(1000))).await;
}

/// A number below this one.
pub fn random(below: u64) -> u64 {
    getrandom::u64().unwrap() % below
}
