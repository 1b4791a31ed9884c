//! Names of codecs by their ids in Matroska (RFC 9559, and the codec mappings beside it).

/// Ids, or their beginnings, in their order of precedence.
const CODECS: [(&str, &str); 42] = [
    ("V_MPEG4/ISO/AVC", "h264"),
    ("V_MPEGH/ISO/HEVC", "hevc"),
    ("V_MPEGI/ISO/VVC", "vvc"),
    ("V_MPEG4/MS/V3", "msmpeg4v3"),
    ("V_MPEG4/ISO/", "mpeg4"),
    ("V_MPEG1", "mpeg1video"),
    ("V_MPEG2", "mpeg2video"),
    ("V_VP8", "vp8"),
    ("V_VP9", "vp9"),
    ("V_AV1", "av1"),
    ("V_AVS2", "avs2"),
    ("V_AVS3", "avs3"),
    ("V_THEORA", "theora"),
    ("V_MJPEG", "mjpeg"),
    ("V_PRORES", "prores"),
    ("V_FFV1", "ffv1"),
    ("V_UNCOMPRESSED", "rawvideo"),
    ("V_REAL/RV10", "rv10"),
    ("V_REAL/RV20", "rv20"),
    ("V_REAL/RV30", "rv30"),
    ("V_REAL/RV40", "rv40"),
    ("V_DIRAC", "dirac"),
    ("V_SNOW", "snow"),
    ("A_AAC", "aac"),
    ("A_AC3", "ac3"),
    ("A_EAC3", "eac3"),
    ("A_AC4", "ac4"),
    ("A_ALAC", "alac"),
    ("A_DTS", "dts"),
    ("A_FLAC", "flac"),
    ("A_MPEG/L1", "mp1"),
    ("A_MPEG/L2", "mp2"),
    ("A_MPEG/L3", "mp3"),
    ("A_MLP", "mlp"),
    ("A_OPUS", "opus"),
    ("A_REAL/COOK", "cook"),
    ("A_REAL/SIPR", "sipr"),
    ("A_TRUEHD", "truehd"),
    ("A_TTA1", "tta"),
    ("A_VORBIS", "vorbis"),
    ("A_WAVPACK4", "wavpack"),
    ("A_ATRAC/AT1", "atrac1"),
];

/// The codec with this id.
pub(crate) fn by_id(id: &str) -> Option<&'static str> {
    let id = id.trim_end_matches('\0');
    CODECS
        .iter()
        .find(|(known, _)| id.starts_with(known))
        .map(|(_, codec)| *codec)
}
