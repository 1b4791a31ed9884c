//! What browsers record, and what else says nothing of its length or says it wrongly.

use intake_core::notes::Video;

use crate::writers::{Movie, TURNED, Track, boxed, brand, element, endless, fragment, picture, recording, sound};
use crate::{left_out, note, scan};

async fn read(content: &[u8]) -> Video {
    let report = scan(content).await;
    assert_eq!(left_out(&report), None);
    note(&report).expect("a note")
}

fn size(video: &Video) -> Option<(u32, u32)> {
    let track = video.video.first()?;
    track.width.zip(track.height)
}

fn whole() -> Track {
    Track {
        header: (20_000, 2_400),
        times: vec![(48, 1000)],
        sizes: vec![1000; 48],
        ..Track::video(picture(b"avc1", (640, 480), &[]))
    }
}

#[tokio::test]
async fn the_samples_of_a_track_say_how_long_it_plays_if_its_header_says_it_wrongly() {
    // 2,400 milliseconds where ticks are meant.
    let movie = Movie {
        is_long: true,
        header: (1000, 120),
        ..Movie::of(vec![whole()])
    };
    for place in [0, 1] {
        let parts = [movie.bytes(), boxed(b"mdat", &[&[0; 500_000]])];
        let content = [brand(b"iso5"), parts[place].clone(), parts[1 - place].clone()].concat();
        let video = read(&content).await;
        assert_eq!(
            (video.duration, size(&video)),
            (Some(2_400), Some((640, 480))),
            "in place {place}"
        );
        assert_eq!(
            (video.video[0].frame_rate, video.video[0].bitrate),
            (Some(20.0), Some(160))
        );
    }
}

#[tokio::test]
async fn fragments_add_up_whatever_the_header_says() {
    let entry = || picture(b"avc1", (640, 480), &[]);
    let fragments = [fragment(&[40, 40, 50], 0), fragment(&[], 3)].concat();
    for (is_long, unknown) in [(false, 0), (false, u64::MAX), (true, 0), (true, u64::MAX), (true, 1)] {
        let track = Track {
            header: (1000, unknown),
            ..Track::video(entry())
        };
        let movie = Movie {
            is_long,
            header: (1000, unknown),
            is_fragmented: true,
            ..Movie::of(vec![track])
        };
        let begin = [brand(b"iso5"), movie.bytes()].concat();
        let video = read(&[&begin[..], &fragments].concat()).await;
        assert_eq!(video.duration, Some(250), "{is_long}, {unknown}");
        // Without fragments nothing is known.
        assert_eq!(read(&begin).await.duration, None, "{is_long}, {unknown}");
    }
}

#[tokio::test]
async fn a_length_that_is_unknown_is_null_in_a_whole_file_too() {
    for (is_long, unknown) in [(false, 0), (false, u64::MAX), (true, 0), (true, u64::MAX)] {
        let track = Track {
            header: (1000, unknown),
            ..Track::sound(sound(b"Opus", 2, 0, &[]))
        };
        let movie = Movie {
            is_long,
            header: (1000, unknown),
            ..Movie::of(vec![track])
        };
        let video = read(&[brand(b"mp42"), movie.bytes()].concat()).await;
        assert_eq!((video.duration, video.bitrate), (None, None), "{is_long}, {unknown}");
        assert_eq!(video.audio[0].codec.as_deref(), Some("opus"));
    }
}

#[tokio::test]
async fn a_size_is_the_one_that_is_shown() {
    let shape = |across: u32, down: u32| boxed(b"pasp", &[&across.to_be_bytes(), &down.to_be_bytes()]);
    // The parameter sets of x265 are longer than a kilobyte, and stand in front of the shape.
    let long = boxed(b"hvcC", &[&[0; 3_000]]);
    for (inner, is_turned, expected) in [
        (vec![], false, (720, 576)),
        (vec![], true, (576, 720)),
        (shape(64, 45), false, (1024, 576)),
        (shape(64, 45), true, (576, 1024)),
        (shape(0, 0), false, (720, 576)),
        ([long, shape(64, 45)].concat(), false, (1024, 576)),
    ] {
        let mut track = Track::video(picture(b"hvc1", (720, 576), &inner));
        if is_turned {
            track.matrix = TURNED;
        }
        let video = read(&[brand(b"isom"), Movie::of(vec![track]).bytes()].concat()).await;
        assert_eq!(
            size(&video),
            Some(expected),
            "{} bytes inside, {is_turned}",
            inner.len()
        );
        assert_eq!(video.video[0].codec.as_deref(), Some("hevc"));
    }
}

#[tokio::test]
async fn the_blocks_of_a_recording_say_how_long_it_plays() {
    let vp8 = [
        element(0x83, &[&[1]]),
        element(0x86, &[b"V_VP8"]),
        element(0xE0, &[&element(0xB0, &[&[2, 128]]), &element(0xBA, &[&[1, 224]])]),
    ]
    .concat();
    let content = recording("webm", &vp8, &[(0, &[0, 40, 80, 120]), (160, &[0, 40, 80])]);
    let video = read(&content).await;
    assert_eq!(
        (video.format.as_str(), video.duration, size(&video)),
        ("webm", Some(280), Some((640, 480)))
    );
    assert_eq!(video.video[0].frame_rate, Some(25.0));

    // With one block nothing says how long it plays.
    let video = read(&recording("webm", &vp8, &[(0, &[0])])).await;
    assert_eq!(video.duration, None);
}

#[tokio::test]
async fn a_recorded_sound_may_be_matroska_and_leave_its_channels_out() {
    let bits = element(0x6264, &[&[32]]);
    let rate = element(0xB5, &[&48_000_f64.to_be_bytes()]);
    let track = [
        element(0x83, &[&[2]]),
        element(0x86, &[b"A_PCM/FLOAT/IEEE"]),
        element(0xE1, &[&rate, &bits]),
    ]
    .concat();
    let video = read(&recording("matroska", &track, &[(0, &[0, 10, 20])])).await;
    assert_eq!(
        (video.format.as_str(), video.duration, video.video.len()),
        ("matroska", Some(30), 0)
    );
    let sound = &video.audio[0];
    assert_eq!(
        (sound.channels, sound.sample_rate, sound.codec.as_deref()),
        (Some(1), Some(48_000), Some("pcm_f32le"))
    );
}

#[tokio::test]
async fn the_unit_of_a_display_size_counts() {
    let number = |id, number: u16| element(id, &[&number.to_be_bytes()]);
    for (display, unit, expected) in [
        (None, None, (720, 576)),
        (Some((1024, 576)), None, (1024, 576)),
        (Some((1024, 576)), Some(0), (1024, 576)),
        (Some((16, 9)), Some(3), (1024, 576)),
        (Some((16, 9)), Some(1), (1024, 576)),
        (Some((16, 9)), Some(4), (720, 576)),
    ] {
        let mut fields = [number(0xB0, 720), number(0xBA, 576)].concat();
        if let Some((across, down)) = display {
            fields.extend([number(0x54B0, across), number(0x54BA, down)].concat());
        }
        if let Some(unit) = unit {
            fields.extend(number(0x54B2, unit));
        }
        let track = [
            element(0x83, &[&[1]]),
            element(0x86, &[b"V_AV1"]),
            element(0xE0, &[&fields]),
        ]
        .concat();
        let video = read(&recording("webm", &track, &[(0, &[0, 40])])).await;
        assert_eq!(size(&video), Some(expected), "{display:?}, {unit:?}");
    }
}

#[tokio::test]
async fn only_a_segment_and_what_holds_blocks_may_leave_their_length_open() {
    let track = [element(0x83, &[&[1]]), element(0x86, &[b"V_VP9"])].concat();
    let clusters: [(u16, &[i16]); 1] = [(0, &[0, 40])];
    let content = [recording("webm", &track, &clusters), endless(0xEC, &[&[0; 30]])].concat();
    let report = scan(&content).await;
    assert_eq!(
        left_out(&report),
        Some("not read: what follows an element of unknown length")
    );
    assert_eq!(note(&report).expect("a note").duration, Some(80));
}

#[tokio::test]
async fn a_description_of_a_movie_may_go_on_to_the_end_of_the_file() {
    let mut movie = Movie::of(vec![whole()]).bytes();
    movie[..4].copy_from_slice(&[0; 4]);
    let video = read(&[brand(b"qt  "), movie].concat()).await;
    assert_eq!((video.duration, size(&video)), (Some(2_400), Some((640, 480))));
}
