//! Copying durable bytes to the location that their project wants, if that was not known before they were written.

use crate::engine::attempt::Attempt;
use crate::engine::copies::write_all;
use crate::policy::upload::Policy;
use crate::record::event::Event;
use crate::record::keys::key_of;
use crate::value::codes;
use crate::value::error::Fault;
use crate::value::evidence::Facts;

impl Attempt {
    /// Copies durable bytes to the location that their project wants. They are not readable meanwhile, and the record names both
    /// locations before the first byte is written to the second.
    pub(super) async fn relocate(&mut self, facts: &Facts, policy: &Policy) -> Result<(), Fault> {
        let (to, record) = (policy.location(), self.record().clone());
        // An upload that began with this project was written to the right location.
        let is_at_home = record.options.project.is_some() && record.options.project == self.options.project;
        if is_at_home || record.location == to {
            return Ok(());
        }
        let pipeline = self.pipeline();
        let inner = pipeline.inner();
        self.lease.advance(Event::Relocate { to }).await?;
        let moving = self.record();
        let body = inner.store_of(&record)?.read(&key_of(&record), None).await?;
        let store = inner.store_of(moving)?;
        let mut writing = store.stage(&key_of(moving), facts.media_type.as_ref()).await?;
        match write_all(body, &mut *writing).await {
            Ok(digest) if digest == facts.digest => writing.commit().await,
            ended => {
                // If this fails, a sweeper deletes the bytes.
                let discarded = writing.discard().await;
                discarded.and(ended.map(drop))?;
                let message = "the bytes of an upload were others when they were read back";
                Err(Fault::new(codes::BYTES_MISSING, message))
            }
        }
    }
}
