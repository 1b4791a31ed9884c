//! Reads a ZIP from its beginning: each member behind its header, then the directory, which has to list just those members.

use super::body::{Body, Outcome, agrees, declared};
use super::descriptor::{self, Descriptor};
use super::directory::Directory;
use super::gap::Gap;
use super::headers::{
    CENTRAL_BYTES, END_64_BYTES, END_BYTES, End, Entry, LOCAL_BYTES, LOCATOR_BYTES, Signature, central_length,
    local_length, u16_at, u64_at,
};
use super::office::{Office, has_relations};
use crate::budget::{Account, Lease, counted};
use crate::reader::{Kind, Member, Reader, Size, Step, Stop};
use crate::tally::Tally;

/// The most bytes of the large form of the end, which may be followed by data of unknown meaning.
const MOST_END: usize = 64 * 1024;

/// What comes next.
enum State {
    Signature,
    Header(Signature),
    Body(Body),
    Descriptor,
    Gap(Gap),
    /// Behind the end.
    Behind,
    /// Bytes of which nothing is known.
    Rest,
}

/// The member that is being read.
struct Current {
    offset: u64,
    entry: Entry,
    /// Bytes that it has so far.
    length: u64,
    is_damaged: bool,
}

/// Reads a ZIP.
pub(crate) struct ZipReader {
    state: State,
    /// How the body ended, which is looked at in the next step.
    outcome: Option<Outcome>,
    /// The beginning of a header.
    held: Vec<u8>,
    /// Bytes that were taken.
    position: u64,
    /// Where the header that is being read begins.
    header: u64,
    /// Where the archive begins.
    start: u64,
    /// Whether bytes that are no archive may stand before and behind it.
    is_in_program: bool,
    current: Option<Current>,
    directory: Directory,
    office: Office,
    /// Where the list of members begins.
    list: Option<u64>,
    /// Where the large form of the end is, and what it says.
    large: Option<(u64, End)>,
    is_complete: bool,
    account: Account,
    /// For a long header.
    lease: Lease,
}

impl ZipReader {
    /// A reader of bytes that begin with a ZIP.
    pub(crate) fn new(account: &Account) -> Self {
        Self {
            state: State::Signature,
            outcome: None,
            held: Vec::new(),
            position: 0,
            header: 0,
            start: 0,
            is_in_program: false,
            current: None,
            directory: Directory::new(account.lease()),
            office: Office::default(),
            list: None,
            large: None,
            is_complete: false,
            account: account.clone(),
            lease: account.lease(),
        }
    }

    /// A reader of a program, behind which there may be a ZIP.
    pub(crate) fn behind_program(account: &Account) -> Self {
        Self {
            state: State::Gap(Gap::default()),
            is_in_program: true,
            ..Self::new(account)
        }
    }

    /// Takes what is not the body of a member.
    fn between(&mut self, input: &mut &[u8], tally: &mut Tally) -> Result<Step<'static>, Stop> {
        match self.state {
            State::Signature => self.signature(input, tally),
            State::Header(signature) => self.header(signature, input, tally),
            State::Descriptor => self.descriptor(input, tally),
            State::Gap(_) => self.gap(input, tally),
            State::Behind => self.behind(input, tally),
            State::Body(_) => Ok(Step::Again),
            State::Rest => {
                *input = &[];
                Ok(Step::Hungry)
            }
        }
    }

    /// Collects so many bytes in `held`. Returns whether they are there.
    fn collect(&mut self, input: &mut &[u8], count: usize) -> bool {
        let missing = count.saturating_sub(self.held.len());
        let (now, rest) = input.split_at_checked(missing).unwrap_or((*input, &[]));
        self.held.extend_from_slice(now);
        self.position += now.len() as u64;
        *input = rest;
        self.held.len() >= count
    }

    /// Reads the signature of the next header, and whatever is not one.
    fn signature(&mut self, input: &mut &[u8], tally: &mut Tally) -> Result<Step<'static>, Stop> {
        if !self.collect(input, 4) {
            return Ok(Step::Hungry);
        }
        self.header = self.position - 4;
        match Signature::of(&self.held) {
            Some(Signature::Split) if self.header == 0 => self.held.clear(),
            Some(Signature::Closed) => return Err(Stop::Broken("has an encrypted list of members")),
            Some(Signature::Split) | None => self.lose(tally)?,
            Some(signature) => {
                let is_before_list = self.list.is_none();
                match signature {
                    Signature::Central => self.list = Some(self.list.unwrap_or(self.header)),
                    Signature::Local if !is_before_list => {
                        tally.inconsistent(b"", "has a member behind the list of members")?;
                    }
                    _ => {}
                }
                self.state = State::Header(signature);
            }
        }
        Ok(Step::Again)
    }

    /// Goes on behind bytes that are no header.
    fn lose(&mut self, tally: &mut Tally) -> Result<(), Stop> {
        let mut gap = Gap::default();
        gap.add(&std::mem::take(&mut self.held));
        self.state = State::Gap(gap);
        if self.is_in_program {
            if !self.directory.is_empty() && !self.is_complete {
                tally.unreadable(b"", "has a ZIP inside that breaks off")?;
            }
            self.forget();
        }
        Ok(())
    }

    /// Forgets an archive inside a program, so that another one can follow.
    fn forget(&mut self) {
        self.directory = Directory::new(self.account.lease());
        self.office = Office::default();
        (self.list, self.large, self.is_complete) = (None, None, false);
    }

    fn gap(&mut self, input: &mut &[u8], tally: &mut Tally) -> Result<Step<'static>, Stop> {
        let State::Gap(gap) = &mut self.state else {
            return Ok(Step::Again);
        };
        let before = input.len();
        let found = gap.find(input);
        self.position += (before - input.len()) as u64;
        let Some(found) = found else { return Ok(Step::Hungry) };
        if !self.is_in_program {
            if !gap.is_harmless() {
                tally.inconsistent(b"", "has bytes between members that belong to none")?;
            }
        } else if Signature::of(&found) == Some(Signature::Local) {
            self.start = self.position - 4;
        } else {
            gap.add(&found);
            return Ok(Step::Again);
        }
        self.held = found.to_vec();
        self.state = State::Signature;
        Ok(Step::Again)
    }

    /// How many bytes the header has, as far as can be told by now.
    fn wanted(&self, signature: Signature) -> Result<usize, Stop> {
        let have = self.held.len();
        Ok(match signature {
            Signature::Local if have < LOCAL_BYTES => LOCAL_BYTES,
            Signature::Local => local_length(&self.held),
            Signature::Central if have < CENTRAL_BYTES => CENTRAL_BYTES,
            Signature::Central => central_length(&self.held),
            Signature::End if have < END_BYTES => END_BYTES,
            Signature::End => END_BYTES + usize::from(u16_at(&self.held, 20)),
            Signature::End64 if have < END_64_BYTES => END_64_BYTES,
            Signature::End64 => {
                let size = usize::try_from(u64_at(&self.held, 4))
                    .unwrap_or(usize::MAX)
                    .saturating_add(12);
                if !(END_64_BYTES..=MOST_END).contains(&size) {
                    return Err(Stop::Broken("has a damaged end"));
                }
                size
            }
            Signature::Locator | Signature::Split | Signature::Closed => LOCATOR_BYTES,
        })
    }

    fn header(&mut self, signature: Signature, input: &mut &[u8], tally: &mut Tally) -> Result<Step<'static>, Stop> {
        loop {
            let wanted = self.wanted(signature)?;
            if !self.lease.hold(counted(wanted)) {
                return Ok(Step::Starved);
            }
            self.held.reserve_exact(wanted.saturating_sub(self.held.len()));
            if !self.collect(input, wanted) {
                return Ok(Step::Hungry);
            }
            let is_fixed_part = self.held.len() == LOCAL_BYTES && signature == Signature::Local;
            if is_fixed_part && self.is_in_program && !Entry::is_plausible(&self.held) {
                self.lose(tally)?;
                return Ok(Step::Again);
            }
            if self.wanted(signature)? == self.held.len() {
                break;
            }
        }
        // The header is kept until there is room for its member.
        if signature == Signature::Local && !self.directory.make_room() {
            return Ok(Step::Starved);
        }
        let header = std::mem::take(&mut self.held);
        self.lease.shrink(0);
        self.state = State::Signature;
        match signature {
            Signature::Local => return Ok(Step::Member(self.begin(Entry::local(&header), tally)?)),
            Signature::Central => self.listed(&Entry::central(&header), tally)?,
            Signature::End64 => self.large = Some((self.header, End::large(&header))),
            Signature::Locator => {
                let place = u64_at(&header, 8);
                let is_right = |(at, _): &(u64, End)| place == *at || place == at.saturating_sub(self.start);
                if !self.large.as_ref().is_some_and(is_right) {
                    tally.inconsistent(b"", "says that its end is elsewhere")?;
                }
            }
            Signature::End => self.ended(&header, tally)?,
            Signature::Split | Signature::Closed => {}
        }
        Ok(Step::Again)
    }

    /// Begins a member.
    fn begin(&mut self, mut entry: Entry, tally: &mut Tally) -> Result<Member, Stop> {
        tally.member(&entry.name)?;
        if let Some(name) = entry.unicode_name.take() {
            tally.path(&name)?;
        }
        if let Some(name) = self.office.see(&entry.name) {
            tally.macros(&name)?;
        }
        if entry.is_encrypted {
            tally.encrypted(&entry.name)?;
        }
        let body = match Body::of(&entry, tally) {
            Ok(body) => body,
            Err(why) => {
                tally.unreadable(&entry.name, why)?;
                Body::closed(&entry)
            }
        };
        let known = |length| Size::Known { length, adds: length };
        let size = match &body {
            Body::Stored { left } | Body::Closed { left } => known(*left),
            Body::Hunted(_) => Size::Counted { packed: None },
            Body::Packed { left, .. } => Size::Counted { packed: *left },
        };
        let kind = match &body {
            Body::Closed { .. } => Kind::Closed,
            Body::Hunted(hunt) if !hunt.is_plain => Kind::Closed,
            _ if has_relations(&entry.name) => Kind::Relations,
            _ => Kind::Any,
        };
        let name = entry.name.clone();
        self.state = State::Body(body);
        self.current = Some(Current {
            offset: self.header,
            entry,
            length: 0,
            is_damaged: false,
        });
        Ok(Member { name, size, kind })
    }

    /// Goes on behind the body of a member.
    fn behind_body(&mut self, outcome: Outcome, tally: &mut Tally) -> Result<Step<'static>, Stop> {
        self.state = State::Signature;
        let Some(current) = &mut self.current else {
            return Ok(Step::Again);
        };
        let said = declared(&current.entry);
        let (packed, length) = match outcome {
            Outcome::Failed { why, left: None } => return Err(Stop::Broken(why)),
            Outcome::Failed { why, left: Some(left) } => {
                tally.unreadable(&current.entry.name, why)?;
                current.is_damaged = true;
                self.state = State::Body(Body::Closed { left });
                return Ok(Step::Again);
            }
            Outcome::Inflated { left, .. } if left > 0 => {
                tally.inconsistent(&current.entry.name, "has bytes behind its packed content")?;
                self.state = State::Body(Body::Closed { left });
                return Ok(Step::Again);
            }
            Outcome::Inflated { taken, .. } => (said.unwrap_or(taken), current.length),
            Outcome::Found { packed, length } => (packed, length),
            Outcome::Whole => (current.entry.packed, current.length),
        };
        // Of bytes that were skipped, nobody knows how many they are when inflated.
        let is_closed = current.entry.is_encrypted || current.is_damaged || !is_supported(&current.entry);
        let length = if is_closed {
            current.entry.length.max(length)
        } else {
            length
        };
        if !agrees(&current.entry, packed, length) {
            tally.inconsistent(&current.entry.name, "inflates to another size than it says")?;
        }
        let has_descriptor = current.entry.has_descriptor && !matches!(outcome, Outcome::Found { .. });
        (current.entry.packed, current.entry.length) = (packed, length);
        if has_descriptor {
            self.state = State::Descriptor;
        } else {
            self.see();
        }
        Ok(Step::End(packed))
    }

    /// Adds the member to those that have to be listed.
    fn see(&mut self) {
        if let Some(current) = self.current.take() {
            self.directory.see(current.offset, &current.entry);
        }
    }

    fn descriptor(&mut self, input: &mut &[u8], tally: &mut Tally) -> Result<Step<'static>, Stop> {
        let (packed, length) = self
            .current
            .as_ref()
            .map_or((0, 0), |now| (now.entry.packed, now.entry.length));
        if !self.collect(input, 4) {
            return Ok(Step::Hungry);
        }
        // Some programs announce a descriptor and write none.
        let is_missing = matches!(Signature::of(&self.held), Some(Signature::Local | Signature::Central));
        let mut found = if is_missing {
            Descriptor::Fits
        } else {
            Descriptor::Needs(12)
        };
        while let Descriptor::Needs(count) = found {
            if !self.collect(input, count) {
                return Ok(Step::Hungry);
            }
            found = descriptor::read(&self.held, packed, length);
        }
        self.state = State::Signature;
        let name = self
            .current
            .as_ref()
            .map(|now| now.entry.name.clone())
            .unwrap_or_default();
        self.see();
        if found == Descriptor::Differs {
            tally.inconsistent(&name, "inflates to another size than it says")?;
            self.lose(tally)?;
        } else if !is_missing {
            self.held.clear();
        }
        Ok(Step::Again)
    }

    /// Compares an entry of the list with its member.
    fn listed(&mut self, entry: &Entry, tally: &mut Tally) -> Result<(), Stop> {
        tally.path(&entry.name)?;
        if let Some(name) = &entry.unicode_name {
            tally.path(name)?;
        }
        if entry.is_link {
            tally.link(&entry.name)?;
        }
        if let Some(name) = self.office.see(&entry.name) {
            tally.macros(&name)?;
        }
        if let Err(why) = self.directory.compare(entry, self.start) {
            tally.inconsistent(&entry.name, why)?;
        }
        Ok(())
    }

    fn ended(&mut self, end: &[u8], tally: &mut Tally) -> Result<(), Stop> {
        let small = End::small(end);
        let (at, large) = self.large.map_or((self.header, None), |(at, large)| (at, Some(large)));
        if small.is_split || large.is_some_and(|large| large.is_split) {
            return Err(Stop::Broken("is one part of several"));
        }
        let began = self.list.unwrap_or(at);
        let size = at.saturating_sub(began);
        if let Err(why) = self.directory.end(&small, large.as_ref(), began, size, self.start) {
            tally.inconsistent(b"", why)?;
        }
        let comment = end.get(END_BYTES..).unwrap_or_default();
        if memchr::memmem::find(comment, b"PK\x05\x06").is_some() {
            tally.inconsistent(b"", "has another end in its comment")?;
        }
        self.is_complete = true;
        self.state = State::Behind;
        Ok(())
    }

    fn behind(&mut self, input: &mut &[u8], tally: &mut Tally) -> Result<Step<'static>, Stop> {
        // Some scripts that hand out archives end them with a line break.
        let is_padding = |byte: &&u8| matches!(byte, 0 | b'\r' | b'\n');
        let zeros = input.iter().take_while(is_padding).count();
        self.position += zeros as u64;
        *input = input.get(zeros..).unwrap_or_default();
        if input.is_empty() {
            return Ok(Step::Hungry);
        }
        if self.is_in_program {
            self.lose(tally)?;
        } else {
            tally.inconsistent(b"", "has bytes behind its end")?;
            self.state = State::Rest;
        }
        Ok(Step::Again)
    }
}

/// Whether members that are packed so can be inflated here.
fn is_supported(entry: &Entry) -> bool {
    matches!(entry.method, 0 | 8 | 12 | 20 | 93 | 95)
}

impl Reader for ZipReader {
    fn step<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8], tally: &mut Tally) -> Result<Step<'a>, Stop> {
        if let Some(outcome) = self.outcome.take() {
            return self.behind_body(outcome, tally);
        }
        if !matches!(self.state, State::Body(_)) {
            return self.between(input, tally);
        }
        let State::Body(body) = &mut self.state else {
            return Ok(Step::Again);
        };
        let before = input.len();
        let (step, outcome) = body.step(input);
        self.position += (before - input.len()) as u64;
        self.outcome = outcome;
        if let (Step::Data(data), Some(current)) = (&step, &mut self.current) {
            current.length += data.len() as u64;
        }
        Ok(step)
    }

    fn end(&mut self) -> Result<Option<u64>, Stop> {
        match self.state {
            State::Behind | State::Rest => Ok(None),
            // What looked like an archive behind a program was none.
            _ if self.is_in_program && self.directory.is_empty() && self.current.is_none() => Ok(None),
            State::Gap(_) if self.is_in_program => Ok(None),
            _ => Err(Stop::Broken("breaks off")),
        }
    }

    fn passes(&self) -> u64 {
        match &self.state {
            State::Body(body) => body.passes(),
            State::Rest => u64::MAX,
            _ => 0,
        }
    }
}
