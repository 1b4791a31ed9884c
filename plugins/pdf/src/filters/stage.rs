//! One filter, and how bytes flow through several.

/// What a filter is ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It took all bytes, and needs more.
    More,
    /// It can put out more without another byte.
    Full,
    /// Its data has ended; what follows is not part of it.
    Ended,
}

/// A filter.
pub(crate) trait Stage: Send {
    /// Takes bytes from the input, and puts bytes out: 16 KiB at most, or a few more.
    ///
    /// # Errors
    ///
    /// Why the data cannot be read further. What was put out counts.
    fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>) -> Result<Flow, &'static str>;

    /// Whether its data is complete, at the end of the stream.
    fn is_complete(&self) -> bool;
}

/// What takes the output of filters.
pub(crate) trait Sink {
    /// Takes the output of one filter; `is_last` if it is that of the last one.
    ///
    /// # Errors
    ///
    /// Why it takes no more.
    fn take(&mut self, bytes: &[u8], is_last: bool) -> Result<(), &'static str>;
}

/// The most bytes that a filter puts out in one step.
pub(super) const STEP: usize = 16 * 1024;

/// Pushes bytes through all filters into the sink.
///
/// # Errors
///
/// Why the data cannot be read.
pub(crate) fn push(stages: &mut [Box<dyn Stage>], mut input: &[u8], sink: &mut dyn Sink) -> Result<(), &'static str> {
    let Some((stage, rest)) = stages.split_first_mut() else {
        return sink.take(input, true);
    };
    let mut out = Vec::new();
    loop {
        out.clear();
        let flow = stage.step(&mut input, &mut out);
        if !rest.is_empty() {
            sink.take(&out, false)?;
        }
        if !out.is_empty() {
            push(rest, &out, sink)?;
        }
        // What came out in front of the damage was read: readers show it, too.
        let flow = flow?;
        if flow == Flow::Ended || (flow == Flow::More && input.is_empty()) {
            return Ok(());
        }
    }
}
