//! Names of codecs by the four letters and the numbers that MP4 has for them (mp4ra.org; QuickTime File Format).

use crate::formats::pcm;

/// Video codecs.
const PICTURES: [(&[u8; 4], &str); 37] = [
    (b"avc1", "h264"),
    (b"avc3", "h264"),
    (b"dva1", "h264"),
    (b"dvav", "h264"),
    (b"hvc1", "hevc"),
    (b"hev1", "hevc"),
    (b"dvh1", "hevc"),
    (b"dvhe", "hevc"),
    (b"vvc1", "vvc"),
    (b"vvi1", "vvc"),
    (b"av01", "av1"),
    (b"dav1", "av1"),
    (b"vp08", "vp8"),
    (b"vp09", "vp9"),
    (b"s263", "h263"),
    (b"h263", "h263"),
    (b"H263", "h263"),
    (b"jpeg", "mjpeg"),
    (b"mjpa", "mjpeg"),
    (b"mjpb", "mjpegb"),
    (b"mjp2", "jpeg2000"),
    (b"png ", "png"),
    (b"apch", "prores"),
    (b"apcn", "prores"),
    (b"apcs", "prores"),
    (b"apco", "prores"),
    (b"ap4h", "prores"),
    (b"ap4x", "prores"),
    (b"AVdh", "dnxhd"),
    (b"AVdn", "dnxhd"),
    (b"SVQ1", "svq1"),
    (b"SVQ3", "svq3"),
    (b"cvid", "cinepak"),
    (b"rle ", "qtrle"),
    (b"m1v1", "mpeg1video"),
    (b"m2v1", "mpeg2video"),
    (b"ffv1", "ffv1"),
];

/// Audio codecs that are not plain samples.
const SOUNDS: [(&[u8; 4], &str); 18] = [
    (b"mp4a", "aac"),
    (b".mp3", "mp3"),
    (b"mp3 ", "mp3"),
    (b"ms\0U", "mp3"),
    (b"Opus", "opus"),
    (b"fLaC", "flac"),
    (b"alac", "alac"),
    (b"ac-3", "ac3"),
    (b"ec-3", "eac3"),
    (b"ac-4", "ac4"),
    (b"dtsc", "dts"),
    (b"dtsh", "dts"),
    (b"samr", "amr_nb"),
    (b"sawb", "amr_wb"),
    (b"ulaw", "pcm_mulaw"),
    (b"alaw", "pcm_alaw"),
    (b"ima4", "adpcm_ima_qt"),
    (b"QDM2", "qdm2"),
];

/// The video codec of this name.
pub(crate) fn of_picture(name: [u8; 4]) -> Option<&'static str> {
    PICTURES
        .iter()
        .find(|(known, _)| **known == name)
        .map(|(_, codec)| *codec)
}

/// The audio codec of this name. Of plain samples the width in bits counts, the order of their bytes, and, in the longest
/// description of QuickTime, flags.
pub(crate) fn of_sound(name: [u8; 4], width: u32, is_little: bool, flags: Option<u32>) -> Option<&'static str> {
    match &name {
        b"sowt" => pcm::integer(width, true),
        b"twos" => pcm::integer(width, false),
        b"in24" => pcm::integer(24, is_little),
        b"in32" => pcm::integer(32, is_little),
        b"fl32" => pcm::float(32, is_little),
        b"fl64" => pcm::float(64, is_little),
        b"raw " => Some("pcm_u8"),
        b"ipcm" => pcm::integer(width, is_little),
        b"fpcm" => pcm::float(width, is_little),
        b"lpcm" => {
            let flags = flags?;
            let is_little = flags & 2 == 0;
            if flags & 1 == 0 {
                pcm::integer(width, is_little)
            } else {
                pcm::float(width, is_little)
            }
        }
        name => SOUNDS.iter().find(|(known, _)| *known == name).map(|(_, codec)| *codec),
    }
}

/// The codec of an elementary stream with this number.
pub(crate) fn of_object_type(number: u8) -> Option<&'static str> {
    Some(match number {
        0x20 => "mpeg4",
        0x40 | 0x66..=0x68 => "aac",
        0x60..=0x65 => "mpeg2video",
        0x69 | 0x6B => "mp3",
        0x6A => "mpeg1video",
        0x6C => "mjpeg",
        0x6D => "png",
        0xA5 => "ac3",
        0xA6 => "eac3",
        0xA9 => "dts",
        0xAD => "opus",
        0xDD => "vorbis",
        _ => return None,
    })
}
