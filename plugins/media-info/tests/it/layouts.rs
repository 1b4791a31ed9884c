//! Streams without a container, and in layouts that the usual program does not write.

use intake_core::notes::Video;

use crate::files::table;
use crate::{left_out, note, scan};

fn file(name: &str) -> Vec<u8> {
    let found = table().into_iter().find(|(known, _, _)| known == name);
    found.expect("it is in the table").1
}

async fn read(content: &[u8]) -> Video {
    note(&scan(content).await).expect("a note")
}

/// A tag of ID3 of so many bytes.
fn tag(length: u8) -> Vec<u8> {
    [&b"ID3\x04\0\0\0\0\0"[..], &[length], &vec![0xFF; usize::from(length)]].concat()
}

/// A FLAC without frames, which announces so many samples.
fn flac(samples: u64) -> Vec<u8> {
    let (rate, channels, bits) = (44_100_u64, 2_u64, 16_u64);
    let packed = rate << 44 | (channels - 1) << 41 | (bits - 1) << 36 | samples;
    [&b"fLaC\x80\0\0\x22"[..], &[0; 10], &packed.to_be_bytes(), &[0; 16]].concat()
}

#[tokio::test]
async fn a_tag_in_front_of_sound_and_behind_it_does_not_count() {
    let plain = file("without-header.mp3");
    let expected = read(&plain).await;
    let behind = [&b"TAG"[..], &[0; 125]].concat();
    let twice = [tag(100), tag(7)].concat();
    // A sync word in rubbish is no frame.
    let rubbish = [0xFF, 0xFB, 0x90, 0, 1, 2, 3].repeat(40);
    for (what, content) in [
        ("a tag", [&tag(100)[..], &plain].concat()),
        ("two tags", [&twice[..], &plain].concat()),
        ("a tag behind it", [&plain[..], &behind].concat()),
        ("rubbish behind it", [&plain[..], &rubbish].concat()),
    ] {
        let found = read(&content).await;
        assert_eq!(
            (found.duration, &found.audio),
            (expected.duration, &expected.audio),
            "{what}"
        );
    }
    let aac = file("adts.aac");
    let found = read(&[&tag(90)[..], &aac].concat()).await;
    assert_eq!(
        (found.format.as_str(), found.duration),
        ("aac", read(&aac).await.duration)
    );
}

#[tokio::test]
async fn a_flac_says_how_long_it_plays_or_nothing() {
    for (samples, expected) in [(0, None), (44_100, Some(1_000)), (1, None), (22_050, Some(500))] {
        for front in [vec![], tag(30)] {
            let found = read(&[front, flac(samples)].concat()).await;
            assert_eq!((found.format.as_str(), found.duration), ("flac", expected), "{samples}");
            assert_eq!(
                (found.audio[0].channels, found.audio[0].sample_rate),
                (Some(2), Some(44_100))
            );
        }
    }
}

#[tokio::test]
async fn packets_of_a_disc_and_packets_behind_lost_ones_say_the_same() {
    for name in ["h264.ts", "mpeg2.ts", "wrapped.ts"] {
        let plain = file(name);
        let expected = read(&plain).await;
        let (packets, _) = plain.as_chunks::<188>();
        let disc: Vec<u8> = packets
            .iter()
            .flat_map(|packet| [&[1, 2, 3, 4][..], packet].concat())
            .collect();
        let lost = [&plain[..188 * 5], &[1; 50], &plain[188 * 5..]].concat();
        for (what, content) in [("disc", disc), ("rubbish", lost)] {
            let found = read(&content).await;
            assert_eq!(found.duration, expected.duration, "{name}, {what}");
            assert_eq!(found.video[0].width, expected.video[0].width, "{name}, {what}");
        }
    }
}

#[tokio::test]
async fn a_wave_says_what_is_there_whatever_its_header_announces() {
    let plain = file("plain.wav");
    let at = plain
        .windows(4)
        .position(|window| window == b"data")
        .expect("there is data")
        + 4;
    for announced in [0, 100, u32::MAX, 1_000_000] {
        let mut content = plain.clone();
        content[at..at + 4].copy_from_slice(&announced.to_le_bytes());
        let report = scan(&content).await;
        let found = note(&report).expect("a note").duration;
        let expected = if announced == 100 { Some(13) } else { Some(400) };
        assert_eq!(found, expected, "{announced}");
        assert_eq!(
            left_out(&report).is_some(),
            announced == 1_000_000 || announced == 100,
            "{announced}"
        );
    }
}
