//! Looks for a second use of a file in one pass.

use intake_core::Head;

use crate::finding::{Finding, Other};
use crate::host::{self, Host};
use crate::script::Script;
use crate::settings::{Choice, Settings};
use crate::signatures::{self, PDF_END, RAR, SEVEN_ZIP, ZIP_END};
use crate::tail::Tail;
use crate::walk::AHEAD;

/// What is known of a file so far. It keeps no bytes.
#[derive(Debug)]
pub(crate) struct Detector {
    settings: Settings,
    host: Host,
    /// What the first bytes say.
    head: Option<Finding>,
    script: Script,
    /// Whether the text so far has the header of a PDF: it is one as soon as it is no text any more.
    may_be_pdf: bool,
    tail: Option<Tail>,
    archives: Archives,
    /// The position of the next byte.
    at: u64,
    /// The position behind the last byte that does not only fill.
    filled_from: u64,
}

/// Archives that may be part of the file, as an attachment: the end decides.
#[derive(Debug, Default)]
struct Archives {
    /// The last end of a ZIP, and the furthest position behind the comment of one.
    zip: Option<(u64, u64)>,
    /// The last one without an end that can be found.
    packed: Option<(u64, &'static str)>,
    /// The last end of a PDF.
    pdf_end: Option<u64>,
}

impl Detector {
    pub(crate) fn new(settings: Settings, head: &Head<'_>) -> Self {
        let host = Host::of(head);
        let script = Script::of(host, head.bytes);
        let pdf = signatures::pdf_header(head.bytes).map(|at| Finding::new(at as u64, Other::Pdf));
        let may_be_text = host == Host::Text || head.bytes.starts_with(b"#!");
        let is_other = host.is_image() || matches!(host, Host::Medium | Host::Program) && !may_be_text;
        let by_head = [
            host::is_disguised(head).then(|| Finding::new(0, Other::Disguise)),
            (script == Script::Now).then(|| Finding::new(0, Other::Script)),
            pdf.filter(|_| is_other),
        ];
        let by_head = by_head
            .into_iter()
            .flatten()
            .find(|finding| settings.refuses(finding.other));
        Self {
            settings,
            host,
            head: by_head,
            script,
            may_be_pdf: may_be_text && pdf.is_some(),
            tail: Tail::of(host),
            archives: Archives::default(),
            at: 0,
            filled_from: 0,
        }
    }

    /// Reads the first `count` bytes on. Behind them are [`AHEAD`] more, unless the file ends before.
    pub(crate) fn push(&mut self, window: &[u8], count: usize) -> Option<Finding> {
        // It is known whatever comes, so it counts however the content is cut.
        if self.head.is_some() {
            return self.head;
        }
        let settings = self.settings;
        let findings = [
            self.tail(window, count),
            self.archives(window, count),
            self.markup(window, count),
            self.goes_on(window, count),
            self.pdf(window, count),
        ];
        if let Some(last) = window[..count].iter().rposition(|byte| !signatures::fills(*byte)) {
            self.filled_from = self.at + last as u64 + 1;
        }
        self.at += count as u64;
        let refused = findings
            .into_iter()
            .flatten()
            .filter(|finding| settings.refuses(finding.other));
        refused.fold(None, |earliest, finding| Finding::earlier(earliest, Some(finding)))
    }

    /// What is known at the end. `last` are the last bytes of the file, at least [`AHEAD`] if it has so many.
    pub(crate) fn finish(&self, last: &[u8]) -> Option<Finding> {
        let at_end = self
            .archive_at_end()
            .filter(|finding| self.settings.refuses(finding.other));
        at_end.or_else(|| {
            let refuses = self.settings.trailing_data_jpeg == Choice::Refuse && self.host == Host::Jpeg;
            let behind = self.tail.as_ref().filter(|_| refuses)?.unknown_from()?;
            // The trailer of Samsung's phones.
            (!last.ends_with(b"SEFT")).then(|| Finding::new(behind, Other::TrailingData))
        })
    }

    /// Where the structure of the file was lost, so that its end is not known.
    pub(crate) fn lost_at(&self) -> Option<u64> {
        self.tail.as_ref().and_then(Tail::lost_at)
    }

    fn tail(&mut self, window: &[u8], count: usize) -> Option<Finding> {
        let settings = &self.settings;
        let at = self.at;
        self.tail.as_mut()?.push(window, count, at, settings)
    }

    fn archives(&mut self, window: &[u8], count: usize) -> Option<Finding> {
        if self.host == Host::Other {
            return None;
        }
        let base = self.at;
        let mut found = None;
        for at in signatures::positions(&ZIP_END, window, count) {
            let position = base + at as u64;
            if let Some(end) = signatures::zip_end(&window[at..], position) {
                found = Finding::earlier(found, self.zip(position, end, self.is_in_film(at)));
            }
        }
        // In the boxes of a film they would not count, and each search reads every byte.
        let packed = [(&RAR, "RAR"), (&SEVEN_ZIP, "7z")];
        let host = self.host;
        for (needle, name) in packed.into_iter().filter(|_| host != Host::Boxes) {
            for at in signatures::positions(needle, window, count) {
                if !self.is_in_film(at) {
                    found = Finding::earlier(found, self.packed(base + at as u64, name));
                }
            }
        }
        if self.host == Host::Pdf {
            for at in signatures::positions(&PDF_END, window, count) {
                self.archives.pdf_end = Some(base + at as u64);
                found = Finding::earlier(found, behind_pdf(&window[at..], base + at as u64));
            }
        }
        found
    }

    /// Whether this one of the bytes that are read now is in the boxes of a film.
    fn is_in_film(&self, at: usize) -> bool {
        self.tail.as_ref().is_some_and(|tail| tail.is_in_film(at))
    }

    fn zip(&mut self, at: u64, end: u64, is_in_film: bool) -> Option<Finding> {
        match self.host {
            // No part of these images is a ZIP.
            Host::Jpeg | Host::Png | Host::Gif | Host::Webp if !is_in_film => {
                return Some(Finding::new(at, Other::Archive("ZIP")));
            }
            // A signature may follow.
            Host::Program => return Some(Finding::new(at, Other::SelfExtracting("ZIP"))),
            // What is behind the boxes was told by its beginning.
            Host::Boxes if !is_in_film => return None,
            _ => {}
        }
        let furthest = self.archives.zip.map_or(end, |(_, furthest)| furthest.max(end));
        self.archives.zip = Some((at, furthest));
        None
    }

    fn packed(&mut self, at: u64, name: &'static str) -> Option<Finding> {
        match self.host {
            Host::Pdf => {
                self.archives.packed = Some((at, name));
                None
            }
            Host::Program => Some(Finding::new(at, Other::SelfExtracting(name))),
            _ => Some(Finding::new(at, Other::Archive(name))),
        }
    }

    /// An archive that ends where the file ends, or that is behind the end of a PDF: no attachment does.
    fn archive_at_end(&self) -> Option<Finding> {
        let Archives { zip, packed, pdf_end } = self.archives;
        let is_behind_pdf = |at: u64| self.host == Host::Pdf && pdf_end.is_some_and(|end| end < at);
        let zip = zip.filter(|(at, furthest)| *furthest >= self.filled_from || is_behind_pdf(*at));
        let packed = packed.filter(|(at, _)| is_behind_pdf(*at));
        let (at, name) = zip.map(|(at, _)| (at, "ZIP")).or(packed)?;
        let is_in_film = matches!(self.host, Host::Jpeg | Host::Boxes);
        let other = if is_in_film {
            Other::ArchiveInFilm(name)
        } else {
            Other::Archive(name)
        };
        Some(Finding::new(at, other))
    }

    fn markup(&self, window: &[u8], count: usize) -> Option<Finding> {
        if !self.host.is_image() {
            return None;
        }
        let mut from = 0;
        while let Some((at, tag)) = signatures::first_tag(window, from, count) {
            // In the film behind a photo, as in any film, anything may be.
            if !self.is_in_film(at) {
                return Some(Finding::new(self.at + at as u64, Other::Markup(tag)));
            }
            from = at + 1;
        }
        None
    }

    fn goes_on(&self, window: &[u8], count: usize) -> Option<Finding> {
        let at = self.script.goes_on(window, count)?;
        Some(Finding::new(self.at + at as u64, Other::Script))
    }

    fn pdf(&self, window: &[u8], count: usize) -> Option<Finding> {
        let at = signatures::first_binary(&window[..count]).filter(|_| self.may_be_pdf)?;
        Some(Finding::new(self.at + at as u64, Other::Pdf))
    }
}

/// An archive that begins right behind the end of a PDF, at `at`.
fn behind_pdf(ahead: &[u8], at: u64) -> Option<Finding> {
    // No more than what is there in any case: the answer must not depend on how the content is cut.
    let rest = ahead.get(b"%%EOF".len()..ahead.len().min(AHEAD))?;
    let gap = rest.iter().take_while(|byte| signatures::fills(**byte)).count();
    let other = signatures::behind(&rest[gap..])?;
    matches!(other, Other::Archive(_)).then(|| Finding::new(at, other))
}
