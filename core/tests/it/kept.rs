//! Bounds of unfinished uploads, fetch jobs and records of refusals, over several nodes, and how they are removed.

use futures_util::future::join_all;
use intake_core::accounting::Account;
use intake_core::memory::{MemoryRecorder, MemoryStore};
use intake_core::{
    Catalog as _, Error, Fault, FetchJob, Fetcher, Incoming, Listing, NewFetch, Pipeline, Record, State, UploadId,
    UploadOptions, async_trait, codes, sender_at,
};

use crate::stores::{InPlace, Seen};
use crate::support::{Clock, LIMITS, OVER_LEASE, OVER_OPEN, builder, new_multipart, part_of, upload};

/// A fetcher that returns the same bytes for every source.
#[derive(Debug)]
struct Gives;

#[async_trait]
impl Fetcher for Gives {
    async fn judge(&self, _source: &str) -> Result<(), Error> {
        Ok(())
    }
    async fn receive(&self, _source: &str) -> Result<Incoming, Error> {
        Ok(upload(&[b"some bytes"]))
    }
    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

/// Two nodes over the same records and bytes.
struct House<S> {
    store: S,
    recorder: MemoryRecorder,
    clock: Clock,
    nodes: [Pipeline; 2],
}

impl<S: Seen> House<S> {
    fn new() -> Self {
        let (store, recorder, clock) = (S::default(), MemoryRecorder::default(), Clock::default());
        let node = || {
            let builder = builder(store.clone(), recorder.clone(), &clock);
            builder.fetcher("gives", Gives).build().unwrap()
        };
        Self {
            nodes: [node(), node()],
            store,
            recorder,
            clock,
        }
    }

    fn node(&self, number: u64) -> &Pipeline {
        &self.nodes[usize::try_from(number).unwrap() % self.nodes.len()]
    }

    async fn has(&self, account: Account) -> u64 {
        self.recorder.usage(&account).await.unwrap().files
    }
}

fn options(project: &str, sender: Option<&str>) -> UploadOptions {
    UploadOptions::of_project(project).with(|options| {
        options.sender = sender.map(str::to_owned);
    })
}

async fn open(node: &Pipeline, project: &str, sender: Option<&str>) -> Result<Record, Error> {
    let options = options(project, sender);
    node.start_multipart(new_multipart(12, 6).with(|new| new.options = options))
        .await
}

fn codes_of<T>(results: Vec<Result<T, Error>>) -> Vec<intake_core::Code> {
    results
        .into_iter()
        .filter_map(Result::err)
        .map(|error| error.code())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn of_200_orders_at_once_so_many_wait_as_may_whichever_node_is_asked() {
    let house = House::<MemoryStore>::new();
    let ordered = (0..200).map(|number| {
        let job = NewFetch::new(FetchJob::new("source"), options("p", None));
        house.node(number).queue_fetch(job)
    });
    let refused = codes_of(join_all(ordered).await);
    let most = LIMITS.max_queued_fetches_per_project;
    assert_eq!(refused.len() as u64, 200 - most);
    assert!(
        refused.iter().all(|code| *code == codes::TOO_MANY_ORDERS),
        "{refused:?}"
    );
    assert_eq!(house.has(Account::fetches("p")).await, most);

    // A fetch job that was fetched or cancelled frees its place in the queue.
    let waiting = house.nodes[0].list(Listing::Fetches, "p", None, 100).await.unwrap();
    assert_eq!(waiting.len() as u64, most);
    house.nodes[1].cancel(waiting[0].id).await.unwrap();
    assert_eq!(house.has(Account::fetches("p")).await, most - 1);
    house.nodes[0].fetch_due().await.unwrap();
    assert_eq!(house.has(Account::fetches("p")).await, 0);
    assert_eq!(house.nodes[0].list(Listing::Fetches, "p", None, 100).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn of_200_uploads_that_are_begun_at_once_so_many_are_as_may_be_of_a_project_and_of_an_address() {
    let house = House::<InPlace>::new();
    let by_many = (0..200).map(|number| {
        let sender = format!("192.0.2.{}", number % 100);
        let node = house.node(number);
        async move { open(node, "p", Some(&sender)).await }
    });
    let refused = codes_of(join_all(by_many).await);
    assert_eq!(refused.len() as u64, 200 - LIMITS.max_multiparts_per_project);
    assert!(
        refused.iter().all(|code| *code == codes::TOO_MANY_UNFINISHED),
        "{refused:?}"
    );

    let by_one = (0..200).map(|number| {
        let project = format!("project-{}", number % 50);
        let node = house.node(number);
        async move { open(node, &project, Some("203.0.113.7")).await }
    });
    let refused = codes_of(join_all(by_one).await);
    assert_eq!(refused.len() as u64, 200 - LIMITS.max_multiparts_per_ip);
    assert!(
        refused.iter().all(|code| *code == codes::TOO_MANY_UNFINISHED),
        "{refused:?}"
    );
    assert_eq!(
        house.has(Account::sender("203.0.113.7")).await,
        LIMITS.max_multiparts_per_ip
    );
    // Other senders are served meanwhile. An adapter that knows no addresses has the bound of the project only.
    assert!(open(&house.nodes[0], "another", Some("203.0.113.8")).await.is_ok());
    assert!(open(&house.nodes[0], "another", None).await.is_ok());

    house.clock.advance(OVER_OPEN);
    house.nodes[0].sweep().await.unwrap();
    assert_eq!(house.has(Account::unfinished("p")).await, 0);
    assert_eq!(house.has(Account::sender("203.0.113.7")).await, 0);
}

async fn unfinished_uploads_are_listed_until_they_end_and_give_back_their_quota<S: Seen>() {
    let house = House::<S>::new();
    let [node, other] = &house.nodes;
    let begun = |content: &'static [u8]| async move {
        let new_multipart = new_multipart(content.len(), 6).with(|new| new.options = options("p", Some("192.0.2.1")));
        let opened = node.start_multipart(new_multipart).await.unwrap();
        for (number, part) in (1..).zip(content.chunks(6)) {
            node.put_part(&opened, number, None, part_of(part)).await.unwrap();
        }
        opened
    };
    let (good, bad, left) = (
        begun(b"good content").await,
        begun(b"bad content").await,
        begun(b"left alone").await,
    );
    let listed = other.list(Listing::Unfinished, "p", None, 10).await.unwrap();
    assert_eq!(listed.len(), 3);
    assert!(
        listed
            .iter()
            .all(|record| record.options.sender.as_deref() == Some("192.0.2.1"))
    );
    assert_eq!(house.has(Account::unfinished("p")).await, 3);
    assert_eq!(house.has(Account::sender("192.0.2.1")).await, 3);

    let ready = node.complete(good.id).await.unwrap();
    assert_eq!(
        ready.options.sender, None,
        "the address is kept no longer than it is counted"
    );
    assert!(node.complete(bad.id).await.is_err());
    assert_eq!(house.has(Account::unfinished("p")).await, 1);

    other.abort(left.id).await.unwrap();
    assert_eq!(house.has(Account::unfinished("p")).await, 0);
    assert_eq!(house.has(Account::sender("192.0.2.1")).await, 0);
    assert_eq!(
        house.has(Account::project("p")).await,
        1,
        "the project's account has only the ready upload"
    );
    assert_eq!(node.list(Listing::Unfinished, "p", None, 10).await.unwrap(), []);
    let gone = node.status(left.id).await.unwrap().unwrap();
    assert_eq!((&gone.state, &gone.options.sender), (&State::Deleted, &None));
    let late = node.put_part(&gone, 1, None, part_of(b"late")).await.unwrap_err();
    assert_eq!(late.code(), codes::NOT_OPEN);
    for id in [good.id, bad.id, left.id, UploadId::random()] {
        assert!(matches!(node.abort(id).await, Err(Error::NotFound(_))));
    }
    assert_eq!(house.store.seen().len(), 1, "parts of what has ended are left");
}

#[tokio::test(start_paused = true)]
async fn unfinished_uploads_are_listed_until_they_end_where_a_store_joins_parts() {
    unfinished_uploads_are_listed_until_they_end_and_give_back_their_quota::<InPlace>().await;
}

#[tokio::test(start_paused = true)]
async fn unfinished_uploads_are_listed_until_they_end_where_parts_have_keys_of_their_own() {
    unfinished_uploads_are_listed_until_they_end_and_give_back_their_quota::<MemoryStore>().await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_completes_an_upload_ended_by_its_owner_leaves_nothing() {
    let house = House::<InPlace>::new();
    let [node, other] = &house.nodes;
    let new_multipart = new_multipart(6, 6).with(|new| new.options = options("p", None));
    let opened = node.start_multipart(new_multipart).await.unwrap();
    node.put_part(&opened, 1, None, part_of(b"whole.")).await.unwrap();
    // The state that a node leaves if it crashes while it works.
    let claimed = opened
        .apply(
            intake_core::Event::Assemble,
            house.clock.now(),
            &intake_core::record::Periods::default().with(|periods| {
                periods.write_lease = LIMITS.timeout * 2;
                periods.lease = LIMITS.lease;
                periods.open = LIMITS.multipart_ttl;
                periods.tombstone = OVER_LEASE;
                periods.trash = LIMITS.trash;
            }),
        )
        .unwrap();
    let swapped = intake_core::Recorder::update(&house.recorder, &claimed, intake_core::UsageChange::none()).await;
    assert_eq!(swapped.unwrap(), intake_core::Update::Applied);
    other.abort(opened.id).await.unwrap();
    house.clock.advance(OVER_LEASE);
    assert!(node.resume().await.unwrap().is_empty(), "a node resumed it");
    assert!(matches!(node.complete(opened.id).await, Err(Error::NotFound(_))));
    assert_eq!(house.store.seen(), []);
    assert_eq!(house.has(Account::project("p")).await, 0);
}

#[test]
fn an_address_is_a_sender_and_of_ipv6_its_network_is() {
    for (address, sender) in [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
    ] {
        assert_eq!(sender_at(address.parse().unwrap()), sender);
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_are_kept_up_to_their_bound_and_the_newest_stay() {
    let house = House::<InPlace>::new();
    let most = LIMITS.max_tombstones_per_project;
    for project in [None, Some("p")] {
        // The first is refused at once, with nothing stored; the second at its end, with everything stored.
        for content in [&b"rude head"[..], b"even worse content"] {
            let account = || house.has(Account::refused(project));
            let refused = (0..300).map(|number| {
                let (node, incoming) = (house.node(number), upload(&[content]));
                let options = UploadOptions::default().with(|options| options.project = project.map(str::to_owned));
                node.ingest(incoming.with(|it| it.options = options), UploadOptions::default())
            });
            let refused = join_all(refused).await;
            assert!(refused.iter().all(Result::is_err));
            // They come one by one, so the last one must still be there.
            for _ in 0..2 {
                house.clock.advance(std::time::Duration::from_secs(1));
                let mut last = upload(&[content]);
                let id = last.id;
                last.options.project = project.map(str::to_owned);
                assert!(house.nodes[0].ingest(last, UploadOptions::default()).await.is_err());
                let listed = house.nodes[1].refused_of("p", None, 1).await.unwrap();
                assert_eq!(listed[0].id, id);
                assert!(account().await <= most);
            }
            let noted = house
                .recorder
                .records()
                .into_iter()
                .filter(|record| record.options.project.as_deref() == project);
            assert_eq!(noted.count() as u64, account().await, "a forgotten refusal is left");
            assert!(account().await > most / 2, "more refusals are forgotten than necessary");
        }
    }
    assert_eq!(house.store.seen(), []);
}
