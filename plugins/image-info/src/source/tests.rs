//! Tests of what readers can rely on.

use intake_core::notes::Image;

use super::*;
use crate::policy::Unreadable;

const POLICY: Policy = Policy {
    max_pixels: 100,
    max_side: 100,
    unreadable: Unreadable::Accept,
};

/// Gives a reader an upload in pieces; returns its result, and how many bytes were buffered for it at most.
fn read(mut reading: Reading, pieces: &[&[u8]]) -> (Option<Probe>, usize) {
    let mut most = 0;
    for piece in pieces {
        let mut rest = *piece;
        loop {
            rest = reading.push(rest);
            most = most.max(lock(&reading.inflow).came.capacity());
            if !reading.is_due() {
                break;
            }
            if let Some(probe) = reading.poll() {
                return (Some(probe), most);
            }
        }
    }
    reading.end();
    (reading.poll(), most)
}

fn told(probe: Option<Probe>) -> String {
    probe
        .expect("a reader ends with the upload")
        .note
        .expect("a note")
        .format
}

fn telling(format: impl Into<String>) -> Probe {
    let format = format.into();
    Probe::complete(Image::default().with(|image| image.format = format))
}

#[test]
fn bytes_are_read_in_their_places_however_they_are_cut() {
    let upload: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    for cut in [1, 7, 4096, 100_000] {
        let reading = Reading::new(POLICY, 1000, async |mut source| {
            let first: [u8; 3] = source.next().await.expect("there");
            source.skip(50_000);
            let kept = source.keep(900).await.expect("there");
            source.skip_past(250).await.expect("there");
            let next: [u8; 1] = source.next().await.expect("there");
            let back = source.skip_to(50_000);
            let large = source.keep(101).await;
            source.skip_to(99_990).expect("ahead");
            let rest = source.keep_up_to(100).await;
            let ended = source.next::<1>().await;
            let told = (first, &kept[..2], kept.len(), next, back, large, rest.len(), ended);
            telling(format!("{told:?}"))
        });
        let expected = (
            [0_u8, 1, 2],
            &[(50_003 % 251) as u8, (50_004 % 251) as u8][..],
            900,
            [0_u8],
            Err::<(), _>(Gap::Passed),
            Err::<Vec<u8>, _>(Gap::TooMany),
            10,
            Err::<[u8; 1], _>(Gap::Ended),
        );
        let pieces: Vec<_> = upload.chunks(cut).collect();
        assert_eq!(told(read(reading, &pieces).0), format!("{expected:?}"), "{cut}");
    }
}

#[test]
fn no_more_waits_than_a_batch_or_what_was_asked_for() {
    let gigabyte = vec![0; 1024 * 1024];
    let pieces = vec![&gigabyte[..]; 1024];
    let skipping = Reading::new(POLICY, 1000, async |mut source| {
        source.skip(1024 * 1024 * 1024 - 4);
        let last = source.next::<4>().await;
        telling(format!("{}", last.is_ok()))
    });
    let (probe, most) = read(skipping, &pieces);
    assert_eq!((told(probe), most), ("true".to_owned(), FIRST_BATCH));

    let reading = Reading::new(POLICY, 100_000, async |mut source| {
        let kept = source.keep(100_000).await.expect("there");
        let mut sum = kept.len();
        loop {
            let some = source.some().await;
            sum += some.len();
            if some.is_empty() {
                return telling(sum.to_string());
            }
        }
    });
    let (probe, most) = read(reading, &pieces[..4]);
    assert_eq!((told(probe), most), ((4 * 1024 * 1024).to_string(), 100_000));
}

#[test]
fn the_first_size_that_is_not_taken_is_told() {
    let mut reading = Reading::new(POLICY, 0, async |mut source| {
        for size in [(10, 10), (1, 101), (101, 1)] {
            source.saw(size);
        }
        source.next::<1>().await.ok();
        telling("")
    });
    assert_eq!(reading.too_large(), None);
    assert!(reading.poll().is_none());
    assert_eq!(reading.too_large(), Some((1, 101)));
}
