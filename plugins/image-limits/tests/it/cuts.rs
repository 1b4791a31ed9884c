//! No answer depends on how the bytes are cut.

use intake_core::{Bytes, Declared, Head, Scanner, UploadInfo, Verdict};
use proptest::prelude::*;

use crate::File;
use crate::files::{JPEG, encoded_apng, encoded_gif, heic, ico, jxl, jxl_header, jxlp, page, tiff, webp, with_profile};
use crate::with;

async fn told(file: &File, pieces: &[usize]) -> String {
    let scanner = with(|settings| (settings.max_frames, settings.min_side) = (4, Some(9)));
    let (declared, found) = (Declared::default(), file.media_type.parse().expect("a type"));
    let head = Head::new(UploadInfo::new(&declared), &file.content, Some(&found));
    let mut scan = scanner.open(&head).await.expect("opens");
    let mut rest = Bytes::copy_from_slice(&file.content);
    for piece in pieces.iter().copied().chain([usize::MAX]) {
        let chunk = rest.split_to(piece.min(rest.len()));
        if let Verdict::Reject(rejection) = scan.feed(&chunk).await.expect("feeds") {
            return format!("{rejection:?}");
        }
    }
    let report = scan.finish().await.expect("a file is never a fault of the server");
    match report.verdict.rejection() {
        Some(rejection) => format!("{rejection:?}"),
        None => format!("{:?} {:?}", report.coverage, report.notes),
    }
}

fn files() -> Vec<File> {
    let pages = [page(9, 9, 2), page(10, 10, 2), page(11, 11, 2)];
    vec![
        with_profile(JPEG, vec![1; 300]),
        encoded_apng(3),
        encoded_gif(5),
        webp(20, 10, 4),
        heic(20, 10),
        ico(&[16, 300]),
        jxl(&[
            jxlp(0, &jxl_header(20, 10, true, true)[..5]),
            jxlp(1, &jxl_header(20, 10, true, true)[5..]),
        ]),
        tiff(false, 10, &pages),
        tiff(true, 8180, &pages),
    ]
}

proptest! {
    #[test]
    fn the_answer_is_the_same_for_all_cuts(
        which in 0_usize..9,
        damage in proptest::collection::vec((0_usize..400, any::<u8>()), 0..3),
        pieces in proptest::collection::vec(1_usize..40, 0..80),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let mut file = files().swap_remove(which);
        for (at, byte) in damage {
            if let Some(place) = file.content.get_mut(at) {
                *place = byte;
            }
        }
        let whole = runtime.block_on(told(&file, &[]));
        prop_assert_eq!(runtime.block_on(told(&file, &pieces)), whole.clone());
        let ones = vec![1; file.content.len().min(1000)];
        prop_assert_eq!(runtime.block_on(told(&file, &ones)), whole);
    }
}
