//! The scan of one upload.

use async_trait::async_trait;
use intake_core::inspection::Engine;
use intake_core::notes::Video;
use intake_core::{Bytes, Coverage, Fault, MediaType, Report, Scan, Verdict};

use crate::facts;
use crate::process::{Outcome, Runner};
use crate::spool::{Content, NotKept};

/// The scan of one upload: its bytes are kept until the last one has come.
pub(crate) struct ProbeScan {
    runner: Runner,
    /// The type by content. `None` if it is no video and no sound.
    media_type: Option<MediaType>,
    engine: Option<Engine>,
    content: Result<Content, String>,
    size: u64,
}

impl ProbeScan {
    pub(crate) fn new(
        runner: Runner,
        media_type: Option<MediaType>,
        engine: Option<Engine>,
        content: Result<Content, String>,
    ) -> Self {
        Self {
            runner,
            media_type,
            engine,
            content,
            size: 0,
        }
    }

    /// What the program says of the content, or why it says nothing.
    async fn probe(
        &self,
        content: Result<Content, String>,
        media_type: &MediaType,
    ) -> Result<Result<Video, String>, Fault> {
        let kept = match content {
            Ok(content) => content.into_file().await,
            Err(why) => return Ok(Err(why)),
        };
        let (file, room) = match kept {
            Ok(kept) => kept,
            Err(NotKept::TooMuch(why)) => return Ok(Err(why)),
            Err(NotKept::Failed(fault)) => return Err(fault),
        };
        Ok(match self.runner.probe(file, room).await? {
            Outcome::Answer(answer) => {
                facts::note(&answer, media_type, self.size).ok_or_else(|| "ffprobe answers in no known way".to_owned())
            }
            Outcome::None(why) => Err(why),
        })
    }
}

#[async_trait]
impl Scan for ProbeScan {
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault> {
        self.size = self.size.saturating_add(chunk.len() as u64);
        if self.media_type.is_some()
            && let Ok(content) = &mut self.content
        {
            match content.push(chunk).await {
                Ok(()) => {}
                Err(NotKept::TooMuch(why)) => self.content = Err(why),
                Err(NotKept::Failed(fault)) => return Err(fault),
            }
        }
        Ok(Verdict::Accept)
    }

    fn gap(&self) -> Option<String> {
        let why = self.content.as_ref().err().filter(|_| self.media_type.is_some());
        why.map(|why| unread(why))
    }

    async fn finish(mut self: Box<Self>) -> Result<Report, Fault> {
        let Some(media_type) = self.media_type.take() else {
            return Ok(Report::clean());
        };
        let content = std::mem::replace(&mut self.content, Err(String::new()));
        let probed = self.probe(content, &media_type).await?;
        let (coverage, note) = match probed {
            Ok(note) => (Coverage::Whole, Some(note)),
            Err(why) => (Coverage::Partial(unread(&why)), None),
        };
        let report = Report::new(Verdict::Accept, coverage).with(|report| {
            report.bytes = Some(self.size);
            report.engine = self.engine;
        });
        Ok(match note {
            Some(note) => report.note(Video::NOTE, note),
            None => report,
        })
    }
}

fn unread(why: &str) -> String {
    format!("the video or sound was not read: {why}")
}
