//! What decoders have in common.

/// What a decoder made of its input.
#[derive(Debug)]
pub(crate) enum Decoded<'a> {
    /// Inflated bytes. There may be more.
    Out(&'a [u8]),
    /// There is no memory to go on. Once there is, asking again goes on.
    Starved,
    /// All input was taken, and all bytes that follow from it were returned.
    Hungry,
    /// The stream has ended. What is left of the input does not belong to it.
    End,
}

/// Inflates one stream of packed bytes after the other, in bounded memory.
///
/// The bytes that follow from some input, also those before an error, do not depend on how the input is cut.
pub(crate) trait Decoder: Send {
    /// Takes bytes from the front of `input`.
    ///
    /// # Errors
    ///
    /// Why the stream cannot be inflated, as the continuation of a sentence about it.
    fn decode(&mut self, input: &mut &[u8]) -> Result<Decoded<'_>, &'static str>;

    /// Begins another stream, after one has ended.
    ///
    /// # Errors
    ///
    /// Why it cannot.
    fn restart(&mut self) -> Result<(), &'static str>;
}
