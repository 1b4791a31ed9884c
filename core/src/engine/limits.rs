//! Limits of one pipeline: sizes, times and numbers.

use std::time::Duration;

use crate::value::shares::share_of;

/// What an upload may cost at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one upload.
    pub max_size: u64,
    /// From the first byte asked for until every stage has judged. A lease is twice that, so that no sweeper meets a
    /// living upload.
    pub timeout: Duration,
    /// How long the parts of one upload may take to come, until it is completed. What is not is removed then.
    pub unfinished: Duration,
    /// How long somebody who puts parts together may say nothing before somebody else goes on. It is renewed all the time,
    /// so this is how long an upload waits after a crash.
    pub claim: Duration,
    /// Orders that one node fetches at a time.
    pub pulls: usize,
    /// Orders of one project that one node fetches at a time.
    pub pulls_of_project: usize,
    /// Orders of one [sender](crate::Terms::sender) that one node fetches at a time.
    pub pulls_of_address: usize,
    /// Orders of one project that may wait, or be fetched, on all nodes, however many come at the same moment. More are refused.
    pub waiting_of_project: u64,
    /// The same of one [sender](crate::Terms::sender), of all projects together.
    pub waiting_of_address: u64,
    /// Uploads in parts of one project that may be unfinished at a time, on all nodes. More are refused.
    pub unfinished_of_project: u64,
    /// The same of one [sender](crate::Terms::sender), of all projects together.
    pub unfinished_of_address: u64,
    /// Uploads and orders of one project of which it is remembered that they were refused; and so many whose project was not known.
    /// The oldest are forgotten first.
    pub refused_of_project: u64,
    /// Groups that one project may have, unless it says otherwise itself: see [`Project::max_groups`](crate::Project::max_groups).
    pub groups_of_project: u64,
    /// Bytes that the lists of one project's groups may have in all; a file in a group takes about 50.
    pub group_bytes_of_project: u64,
    /// How long a group stays, unless its project says otherwise. `None`: until somebody removes it.
    pub keep_groups: Option<Duration>,
    /// How often an order is tried, if what goes wrong may pass; the first try counts. A source that cannot be connected to,
    /// or that takes too long, is given up sooner: see [`Interruption::most_tries`](crate::Interruption::most_tries).
    pub pull_tries: u32,
    /// How long an order waits between its first try and its second. Each further pause is twice as long as the one before.
    pub pull_pause: Duration,
    /// How long what was deleted can be brought back. Nothing: what is deleted is gone.
    pub trash: Duration,
}

/// Orders that a node fetches at a time, unless a setting says otherwise.
const PULLS: usize = 32;

impl Default for Limits {
    /// 5 GiB, one hour, one day, 30 seconds; 32 orders at a time, 8 of one project and 4 of one address; 400 of a project and 50
    /// of an address wait; four tries, with pauses of 1, 2 and 4 seconds; 1,000 unfinished uploads of a project, 125 of an address; 100,000 groups of a project, with 256 MiB of
    /// lists, to stay; 10,000 notes of refusals of a project. What is deleted is gone.
    fn default() -> Self {
        Self {
            max_size: 5 << 30,
            timeout: Duration::from_secs(3600),
            unfinished: Duration::from_secs(24 * 3600),
            claim: Duration::from_secs(30),
            pulls: PULLS,
            pulls_of_project: 8,
            pulls_of_address: share_of(PULLS),
            waiting_of_project: 400,
            waiting_of_address: 50,
            unfinished_of_project: 1000,
            unfinished_of_address: 125,
            refused_of_project: 10_000,
            groups_of_project: 100_000,
            group_bytes_of_project: 256 << 20,
            keep_groups: None,
            pull_tries: 4,
            pull_pause: Duration::from_secs(1),
            trash: Duration::ZERO,
        }
    }
}
