//! Names of plain samples.

/// Plain samples that are whole numbers with a sign.
pub(crate) fn integer(width: u32, is_little: bool) -> Option<&'static str> {
    Some(match (width, is_little) {
        (8, _) => "pcm_s8",
        (16, true) => "pcm_s16le",
        (16, false) => "pcm_s16be",
        (24, true) => "pcm_s24le",
        (24, false) => "pcm_s24be",
        (32, true) => "pcm_s32le",
        (32, false) => "pcm_s32be",
        _ => return None,
    })
}

/// Plain samples with a point.
pub(crate) fn float(width: u32, is_little: bool) -> Option<&'static str> {
    Some(match (width, is_little) {
        (32, true) => "pcm_f32le",
        (32, false) => "pcm_f32be",
        (64, true) => "pcm_f64le",
        (64, false) => "pcm_f64be",
        _ => return None,
    })
}
