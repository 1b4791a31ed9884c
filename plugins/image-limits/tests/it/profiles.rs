//! Colour profiles: how large they are, and which are refused.

use std::io::Write;

use crate::files::{
    HEIC, JPEG, PNG, WEBP, boxed, chunk, gif, heif, ispe, meta, page, png_of, tiff, vp8x, webp_of, with_profile,
};
use crate::{Answer, File, answer, note, refusal, with};

/// A packed profile as PNG has it.
fn packed(name: &[u8], size: usize) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![0; size]).expect("memory");
    let data = encoder.finish().expect("memory");
    chunk(b"iCCP", &[name, &[0, 0], &data].concat())
}

fn png_with(profile: Vec<u8>) -> File {
    png_of(20, 10, 2, &[profile, chunk(b"IDAT", &[0; 8])])
}

/// Files with a profile of so many bytes, 255 at least.
fn files(size: usize) -> Vec<File> {
    let profile = vec![7; size];
    let blocks: Vec<_> = profile
        .chunks(255)
        .flat_map(|block| [&[block.len() as u8][..], block].concat())
        .collect();
    let blocks = [&b"!\xFF\x0BICCRGBG1012"[..], &blocks, &[0]].concat();
    let mut tagged = page(20, 10, 2);
    tagged.push((0x8773, 7, u32::try_from(size).expect("fits"), 500));
    let colr = boxed(b"colr", &[&b"prof"[..], &profile].concat());
    vec![
        with_profile(JPEG, profile.clone()),
        with_profile(PNG, profile.clone()),
        with_profile(WEBP, profile.clone()),
        png_with(packed(b"sRGB", size)),
        gif(20, 10, &blocks, &[(0, 0, 20, 10)]),
        webp_of(&[
            (b"VP8X", vp8x(0x20, 20, 10)),
            (b"ICCP", profile),
            (b"VP8 ", vec![0; 10]),
        ]),
        tiff(true, 0, &[tagged]),
        heif(HEIC, &[meta(&[ispe(20, 10), colr], &[1, 2])]),
    ]
}

#[tokio::test]
async fn the_size_of_a_profile_is_counted_once_it_is_unpacked() {
    for size in [255, 3144, 70_000, 200_000] {
        for file in files(size) {
            let noted = note(&file).await;
            assert_eq!(
                noted.profile,
                Some(size as u64),
                "{} bytes in {}",
                size,
                file.media_type
            );
            assert_eq!((noted.frames, noted.total_pixels), (1, 200));
        }
    }
}

#[tokio::test]
async fn a_profile_above_the_limit_is_refused() {
    let limited = with(|settings| settings.max_profile = 3144);
    for (size, is_refused) in [(3144, false), (3145, true), (70_000, true)] {
        for file in files(size) {
            let refused = refusal(&limited, &file).await;
            let expected = is_refused.then(|| "image_profile_too_large".to_owned());
            assert_eq!(refused, expected, "{} bytes in {}", size, file.media_type);
        }
    }
    let none = with(|settings| settings.max_profile = 0);
    for file in files(255) {
        assert!(refusal(&none, &file).await.is_some(), "{}", file.media_type);
    }
}

#[tokio::test]
async fn a_small_file_with_a_huge_profile_is_refused_before_it_is_unpacked() {
    let bomb = png_with(packed(b"sRGB", 64 << 20));
    assert!(bomb.content.len() < 100_000);
    let refused = answer(&with(|_| {}), &bomb).await;
    let Answer::Refused(code, subject) = refused else {
        panic!("taken")
    };
    assert_eq!(code, "image_profile_too_large");
    let unpacked: u64 = subject.parse().expect("a number");
    assert!(unpacked < (16 << 20) + 8192, "{unpacked}");
}

#[tokio::test]
async fn a_profile_that_cannot_be_unpacked_is_named() {
    let long_name = packed(&[b'a'; 100], 10);
    for profile in [
        chunk(b"iCCP", b"sRGB\0\0no zlib at all"),
        chunk(b"iCCP", b"sRGB\0\x01"),
        long_name,
    ] {
        let Answer::Taken(Some(note), Some(missing)) = answer(&with(|_| {}), &png_with(profile)).await else {
            panic!("it is taken, in part")
        };
        assert_eq!(missing, "not read: the colour profile, which cannot be unpacked");
        assert_eq!(note.total_pixels, 200);
    }
}

#[tokio::test]
async fn of_many_profiles_one_is_unpacked() {
    let mut chunks = vec![packed(b"sRGB", 300)];
    chunks.extend(vec![packed(b"sRGB", 1 << 20); 1000]);
    chunks.push(chunk(b"IDAT", &[0; 8]));
    let Answer::Taken(Some(note), Some(missing)) = answer(&with(|_| {}), &png_of(20, 10, 2, &chunks)).await else {
        panic!("it is taken, in part")
    };
    assert_eq!(
        (note.profile, missing.as_str()),
        (Some(300), "not read: a second colour profile")
    );
}
