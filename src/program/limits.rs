//! The memory and the open files of the process, and how many connections, requests, uploads, fetches, deliveries and images fit
//! into them.
//!
//! Each of these has a price in memory and in open files, for the worst case. Numbers that the configuration sets are kept, or
//! refused if they do not fit; the others are lowered together until all fit.

use bytesize::ByteSize;
use intake_core::{ConfigError, ConfigErrors};

/// The most memory and open files that one of a kind uses.
#[derive(Clone, Copy)]
struct Price {
    bytes: u64,
    files: u64,
}

/// The program itself: code, pools of connections to the database, logs.
const PROGRAM: Price = price(64 << 20, 96);
/// The buffer of a connection, and its socket.
const CONNECTION: Price = price(160 << 10, 1);
/// The parameters of a request, raw and parsed.
const REQUEST: Price = price(1 << 20, 0);
/// The buffer that an upload is read into, and the file that is written. The buffers of store and scanners are added to it.
const UPLOAD: Price = price(256 << 10, 2);
/// What a fetch needs in addition to an upload: the connection to its source, with the lookup of its address.
const SOURCE: Price = price(512 << 10, 2);
/// A file that is given out: what was read and is not sent yet, and the file that is read.
const DELIVERY: Price = price(512 << 10, 1);
/// A request of the REST API: the entries of a page of a list, and the answer that is made of them.
const REST_REQUEST: Price = price(16 << 20, 0);
/// A connection to a scanner.
const SCANNER: Price = price(64 << 10, 1);

/// The memory if neither a setting nor the machine says how much there is; otherwise it is half of the machine's.
const USUAL_MEMORY: u64 = 1 << 30;

const fn price(bytes: u64, files: u64) -> Price {
    Price { bytes, files }
}

/// The resources of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Machine {
    /// Bytes of memory, for everything together.
    pub(super) memory: u64,
    /// Open files.
    pub(super) files: u64,
}

impl Machine {
    /// The resources that this machine grants the process; unlimited files if it does not say.
    pub(super) fn here() -> Self {
        let refresh = sysinfo::RefreshKind::nothing().with_memory(sysinfo::MemoryRefreshKind::nothing().with_ram());
        let there = sysinfo::System::new_with_specifics(refresh).map_or(0, |system| {
            let of_group = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
            system.total_memory().min(of_group)
        });
        let files = rlimit::Resource::NOFILE.get_hard().unwrap_or(u64::MAX);
        Self {
            memory: if there == 0 { USUAL_MEMORY } else { there / 2 },
            files,
        }
    }
}

/// Raises the limit of open files to the greatest that is permitted, and returns it. A shell usually sets a lower one.
pub(super) fn raise_open_files() -> std::io::Result<u64> {
    rlimit::increase_nofile_limit(u64::MAX)
}

/// A number of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) count: usize,
    /// Whether the configuration sets it.
    pub(super) is_set: bool,
}

/// The limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts<T> {
    pub(super) connections: T,
    pub(super) requests: T,
    pub(super) uploads: T,
    pub(super) fetches: T,
    /// None, if no files are given out.
    pub(super) deliveries: T,
    /// Images that are processed at the same time. None, if no files are given out.
    pub(super) images: T,
    /// Requests of the REST API. None, if it is off.
    pub(super) rest_requests: T,
}

impl<T: Copy> Counts<T> {
    fn each(&self) -> [T; 7] {
        [
            self.connections,
            self.requests,
            self.uploads,
            self.fetches,
            self.deliveries,
            self.images,
            self.rest_requests,
        ]
    }
}

/// The limits with which everything fits into the resources of the process.
pub(super) fn fit(wanted: Counts<Wanted>, stages: Stages, machine: Machine) -> Result<Counts<usize>, ConfigErrors> {
    let prices = stages.prices();
    // The price of one image is so large that a share of it cannot be kept: the first counts as part of the program.
    let first_images = wanted.images.count.min(1);
    let further = Wanted {
        count: wanted.images.count - first_images,
        ..wanted.images
    };
    let program = PROGRAM
        .and(price(stages.shared, 0), 1)
        .and(price(stages.image, 0), first_images as u64);
    let adjustable = Counts {
        images: further,
        ..wanted
    };
    let [set, free] = [true, false].map(|is_set| {
        let of_kind = adjustable
            .each()
            .into_iter()
            .zip(prices)
            .filter(|(one, _)| one.is_set == is_set);
        of_kind.fold(price(0, 0), |sum, (one, price)| sum.and(price, one.count as u64))
    });
    let left = |there: u64, taken: u64, program: u64| there.saturating_sub(taken).saturating_sub(program);
    let memory = left(machine.memory, set.bytes, program.bytes);
    let files = left(machine.files, set.files, program.files);
    // The share that is kept of the numbers that may be lowered.
    let kept = |left: u64, asked: u64| if asked == 0 { 1.0 } else { left as f64 / asked as f64 };
    let kept = kept(memory, free.bytes).min(kept(files, free.files)).min(1.0);
    // At least one of each is needed to serve.
    let lowered = |one: Wanted, least: usize| match one.is_set {
        true => one.count,
        false => ((one.count as f64 * kept) as usize).max(one.count.min(least)),
    };
    let fitted = Counts {
        connections: lowered(wanted.connections, 1),
        requests: lowered(wanted.requests, 1),
        uploads: lowered(wanted.uploads, 1),
        fetches: lowered(wanted.fetches, 1),
        deliveries: lowered(wanted.deliveries, 1),
        images: first_images + lowered(further, 0),
        rest_requests: lowered(wanted.rest_requests, 1),
    };
    refused(stages.needed(fitted), machine).map(|()| fitted)
}

/// An error for each resource of which there is too little.
fn refused(needed: Price, machine: Machine) -> Result<(), ConfigErrors> {
    let mut errors = Vec::new();
    if needed.bytes > machine.memory {
        errors.push(too_little(
            "memory",
            &ByteSize::b(machine.memory).to_string(),
            &ByteSize::b(needed.bytes).to_string(),
        ));
    }
    if needed.files > machine.files {
        errors.push(too_little(
            "open files",
            &machine.files.to_string(),
            &needed.files.to_string(),
        ));
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(ConfigErrors(errors))
    }
}

impl Price {
    fn and(self, other: Self, count: u64) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes.saturating_mul(count)),
            files: self.files.saturating_add(other.files.saturating_mul(count)),
        }
    }
}

/// The stages' and adapters' share in the prices.
#[derive(Clone, Copy)]
pub(super) struct Stages {
    pub(super) scanners: usize,
    /// Bytes of memory that one upload takes in the store.
    pub(super) store: u64,
    /// Bytes of memory that one image takes while it is processed.
    pub(super) image: u64,
    /// Bytes of memory that results of images take, however many are asked for.
    pub(super) shared: u64,
}

impl Stages {
    /// In the order of [`Counts::each`].
    fn prices(self) -> [Price; 7] {
        let upload = UPLOAD.and(SCANNER, self.scanners as u64).and(price(self.store, 0), 1);
        [
            CONNECTION,
            REQUEST,
            upload,
            upload.and(SOURCE, 1),
            DELIVERY,
            price(self.image, 0),
            REST_REQUEST,
        ]
    }

    /// What all of these need together.
    fn needed(self, counts: Counts<usize>) -> Price {
        let each = counts.each().into_iter().zip(self.prices());
        let program = PROGRAM.and(price(self.shared, 0), 1);
        each.fold(program, |sum, (count, price)| sum.and(price, count as u64))
    }
}

fn too_little(what: &str, there: &str, needed: &str) -> ConfigError {
    let how = match what {
        "memory" => "set a larger `memory` in [server]",
        _ => "let the process have more (`LimitNOFILE` of systemd, `ulimit -n` of a shell)",
    };
    let message = format!(
        "the process may have {there} of {what}, and this configuration may need {needed}: {how}, or lower \
         `max_connections` in [server], `max_concurrent_requests` and `max_uploads` in [upload_api], `max_fetches` in [receive], \
         `max_concurrent_requests` in [rest_api], or `max_concurrent_requests`, `max_concurrent_images`, `max_image_size` and \
         `image_cache` in [delivery]"
    );
    ConfigError::at("server", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const STAGES: Stages = Stages {
        scanners: 2,
        store: 256 << 10,
        image: 340 * MIB,
        shared: 64 * MIB,
    };

    fn usual() -> Counts<Wanted> {
        Counts {
            connections: unset(1024),
            requests: unset(512),
            uploads: unset(512),
            fetches: Wanted {
                count: 16,
                is_set: true,
            },
            deliveries: unset(0),
            images: unset(0),
            rest_requests: unset(0),
        }
    }

    fn fitted(wanted: Counts<Wanted>, memory: u64, files: u64) -> Result<[usize; 7], String> {
        let fitted = fit(wanted, STAGES, Machine { memory, files });
        fitted.map(|counts| counts.each()).map_err(|errors| errors.to_string())
    }

    fn unset(count: usize) -> Wanted {
        Wanted { count, is_set: false }
    }

    #[test]
    fn a_usual_machine_keeps_the_usual_numbers() {
        assert_eq!(fitted(usual(), 1164 * MIB, 20_000), Ok([1024, 512, 512, 16, 0, 0, 0]));
        let delivering = Counts {
            deliveries: unset(512),
            images: unset(2),
            rest_requests: unset(64),
            ..usual()
        };
        assert_eq!(
            fitted(delivering, 3200 * MIB, 20_000),
            Ok([1024, 512, 512, 16, 512, 2, 64])
        );
    }

    #[test]
    fn on_a_smaller_machine_all_that_is_not_set_is_lowered_alike() {
        for (memory, files) in [(640 * MIB, 20_000), (1100 * MIB, 1024)] {
            let wanted = usual();
            let counts = fit(wanted, STAGES, Machine { memory, files }).unwrap();
            let connections = counts.connections;
            assert!((100..1000).contains(&connections), "{connections}");
            assert_eq!(
                (counts.requests, counts.uploads, counts.fetches),
                (connections / 2, connections / 2, 16)
            );
            let needed = STAGES.needed(counts);
            assert!(needed.bytes <= memory && needed.files <= files);
        }
    }

    #[test]
    fn one_image_is_processed_on_any_machine_that_has_room_for_it_and_more_if_all_else_fits() {
        let delivering = Counts {
            deliveries: unset(512),
            images: unset(8),
            rest_requests: unset(64),
            ..usual()
        };
        for (memory, images) in [(512 * MIB, 1), (2048 * MIB, 3), (8192 * MIB, 8)] {
            let machine = Machine { memory, files: 20_000 };
            let counts = fit(delivering, STAGES, machine).unwrap();
            assert_eq!(counts.images, images, "{memory}");
            assert!(STAGES.needed(counts).bytes <= memory, "{memory}");
        }
        let images = Wanted { count: 8, is_set: true };
        let refused = fitted(Counts { images, ..delivering }, 2048 * MIB, 20_000).unwrap_err();
        assert!(refused.contains("`max_concurrent_images`"), "{refused}");
    }

    #[test]
    fn what_is_set_is_kept_or_refused() {
        let wanted = Counts {
            uploads: Wanted {
                count: 900,
                is_set: true,
            },
            ..usual()
        };
        assert_eq!(fitted(wanted, 2048 * MIB, 20_000).unwrap()[2], 900);
        assert_eq!(fitted(wanted, 1024 * MIB, 20_000).unwrap()[2], 900);
        let refused = fitted(wanted, 512 * MIB, 20_000).unwrap_err();
        assert!(refused.contains("set a larger `memory` in [server]"), "{refused}");
        let refused = fitted(wanted, 2048 * MIB, 1024).unwrap_err();
        assert!(refused.contains("may have 1024 of open files"), "{refused}");
    }
}
