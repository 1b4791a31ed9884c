//! The rules for the list of a project's files.

use super::broken::Answers;
use super::sample::{PERIODS, add, at, intent, of_project, open, sample_record};
use crate::contract::stages::{FileFilter, FileList, Order, Recorder};
use crate::record::accounting::UsageChange;
use crate::record::event::Event;
use crate::record::update::Update;
use crate::record::upload::Record;
use crate::value::id::UploadId;
use crate::value::lifetime::Lifetime;

const STORED: Lifetime = Lifetime {
    kept: true,
    expires: None,
};

fn project() -> String {
    format!("project-{}", UploadId::random())
}

/// A file of a project that became one at this time.
fn file(project: &str, seconds: u64) -> Record {
    let mut file = of_project(Some(project.to_owned()), sample_record());
    file.times.uploaded = Some(at(seconds));
    file
}

fn stored(project: &str, seconds: u64) -> Record {
    let file = file(project, seconds);
    file.apply(Event::Keep(STORED), at(3_000), &PERIODS).unwrap()
}

fn removed(project: &str, seconds: u64) -> Record {
    let file = file(project, seconds);
    file.apply(Event::Trash, at(3_000), &PERIODS).unwrap()
}

/// The whole list, two files at a time.
async fn all(recorder: &dyn Recorder, project: &str, filter: FileFilter, order: Order) -> Vec<Record> {
    let mut found: Vec<Record> = Vec::new();
    loop {
        let list = FileList::of(project, 2).with(|list| {
            (list.filter, list.order) = (filter, order);
            list.behind = found.last().map(|last| (last.uploaded(), last.id));
        });
        let page = recorder.files(&list).await.answers();
        holds!(page.len() <= 2);
        if page.is_empty() {
            return found;
        }
        found.extend(page);
    }
}

async fn remove(recorder: &dyn Recorder, records: &[Record]) {
    for record in records {
        recorder.remove(record.id, record.revision).await.answers();
    }
}

pub(super) async fn files_are_listed_by_their_status_in_either_order(recorder: &dyn Recorder) {
    let project = project();
    // Some at the same time, so that a page ends between them.
    let times = [1_000, 2_000, 2_000, 2_000, 4_000];
    let files: Vec<_> = times
        .into_iter()
        .flat_map(|time| [file(&project, time), stored(&project, time), removed(&project, time)])
        .collect();
    let others = [
        of_project(Some(project.clone()), intent(2_000)),
        of_project(Some(project.clone()), open(2_000)),
        file(&project, 2_000).apply(Event::Delete, at(2_001), &PERIODS).unwrap(),
    ];
    for record in files.iter().chain(&others) {
        add(recorder, record).await;
    }
    for filter in [
        FileFilter::Present,
        FileFilter::Stored,
        FileFilter::Unstored,
        FileFilter::Removed,
    ] {
        let is_listed = |file: &&Record| file.file_status().is_some_and(|status| filter.has(status));
        let mut expected: Vec<_> = files.iter().filter(is_listed).cloned().collect();
        for order in [Order::NewestFirst, Order::OldestFirst] {
            order.sort(&mut expected, |file| (file.uploaded(), file.id));
            let found = all(recorder, &project, filter, order).await;
            same!(found, expected, "{filter:?}, {order:?}");
        }
    }
    remove(recorder, &files).await;
    remove(recorder, &others).await;
}

pub(super) async fn files_are_listed_by_when_they_became_files(recorder: &dyn Recorder) {
    let project = project();
    let began_first = Record {
        created: at(1_000),
        ..file(&project, 5_000)
    };
    let began_last = Record {
        created: at(4_500),
        ..file(&project, 4_800)
    };
    // As an earlier version has written it.
    let mut older = Record {
        created: at(4_900),
        ..file(&project, 0)
    };
    older.times.uploaded = None;
    for record in [&began_first, &began_last, &older] {
        add(recorder, record).await;
    }
    let found = all(recorder, &project, FileFilter::Present, Order::NewestFirst).await;
    same!(found, [began_first.clone(), older.clone(), began_last.clone()]);

    let kept = older.apply(Event::Keep(STORED), at(6_000), &PERIODS).unwrap();
    let update = recorder.update(&kept, UsageChange::none()).await.answers();
    same!(update, Update::Applied);
    let found = all(recorder, &project, FileFilter::Unstored, Order::NewestFirst).await;
    same!(found, [began_first.clone(), began_last.clone()]);
    let found = all(recorder, &project, FileFilter::Stored, Order::NewestFirst).await;
    same!(found, std::slice::from_ref(&kept));
    remove(recorder, &[began_first, began_last, kept]).await;
}

pub(super) async fn files_of_other_projects_are_not_listed(recorder: &dyn Recorder) {
    let (one, other) = (project(), project());
    let files = [file(&one, 1_000), file(&other, 1_000), stored(&other, 2_000)];
    for file in &files {
        add(recorder, file).await;
    }
    for order in [Order::NewestFirst, Order::OldestFirst] {
        let found = all(recorder, &one, FileFilter::Present, order).await;
        same!(found, files[..1]);
    }
    let found = all(recorder, "", FileFilter::Present, Order::NewestFirst).await;
    same!(found, []);
    remove(recorder, &files).await;
}
