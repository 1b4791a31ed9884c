//! The end of an upload that came in one go: judged once more by what is known now, brought to where its project wants it, and
//! then readable.

use futures_util::StreamExt;
use sha2::{Digest as _, Sha256};
use tracing::warn;

use crate::ingest::noted;
use crate::pipeline::Pipeline;
use crate::places::{key_at, key_of};
use crate::project::Door;
use crate::record::{Event, Record};
use crate::ruling::Ruling;
use crate::stages::{Staged, Swap};
use crate::{Booking, ByteStream, Declared, Digest, Error, Facts, Fault, Terms, codes};

impl Pipeline {
    /// What is judged once it is known whose an upload is: everything that its project says, as it is now.
    pub(crate) async fn judge_at_commit(
        &self,
        door: Door,
        declared: &Declared,
        facts: &Facts,
        terms: &Terms,
    ) -> Result<Ruling, Error> {
        let ruling = self
            .ruling_of(terms.project.as_deref(), terms.pass.as_ref(), door)
            .await?;
        ruling.judge_whole(declared, facts)?;
        self.parts().store_at(&ruling.place())?;
        Ok(ruling)
    }

    /// Moves durable bytes to where their project wants them, if they were written elsewhere because it was not known yet whose
    /// they are. Nobody can read them meanwhile, and the record knows of both places before there is anything in the second.
    pub(crate) async fn bring_home(
        &self,
        record: Record,
        facts: &Facts,
        ruling: &Ruling,
        project: Option<&str>,
    ) -> Result<Record, Fault> {
        let to = ruling.place();
        // What was begun as this project's was begun where it belonged then.
        let is_at_home = record.project.is_some() && record.project.as_deref() == project;
        if is_at_home || record.place == to {
            return Ok(record);
        }
        let (from_store, from) = (self.parts().store_of(&record)?, key_of(&record));
        let moving = self.after(&record, Event::Move { to })?;
        if self.swap(&record, &moving).await? != Swap::Done {
            return Err(Fault::new(codes::LEASE_LOST, "the upload took longer than its lease").retryable());
        }
        let body = from_store.read(&from, None).await?;
        let mut writing = self
            .parts()
            .store_of(&moving)?
            .stage(&key_of(&moving), facts.media_type.as_ref())
            .await?;
        let copied = copy(body, &mut *writing).await;
        match copied {
            Ok(digest) if digest == facts.digest => writing.commit().await.map(|()| moving),
            ended => {
                // Whatever cannot be discarded, the sweeper removes.
                let discarded = writing.discard().await;
                discarded.and(ended.map(drop))?;
                Err(Fault::new(
                    codes::BYTES_MISSING,
                    "the bytes of an upload were others when they were read back",
                ))
            }
        }
    }

    /// The last step, after the bytes are durable: the record says so.
    pub(crate) async fn make_readable(&self, record: Record, event: Event, ruling: &Ruling) -> Result<Record, Error> {
        let ready = self.after(&record, event)?;
        // If the recorder fails, the bytes stay whatever it has done: the record may say that they can be read.
        match self.swap_within(&record, &ready, ruling.quota()).await? {
            Swap::Done => {
                self.remove_left(&ready).await;
                Ok(ready)
            }
            Swap::Full => {
                let booking = Booking::of(Some(&record), &ready, ruling.quota(), self.now());
                let error = self.no_room(&ready, &booking).await;
                Err(self.take_back(&record, error).await)
            }
            Swap::Lost => {
                // A sweeper thought this attempt dead and has removed what it found; our bytes came after it looked.
                self.delete_bytes(&record).await;
                Err(Fault::new(codes::LEASE_LOST, "the upload took longer than its lease")
                    .retryable()
                    .into())
            }
        }
    }

    /// Removes bytes that are durable, and that nobody may read after all, then notes why. If that cannot be done now, the
    /// sweeper does it.
    pub(crate) async fn take_back(&self, record: &Record, error: Error) -> Error {
        if self.delete_bytes(record).await
            && let Ok(noted) = record.apply(Event::Reject(noted(&error)), self.now(), &self.parts().periods)
        {
            match self.put(record, &noted).await {
                Ok(_) => self.bound_refusals(noted.project.as_deref()).await,
                Err(fault) => {
                    warn!(id = %record.id, fault = fault.chain(), "could not note a refusal; left to the sweeper");
                }
            }
        }
        error
    }

    /// Ends an attempt whose bytes could not be made durable, so that what it holds is given back before its lease ends.
    pub(crate) async fn end(&self, record: &Record, fault: Fault) -> Error {
        // The bytes before the claim, as only this attempt could make them readable: on a full disk they take the room that the
        // recorder needs for the claim.
        self.delete_bytes(record).await;
        self.end_try(record.id).await;
        fault.into()
    }

    /// Removes what was moved from where it was. If that cannot be done now, the sweeper does it.
    async fn remove_left(&self, ready: &Record) {
        let Some(left) = &ready.left else { return };
        let removed = async {
            self.parts().store_at(left)?.delete(&key_at(ready, left)).await?;
            self.put(ready, &self.after(ready, Event::Tidied)?).await
        };
        if let Err(fault) = removed.await {
            warn!(id = %ready.id, fault = fault.chain(), "could not remove what was moved; left to the sweeper");
        }
    }
}

/// Writes all of it, and answers with what it was.
async fn copy(mut body: ByteStream, to: &mut dyn Staged) -> Result<Digest, Fault> {
    let mut hasher = Sha256::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|why| {
            let fault = Fault::new(codes::BYTES_MISSING, "the bytes of an upload could not be read back");
            fault.retryable().because(why)
        })?;
        hasher.update(&chunk);
        to.write(chunk).await?;
    }
    Ok(Digest::from(<[u8; 32]>::from(hasher.finalize())))
}
