//! Archives within archives.

use crate::format::{Format, HEAD};
use crate::member_name::kept;
use crate::packed::PackedReader;
use crate::reader::{Flow, Kind, Member, Pushed, Reader, Size, Step, Stop};
use crate::relations::Relations;
use crate::tally::{Checked, Tally};
use crate::tar::TarReader;
use crate::zip::ZipReader;

/// What has no known size is counted whenever so many bytes were inflated, and at its end, so that limits do not depend on pieces.
const COUNTED: u64 = 32 * 1024;

/// The content of the upload or of a member.
pub(crate) enum Content {
    /// Its first bytes, which do not decide on its format yet. By its name, it may have relations.
    Unknown {
        head: Vec<u8>,
        has_relations: bool,
    },
    Archive(Box<Layer>),
    Relations(Relations),
    /// It is no archive.
    Other,
}

/// An archive.
pub(crate) struct Layer {
    /// `None` once the archive could not be read further.
    reader: Option<Box<dyn Reader>>,
    depth: u32,
    /// The name of the member that is this archive.
    name: Vec<u8>,
    member: Option<Open>,
    /// There was no memory to go on, in this archive or in one inside it.
    is_starved: bool,
    /// What came since, and is not read yet.
    left: Vec<u8>,
}

/// The member that is being read.
struct Open {
    name: Vec<u8>,
    size: Size,
    length: u64,
    content: Content,
    /// Bytes that the content took, and that are counted when it has read them.
    uncounted: usize,
    /// Bytes behind those.
    left: Vec<u8>,
    /// No more bytes follow.
    is_ending: bool,
}

impl Content {
    /// Takes the next bytes. `depth` is that of the archive in which this is a member, and `name` the member's name.
    ///
    /// When it is starved, it has kept what it could not read. The next call is then one of [`go_on`](Self::go_on).
    pub(crate) fn push(&mut self, bytes: &[u8], depth: u32, name: &[u8], tally: &mut Tally) -> Pushed {
        match self {
            Self::Other => Ok(Flow::On),
            Self::Relations(relations) => relations.push(bytes, name, tally).map(|()| Flow::On),
            Self::Archive(layer) => layer.push(bytes, tally),
            Self::Unknown { head, .. } => {
                let missing = HEAD.saturating_sub(head.len());
                let (now, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
                head.extend_from_slice(now);
                if head.len() < HEAD {
                    return Ok(Flow::On);
                }
                // An archive that is starved keeps the rest.
                let _ = self.recognise(depth, name, tally)?;
                self.push(rest, depth, name, tally)
            }
        }
    }

    /// Goes on with what was kept, when there is memory again.
    pub(crate) fn go_on(&mut self, tally: &mut Tally) -> Pushed {
        match self {
            Self::Archive(layer) => layer.go_on(tally),
            _ => Ok(Flow::On),
        }
    }

    /// Ends the content. When it is starved, it has to go on, and then to be ended again.
    pub(crate) fn end(&mut self, depth: u32, name: &[u8], tally: &mut Tally) -> Pushed {
        if matches!(self, Self::Unknown { .. }) && self.recognise(depth, name, tally)? == Flow::Starved {
            return Ok(Flow::Starved);
        }
        match self {
            Self::Archive(layer) => layer.end(tally),
            _ => Ok(Flow::On),
        }
    }

    /// How many of the next bytes it would only count.
    pub(crate) fn passes(&self) -> u64 {
        match self {
            Self::Other => u64::MAX,
            Self::Unknown { .. } | Self::Relations(_) => 0,
            Self::Archive(layer) => layer.passes(),
        }
    }

    /// Decides on the format by the first bytes, and reads them.
    fn recognise(&mut self, depth: u32, name: &[u8], tally: &mut Tally) -> Pushed {
        let Self::Unknown { head, has_relations } = std::mem::replace(self, Self::Other) else {
            return Ok(Flow::On);
        };
        let Some(format) = Format::of(&head) else {
            if has_relations {
                *self = Self::Relations(Relations::default());
            }
            return self.push(&head, depth, name, tally);
        };
        let inner = depth.saturating_add(1);
        if format == Format::Program {
            if inner > tally.settings.max_depth {
                return Ok(Flow::On);
            }
        } else {
            tally.archive(format.name(), inner, name)?;
        }
        let Some(reader) = reader(format, inner, name, tally)? else {
            return Ok(Flow::On);
        };
        *self = Self::Archive(Box::new(Layer {
            reader: Some(reader),
            depth: inner,
            name: name.to_vec(),
            member: None,
            is_starved: false,
            left: Vec::new(),
        }));
        self.push(&head, depth, name, tally)
    }
}

/// The reader of a format. `None` if it cannot be looked into.
fn reader(
    format: Format,
    depth: u32,
    name: &[u8],
    tally: &mut Tally,
) -> Result<Option<Box<dyn Reader>>, Box<intake_core::Rejection>> {
    let max_window = tally.settings.max_window;
    let reader: Result<Box<dyn Reader>, &str> = match format {
        Format::Zip => Ok(Box::new(ZipReader::new(&tally.account))),
        Format::Program => Ok(Box::new(ZipReader::behind_program(&tally.account))),
        Format::Tar => Ok(Box::new(TarReader::new(depth > 1, tally.account.lease()))),
        Format::Gzip => Ok(Box::new(PackedReader::gzip())),
        Format::Bzip2 => Ok(Box::new(PackedReader::bzip2(tally.account.lease()))),
        Format::Zstd => Ok(Box::new(PackedReader::zstd(max_window, tally.account.lease()))),
        Format::Xz => {
            PackedReader::xz(max_window, tally.account.lease()).map(|reader| Box::new(reader) as Box<dyn Reader>)
        }
        Format::SevenZip => Err("is in 7z format, into which this server cannot look"),
        Format::Rar => Err("is in RAR format, into which this server cannot look"),
    };
    match reader {
        Ok(reader) => Ok(Some(reader)),
        Err(why) => tally.unreadable(name, why).map(|()| None),
    }
}

impl Layer {
    fn push(&mut self, bytes: &[u8], tally: &mut Tally) -> Pushed {
        let mut input = bytes;
        while !self.is_starved {
            let Some(reader) = &mut self.reader else {
                return Ok(Flow::On);
            };
            let flow = match reader.step(&mut input, tally) {
                Ok(Step::Hungry) => return Ok(Flow::On),
                Ok(Step::Starved) => Flow::Starved,
                Ok(Step::Again) => Flow::On,
                Ok(Step::Data(data)) => match &mut self.member {
                    Some(member) => member.push(data, self.depth, tally)?,
                    None => Flow::On,
                },
                Ok(Step::Mark(packed)) => {
                    if let Some(member) = &self.member {
                        tally.running_ratio(member.length, packed, &member.name)?;
                    }
                    Flow::On
                }
                Ok(Step::Member(member)) => {
                    self.begin(member, tally)?;
                    Flow::On
                }
                Ok(Step::End(packed)) => self.end_member(Some(packed), tally)?,
                Err(Stop::Refused(rejection)) => return Err(rejection),
                Err(Stop::Broken(why)) => self.give_up(why, tally)?,
            };
            self.is_starved = flow == Flow::Starved;
        }
        self.left.extend_from_slice(input);
        Ok(Flow::Starved)
    }

    fn go_on(&mut self, tally: &mut Tally) -> Pushed {
        if !self.is_starved {
            return Ok(Flow::On);
        }
        // What is deeper comes first, as it was read first.
        if let Some(member) = &mut self.member
            && member.go_on(self.depth, tally)? == Flow::Starved
        {
            return Ok(Flow::Starved);
        }
        if self.close_member(tally)? == Flow::Starved {
            return Ok(Flow::Starved);
        }
        self.is_starved = false;
        let left = std::mem::take(&mut self.left);
        self.push(&left, tally)
    }

    fn end(&mut self, tally: &mut Tally) -> Pushed {
        let Some(reader) = &mut self.reader else {
            return Ok(Flow::On);
        };
        let flow = match reader.end() {
            Ok(packed) => self.end_member(packed, tally)?,
            Err(Stop::Refused(rejection)) => return Err(rejection),
            Err(Stop::Broken(why)) => self.give_up(why, tally)?,
        };
        self.is_starved = flow == Flow::Starved;
        Ok(flow)
    }

    fn passes(&self) -> u64 {
        let Some(reader) = &self.reader else { return u64::MAX };
        let of_member = self.member.as_ref().map_or(u64::MAX, |member| member.content.passes());
        reader.passes().min(of_member)
    }

    fn begin(&mut self, member: Member, tally: &mut Tally) -> Checked {
        // Behind a program, only a member shows that there is an archive.
        tally.archive("zip", self.depth, &self.name)?;
        let name = if member.name.is_empty() {
            self.name.clone()
        } else {
            member.name
        };
        if let Size::Known { length, adds } = member.size {
            tally.grow(adds, length, &name)?;
        }
        let content = match member.kind {
            Kind::Closed => Content::Other,
            kind => Content::Unknown {
                head: Vec::new(),
                has_relations: kind == Kind::Relations,
            },
        };
        self.member = Some(Open {
            name: kept(&name),
            size: member.size,
            length: 0,
            content,
            uncounted: 0,
            left: Vec::new(),
            is_ending: false,
        });
        Ok(())
    }

    /// Ends the member, if there is one. The packed size may be unknown, as the archive breaks off.
    fn end_member(&mut self, packed: Option<u64>, tally: &mut Tally) -> Pushed {
        let Some(member) = &mut self.member else {
            return Ok(Flow::On);
        };
        member.is_ending = true;
        let Open { name, length, .. } = &*member;
        if let Size::Counted { .. } = member.size {
            tally.grow(length % COUNTED, *length, name)?;
            if let Some(packed) = packed {
                tally.ratio(*length, packed, name)?;
            }
        }
        self.close_member(tally)
    }

    /// Ends the content of a member that is ending.
    fn close_member(&mut self, tally: &mut Tally) -> Pushed {
        let Some(member) = self.member.as_mut().filter(|member| member.is_ending) else {
            return Ok(Flow::On);
        };
        let flow = member.content.end(self.depth, &member.name, tally)?;
        if flow == Flow::On {
            self.member = None;
        }
        Ok(flow)
    }

    /// Leaves the rest of the archive unread.
    fn give_up(&mut self, why: &'static str, tally: &mut Tally) -> Pushed {
        self.reader = None;
        tally.unreadable(&self.name, why)?;
        self.end_member(None, tally)
    }
}

impl Open {
    /// Takes the next bytes of the member.
    fn push(&mut self, data: &[u8], depth: u32, tally: &mut Tally) -> Pushed {
        if let Size::Known { .. } = self.size {
            self.length += data.len() as u64;
            return self.content.push(data, depth, &self.name, tally);
        }
        let mut rest = data;
        while !rest.is_empty() {
            let (now, behind) = crate::reader::split(rest, COUNTED - self.length % COUNTED);
            rest = behind;
            self.uncounted = now.len();
            if self.content.push(now, depth, &self.name, tally)? == Flow::Starved {
                self.left.extend_from_slice(rest);
                return Ok(Flow::Starved);
            }
            self.count(tally)?;
        }
        Ok(Flow::On)
    }

    fn go_on(&mut self, depth: u32, tally: &mut Tally) -> Pushed {
        if self.content.go_on(tally)? == Flow::Starved {
            return Ok(Flow::Starved);
        }
        self.count(tally)?;
        let left = std::mem::take(&mut self.left);
        if left.is_empty() {
            return Ok(Flow::On);
        }
        self.push(&left, depth, tally)
    }

    /// Counts what the content has read, if its size is not known.
    fn count(&mut self, tally: &mut Tally) -> Checked {
        let bytes = std::mem::take(&mut self.uncounted) as u64;
        self.length += bytes;
        if bytes > 0 && self.length.is_multiple_of(COUNTED) {
            tally.grow(COUNTED, self.length, &self.name)?;
            if let Size::Counted { packed: Some(packed) } = self.size {
                tally.ratio(self.length, packed, &self.name)?;
            }
        }
        Ok(())
    }
}
