//! Intake beside its peers: the same load to each in turn, and tables of what it took: `cargo bench --bench peers`.
//!
//! Peers are published servers that take uploads: nginx with PUT, miniserve, SeaweedFS by its filer, and `@tus/server` with its
//! store of files, all as they come. None of them syncs what it takes, hashes it, looks into it or keeps a record of it. Beside
//! them stand bare servers ([`contest::bare`]), which show what the machine lets through with each kind of safety. `check`
//! installs the peers at the first run, where it has the tools of the tests; one that cannot be installed is named and left out.
//!
//! A turn is one server that does one job, on a folder of its own and after a warm-up; in a round each has its turn, in an
//! order that changes from round to round. Figures are medians of rounds, with the least and the greatest; ratios are made of figures of
//! the same round. [`contest::ground`] says what has to be made alike before each turn. The senders are this process, on the same
//! processors. Processor time, memory and switches of context are those of all processes of a server.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `INTAKE_BENCH_JOBS` | some of `single`, `small`, `info`, `given`, `downloads`, `slow`, `large`, `four` and `parts`, with commas between them |
//! | `INTAKE_BENCH_PEERS` | some of `intake`, `before`, `write`, `fsync`, `steps`, `shared`, `hash`, `inline`, `nginx`, `miniserve`, `seaweedfs` and `tus` |
//! | `INTAKE_BENCH_ROUNDS` | 5 |
//! | `INTAKE_BENCH_SECONDS` | of a turn with small files or `/info/`: 4; slow uploads take four times as long, and at least 16 |
//! | `INTAKE_BENCH_BEFORE` | the program of an older build of Intake, which takes part as `before` |
//! | `INTAKE_BENCH_DATABASE` | `postgres`: records of Intake are in PostgreSQL |
//!
//! Files go where `TMPDIR` says: small ones up to 2 GB a turn, which are only removed at the end. Whoever runs it again at once
//! has a slow file system for some minutes.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, reason = "a benchmark")]

#[path = "peers/mod.rs"]
mod contest;
#[allow(
    dead_code,
    reason = "what the other benchmarks need, and not all of it is needed here"
)]
mod databases;
#[allow(
    dead_code,
    reason = "what the other benchmarks need, and not all of it is needed here"
)]
mod measure;
#[allow(dead_code, reason = "what the tests have, and not all of it is needed here")]
#[path = "../tests/it/support.rs"]
mod support;

use std::io;

use crate::contest::bare::Kind;
use crate::contest::ground::{Ground, touch};
use crate::contest::plan::Plan;
use crate::contest::server::{Peer, Running};
use crate::contest::table::{Column, Table};
use crate::contest::{bulk, reads, rush, slow};
use crate::measure::GIB;

/// Senders of small files.
const SENDERS: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Single,
    Small,
    Info,
    Given,
    Downloads,
    Slow,
    Large,
    Four,
    Parts,
}

impl Job {
    /// Those that leave few files are the last.
    const ALL: [Self; 9] = [
        Self::Single,
        Self::Small,
        Self::Info,
        Self::Given,
        Self::Downloads,
        Self::Slow,
        Self::Large,
        Self::Four,
        Self::Parts,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Small => "small",
            Self::Info => "info",
            Self::Given => "given",
            Self::Downloads => "downloads",
            Self::Slow => "slow",
            Self::Large => "large",
            Self::Four => "four",
            Self::Parts => "parts",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Single => "64 KiB, one sender",
            Self::Small => "64 KiB, 32 senders",
            Self::Info => "`/info/`, 16 senders",
            Self::Given => "64 KiB given out, 16 readers",
            Self::Downloads => "1 GiB given out, one reader",
            Self::Slow => "1,000 uploads at a time of 32 KiB/s each",
            Self::Large => "1 GiB, one sender",
            Self::Four => "1 GiB, four senders at once",
            Self::Parts => "1 GiB in parts of 5 MiB, four at a time",
        }
    }

    fn columns(self) -> &'static [Column] {
        match self {
            Self::Single | Self::Small => rush::SMALL_COLUMNS,
            Self::Info | Self::Given => reads::INFO_COLUMNS,
            Self::Downloads => reads::DOWNLOAD_COLUMNS,
            Self::Slow => slow::SLOW_COLUMNS,
            Self::Large | Self::Four => bulk::WHOLE_COLUMNS,
            Self::Parts => bulk::PARTS_COLUMNS,
        }
    }

    /// Whether a peer can do it, and it says something about the peer.
    fn is_for(self, peer: Peer) -> bool {
        match self {
            Self::Single | Self::Small => !matches!(peer, Peer::Bare(kind) if kind.hashes()),
            Self::Info | Self::Parts => peer.is_intake(),
            Self::Given | Self::Downloads => peer.is_intake() || peer == Peer::Nginx,
            Self::Slow => matches!(peer, Peer::Bare(Kind::Write | Kind::Fsync)) || !matches!(peer, Peer::Bare(_)),
            Self::Large | Self::Four => !matches!(peer, Peer::Bare(Kind::Steps | Kind::Shared)),
        }
    }

    /// Bytes of memory that a turn may want, for what it writes most of all.
    fn bytes(self) -> usize {
        match self {
            Self::Single | Self::Info | Self::Given | Self::Downloads | Self::Slow | Self::Large => GIB,
            Self::Small | Self::Parts => 2 * GIB,
            Self::Four => 4 * GIB,
        }
    }

    /// Few and large files can be removed at once.
    fn is_bulk(self) -> bool {
        matches!(self, Self::Downloads | Self::Large | Self::Four | Self::Parts)
    }

    fn figures(self, running: &Running, plan: &Plan) -> io::Result<Vec<f64>> {
        match self {
            Self::Single => rush::small(running, plan, 1),
            Self::Small => rush::small(running, plan, SENDERS),
            Self::Info => reads::info(running, plan),
            Self::Given => reads::given_out(running, plan),
            Self::Downloads => reads::downloads(running),
            Self::Slow => slow::slow(running, plan),
            Self::Large => bulk::whole(running, 1),
            Self::Four => bulk::whole(running, 4),
            Self::Parts => bulk::parts(running),
        }
    }

    /// One server does it once.
    fn turn(self, peer: Peer, round: usize, plan: &Plan, ground: &Ground) -> io::Result<Vec<f64>> {
        let name = format!("{}-{round}-{}", self.name(), peer.name());
        let folder = ground.prepare(&name);
        let variables = match self {
            Self::Slow => slow::VARIABLES,
            Self::Given | Self::Downloads => reads::VARIABLES,
            _ => &[],
        };
        let running = Running::start(peer, plan, folder, variables)?;
        touch(self.bytes() + GIB);
        let figures = self.figures(&running, plan);
        match self.is_bulk() {
            true => running.discard()?,
            false => drop(running),
        }
        ground.settle();
        figures
    }

    fn contest(self, peers: &[Peer], plan: &Plan, ground: &Ground) {
        let peers: Vec<_> = peers.iter().copied().filter(|peer| self.is_for(*peer)).collect();
        let mut table = Table::new(self.columns(), &peers);
        println!("\n{}: {}", self.name(), self.title());
        for round in 0..plan.rounds {
            for peer in order(&peers, round) {
                let figures = self.turn(peer, round, plan, ground);
                match &figures {
                    Ok(figures) => println!("  round {}, {}: {}", round + 1, peer.name(), table.line(figures)),
                    Err(error) => println!("  round {}, {}, failed: {error}", round + 1, peer.name()),
                }
                table.add(peer, figures.ok());
            }
        }
        println!("\n### {}\n", self.title());
        table.print();
    }
}

/// Each round begins with another one, and every other round goes backwards, so that none always has the same one before it.
fn order(peers: &[Peer], round: usize) -> Vec<Peer> {
    let mut order = peers.to_vec();
    order.rotate_left(round % peers.len().max(1));
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

fn main() {
    if let Some(kind) = Kind::of_this_process() {
        return kind.serve();
    }
    let plan = Plan::of_variables();
    let peers = plan.peers();
    let ground = Ground::new();
    println!(
        "{} rounds below {}; records in {}",
        plan.rounds,
        std::env::temp_dir().display(),
        plan.records()
    );
    for job in Job::ALL.into_iter().filter(|job| plan.has_job(job.name())) {
        job.contest(&peers, &plan, &ground);
    }
}
