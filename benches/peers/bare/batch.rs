//! One sync for all who wait for one.

use std::io;
use std::sync::mpsc::{Sender, channel};

use tokio::sync::oneshot;

/// A thread that syncs whenever somebody waits, and then for all who have come to wait meanwhile.
pub struct Batches(Sender<oneshot::Sender<io::Result<()>>>);

impl Batches {
    /// `sync` hears for how many it is.
    pub fn start(sync: impl Fn(usize) -> io::Result<()> + Send + 'static) -> Self {
        let (sender, waiting) = channel::<oneshot::Sender<io::Result<()>>>();
        std::thread::spawn(move || {
            while let Ok(first) = waiting.recv() {
                let all: Vec<_> = std::iter::once(first).chain(waiting.try_iter()).collect();
                let done = sync(all.len());
                for one in all {
                    let same = done.as_ref().copied().map_err(|error| io::Error::from(error.kind()));
                    // Whose connection has ended does not wait any more.
                    let _gone = one.send(same);
                }
            }
        });
        Self(sender)
    }

    /// Ready when a sync that began after this call has ended.
    pub async fn synced(&self) -> io::Result<()> {
        let (sender, done) = oneshot::channel();
        self.0.send(sender).map_err(io::Error::other)?;
        done.await.map_err(io::Error::other)?
    }
}
