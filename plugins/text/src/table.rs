//! The cells of a table, read in each way in which a spreadsheet may read them.
//!
//! Which separator a spreadsheet takes depends on the country of its user, so a table is read with all of them. csv-core
//! knows the quoting rules, and takes pieces of any size.

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

use crate::finding::Finding;
use crate::formula::Cell;
use crate::kind::Kind;
use crate::settings::Formulas;

/// Excel takes the separator from a first line such as `sep=|`.
const NAMED: &[u8] = b"sep=";
/// How many bytes of a cell are given out at a time.
const PIECE: usize = 512;

/// A table that is being read.
#[derive(Debug)]
pub(crate) struct Table {
    readings: Vec<Reading>,
    /// The first bytes, until they tell whether they name the separator.
    first: Option<Vec<u8>>,
    counted: Formulas,
}

impl Table {
    pub(crate) fn new(kind: Kind, counted: Formulas) -> Self {
        let readings = match kind {
            // Programs differ on whether quotes mean anything here.
            Kind::Tsv => vec![Reading::new(b'\t', true, counted), Reading::new(b'\t', false, counted)],
            _ => [b',', b';', b'\t'].map(|by| Reading::new(by, true, counted)).into(),
        };
        Self {
            readings,
            first: Some(Vec::new()),
            counted,
        }
    }

    /// The most formulas that one of the readings found.
    pub(crate) fn formulas(&self) -> u64 {
        self.readings
            .iter()
            .map(|reading| reading.formulas)
            .max()
            .unwrap_or_default()
    }

    /// Reads on. Returns the first formula, and the number of bytes up to where it is known to be one, if formulas are refused.
    pub(crate) fn push(&mut self, bytes: &[u8], is_refused: bool) -> Option<(usize, Finding)> {
        self.look_for_name(bytes);
        let found = self.readings.iter_mut().filter_map(|reading| {
            let begin = is_refused.then(|| reading.clone());
            let before = reading.formulas;
            reading.push(bytes);
            let mut begin = begin.filter(|_| reading.formulas > before)?;
            // Where it is known must not depend on the piece: other findings may come before or behind.
            let at = bytes.iter().position(|byte| {
                begin.push(std::slice::from_ref(byte));
                begin.formulas > before
            })?;
            Some((at + 1, begin.finding()))
        });
        found.min_by_key(|(at, _)| *at)
    }

    /// Looks whether the first line names the separator.
    fn look_for_name(&mut self, bytes: &[u8]) {
        let Some(first) = &mut self.first else { return };
        let room = NAMED.len() + 1 - first.len();
        first.extend(bytes.iter().take(room));
        if first.len() <= NAMED.len() {
            return;
        }
        let separator = first.last().copied();
        let is_named = first[..NAMED.len()].eq_ignore_ascii_case(NAMED);
        self.first = None;
        let Some(by) = separator.filter(|by| is_named && by.is_ascii() && !matches!(by, b'"' | b'\r' | b'\n')) else {
            return;
        };
        if !self.readings.iter().any(|reading| reading.by == by) {
            // What came of the first line before is no cell with a formula, whatever separates it.
            self.readings.push(Reading::new(by, true, self.counted));
        }
    }
}

/// The table with one separator.
#[derive(Clone, Debug)]
struct Reading {
    by: u8,
    reader: Reader,
    cell: Cell,
    blank: Cell,
    row: u64,
    place: u64,
    is_counted: bool,
    formulas: u64,
    last: (u64, u64),
}

impl Reading {
    fn new(by: u8, has_quotes: bool, counted: Formulas) -> Self {
        // Without the table of transitions that csv-core 0.1.13 makes by default: a clone of a reader has only half of it, and then
        // gives other cells without an error.
        let mut reader = ReaderBuilder::new().delimiter(by).quoting(has_quotes).nfa(true).build();
        // An empty line is no row. It keeps the reader from dropping a byte order mark, which it does only if the mark comes in
        // one piece.
        let _nothing = reader.read_field(b"\n", &mut [0; 1]);
        // With another separator than a tab, a cell may begin with one honestly.
        let blank = Cell::new(counted, by == b'\t');
        Self {
            by,
            reader,
            cell: blank.clone(),
            blank,
            row: 1,
            place: 1,
            is_counted: false,
            formulas: 0,
            last: (1, 1),
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let mut output = [0; PIECE];
        let mut rest = bytes;
        // An empty input would end the table.
        while !rest.is_empty() {
            let (result, read, written) = self.reader.read_field(rest, &mut output);
            rest = rest.get(read..).unwrap_or_default();
            self.cell.push(output.get(..written).unwrap_or_default());
            if self.cell.is_formula() && !self.is_counted {
                self.is_counted = true;
                self.formulas += 1;
                self.last = (self.row, self.place);
            }
            match result {
                ReadFieldResult::Field { record_end } => self.next(record_end),
                ReadFieldResult::OutputFull => {}
                ReadFieldResult::InputEmpty | ReadFieldResult::End => break,
            }
        }
    }

    fn next(&mut self, is_row_over: bool) {
        self.cell = self.blank.clone();
        self.is_counted = false;
        if is_row_over {
            self.row += 1;
            self.place = 1;
        } else {
            self.place += 1;
        }
    }

    fn finding(&self) -> Finding {
        let (row, cell) = self.last;
        Finding::Formula { row, cell }
    }
}
