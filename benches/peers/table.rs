//! Tables of medians, as they can be put into a page.

use super::server::Peer;
use crate::measure::median;

/// A figure of each turn.
pub struct Column {
    title: &'static str,
    digits: usize,
    is_compared: bool,
}

impl Column {
    /// One that is also shown in relation to that of others.
    pub const fn compared(title: &'static str, digits: usize) -> Self {
        Self {
            title,
            digits,
            is_compared: true,
        }
    }

    pub const fn plain(title: &'static str, digits: usize) -> Self {
        Self {
            title,
            digits,
            is_compared: false,
        }
    }
}

/// Those that others are compared with.
const BASELINES: [&str; 6] = ["write", "fsync", "hash", "inline", "before", "nginx"];

/// The figures of a job.
pub struct Table {
    columns: &'static [Column],
    rows: Vec<Row>,
}

struct Row {
    name: &'static str,
    /// Those of each round, unless it failed there.
    rounds: Vec<Option<Vec<f64>>>,
}

impl Table {
    pub fn new(columns: &'static [Column], peers: &[Peer]) -> Self {
        let row = |peer: &Peer| Row {
            name: peer.name(),
            rounds: Vec::new(),
        };
        Self {
            columns,
            rows: peers.iter().map(row).collect(),
        }
    }

    pub fn add(&mut self, peer: Peer, figures: Option<Vec<f64>>) {
        let row = self.rows.iter_mut().find(|row| row.name == peer.name());
        row.unwrap().rounds.push(figures);
    }

    /// One line of figures, as they come in.
    pub fn line(&self, figures: &[f64]) -> String {
        let figure = |(column, figure): (&Column, &f64)| format!("{} {figure:.*}", column.title, column.digits);
        let all: Vec<_> = self.columns.iter().zip(figures).map(figure).collect();
        all.join("; ")
    }

    pub fn print(&self) {
        self.head("", |_| true);
        for row in &self.rows {
            let cell = |at: usize| {
                let figures: Vec<_> = row.rounds.iter().flatten().map(|figures| figures[at]).collect();
                spread(&figures, self.columns[at].digits)
            };
            self.row(row.name, |_| true, cell);
        }
        for baseline in BASELINES {
            if let Some(baseline) = self.rows.iter().find(|row| row.name == baseline) {
                self.print_compared(baseline);
            }
        }
    }

    /// Each in relation to this one in the same round.
    fn print_compared(&self, baseline: &Row) {
        println!();
        let is_compared = |column: &Column| column.is_compared;
        self.head(&format!("times {}", baseline.name), is_compared);
        for row in self.rows.iter().filter(|row| row.name != baseline.name) {
            let cell = |at: usize| {
                let pairs = row.rounds.iter().zip(&baseline.rounds);
                let ratio = pairs.filter_map(|(ours, theirs)| Some(ours.as_ref()?[at] / theirs.as_ref()?[at]));
                spread(&ratio.collect::<Vec<_>>(), 2)
            };
            self.row(row.name, is_compared, cell);
        }
    }

    fn head(&self, corner: &str, is_shown: impl Fn(&Column) -> bool) {
        let titles: Vec<_> = self
            .columns
            .iter()
            .filter(|column| is_shown(column))
            .map(|column| column.title)
            .collect();
        println!("| {corner} | {} |", titles.join(" | "));
        println!("| --- |{}", " --- |".repeat(titles.len()));
    }

    fn row(&self, name: &str, is_shown: impl Fn(&Column) -> bool, cell: impl Fn(usize) -> String) {
        let shown = (0..self.columns.len()).filter(|at| is_shown(&self.columns[*at]));
        let cells: Vec<_> = shown.map(cell).collect();
        println!("| {name} | {} |", cells.join(" | "));
    }
}

/// The median, and the least and the greatest.
fn spread(figures: &[f64], digits: usize) -> String {
    let figures: Vec<_> = figures.iter().copied().filter(|figure| figure.is_finite()).collect();
    match figures[..] {
        [] => return String::new(),
        [one] => return format!("{one:.digits$}"),
        _ => {}
    }
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let most = figures.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{:.digits$} ({least:.digits$} to {most:.digits$})", median(figures))
}
