//! The parameters of a list, the page that they ask for, and the addresses of the pages beside it.

use intake_core::{FileFilter, Order};

use crate::cursor::{Cursor, Place};
use crate::error::ApiError;
use crate::links::Links;

/// The most entries of a page.
const LONGEST_PAGE: usize = 1000;
/// The entries of a page that is asked for without a number.
const USUAL_PAGE: usize = 100;
/// The most bytes of the entries of a page. It is shorter then, and the next one follows.
const MOST_BYTES: usize = 8 << 20;

/// Behind a cursor in `from`: the page ends there, as with `to`. The JavaScript client leaves `to` out of an address.
const BEFORE: &str = "~before";

/// What a client asks of a list.
#[derive(Debug)]
pub(crate) struct ListParams {
    path: &'static str,
    pub(crate) limit: usize,
    order: Order,
    from: Option<Cursor>,
    to: Option<Cursor>,
    /// The end as it was sent, for the next page.
    sent_end: Option<String>,
    /// Which files; `None`: files that are both removed and stored, of which there are none.
    pub(crate) filter: Option<FileFilter>,
    pub(crate) with_appdata: bool,
    /// The parameters that the addresses of other pages repeat, as they were sent.
    repeated: Vec<(String, String)>,
}

impl ListParams {
    /// Reads the query of a list of files.
    pub(crate) fn of_files(query: &str) -> Result<Self, ApiError> {
        Self::read("/files/", "datetime_uploaded", query)
    }

    /// Reads the query of a list of groups.
    pub(crate) fn of_groups(query: &str) -> Result<Self, ApiError> {
        Self::read("/groups/", "datetime_created", query)
    }

    fn read(path: &'static str, ordering: &str, query: &str) -> Result<Self, ApiError> {
        let mut params = Self {
            path,
            limit: USUAL_PAGE,
            order: Order::OldestFirst,
            from: None,
            to: None,
            sent_end: None,
            filter: None,
            with_appdata: false,
            repeated: Vec::new(),
        };
        let (mut stored, mut removed) = (None, false);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let wrong = |expected: &str| ApiError::invalid_param(format!("`{name}` must be {expected}."));
            match &*name {
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=LONGEST_PAGE).contains(limit));
                    params.limit = limit.ok_or_else(|| wrong("a number between 1 and 1000"))?;
                }
                "ordering" => {
                    let (order, field) = match value.strip_prefix('-') {
                        Some(field) => (Order::NewestFirst, field),
                        None => (Order::OldestFirst, &*value),
                    };
                    if field != ordering {
                        return Err(wrong(&format!("`{ordering}` or `-{ordering}`")));
                    }
                    params.order = order;
                }
                "from" | "to" => {
                    let (value, is_end) = match value.strip_suffix(BEFORE) {
                        Some(value) => (value, true),
                        None => (&*value, name == "to"),
                    };
                    let cursor = Cursor::parse(value).ok_or_else(|| wrong("a date and time in ISO 8601"))?;
                    match is_end {
                        true => (params.to, params.sent_end) = (Some(cursor), Some(value.to_owned())),
                        false => params.from = Some(cursor),
                    }
                    continue;
                }
                "offset" if value == "0" => continue,
                "offset" => return Err(wrong("0: pages begin at `from`")),
                "stored" => stored = Some(truth(&value).ok_or_else(|| wrong("a boolean"))?),
                "removed" => removed = truth(&value).ok_or_else(|| wrong("a boolean"))?,
                "include" => params.with_appdata |= value.split(',').any(|name| name.trim() == "appdata"),
                _ => continue,
            }
            params.repeated.push((name.into_owned(), value.into_owned()));
        }
        params.filter = match (removed, stored) {
            (false, None) => Some(FileFilter::Present),
            (false, Some(true)) => Some(FileFilter::Stored),
            (false, Some(false)) => Some(FileFilter::Unstored),
            (true, Some(true)) => None,
            (true, _) => Some(FileFilter::Removed),
        };
        Ok(params)
    }

    /// Whether the page ends before a place instead of beginning behind one: its entries are asked for in the opposite order.
    fn is_backwards(&self) -> bool {
        self.from.is_none() && self.to.is_some()
    }

    /// The order in which the entries of the page are asked for.
    pub(crate) fn order(&self) -> Order {
        match (self.order, self.is_backwards()) {
            (Order::NewestFirst, false) | (Order::OldestFirst, true) => Order::NewestFirst,
            (Order::OldestFirst, false) | (Order::NewestFirst, true) => Order::OldestFirst,
        }
    }

    /// An empty page, and where it begins.
    pub(crate) fn page(&self) -> Page {
        let order = self.order();
        let end = self.to.filter(|_| !self.is_backwards());
        // All entries of the end's own time are beyond it.
        let end = end.map(|end| match end {
            cursor if cursor.has_id() => cursor.behind(order),
            cursor => cursor.behind(reversed(order)),
        });
        Page {
            limit: self.limit,
            order,
            end,
            behind: self.from.or(self.to).map(|cursor| cursor.behind(order)),
            places: Vec::new(),
            entries: Vec::new(),
            bytes: 0,
            skipped: 0,
            stopped: None,
            has_more: false,
        }
    }

    /// The addresses of the next and of the previous page.
    pub(crate) fn beside(&self, page: &Page, links: &Links) -> (Option<String>, Option<String>) {
        let has_begin = self.from.is_some() || self.is_backwards();
        let (first, last) = (page.places.first().copied(), page.places.last().copied());
        let (first, last) = match self.is_backwards() {
            false => (first, page.stopped.or(last)),
            true => (page.stopped.or(first), last),
        };
        let next = last.map(|last| self.address(links, last, ""));
        let previous = first.map(|first| self.address(links, first, BEFORE));
        match self.is_backwards() {
            false => (next.filter(|_| page.has_more), previous.filter(|_| has_begin)),
            true => (next, previous.filter(|_| page.has_more)),
        }
    }

    fn address(&self, links: &Links, place: Place, side: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("from", &format!("{}{side}", Cursor::at(place)));
        if let Some(end) = self
            .sent_end
            .as_ref()
            .filter(|_| side.is_empty() && !self.is_backwards())
        {
            query.append_pair("to", end);
        }
        query.append_pair("offset", "0");
        query.extend_pairs(&self.repeated);
        links.to(&format!("{}?{}", self.path, query.finish()))
    }

    /// Puts the entries into the order that the client asked for.
    pub(crate) fn finish(&self, page: &mut Page) {
        if self.is_backwards() {
            page.places.reverse();
            page.entries.reverse();
        }
    }
}

fn reversed(order: Order) -> Order {
    match order {
        Order::NewestFirst => Order::OldestFirst,
        Order::OldestFirst => Order::NewestFirst,
    }
}

/// A boolean as clients write it.
fn truth(value: &str) -> Option<bool> {
    match value {
        "true" | "True" | "1" => Some(true),
        "false" | "False" | "0" => Some(false),
        _ => None,
    }
}

/// A page while it is made.
#[derive(Debug)]
pub(crate) struct Page {
    limit: usize,
    order: Order,
    end: Option<Place>,
    behind: Option<Place>,
    places: Vec<Place>,
    pub(crate) entries: Vec<String>,
    bytes: usize,
    /// Entries that were passed over.
    skipped: usize,
    /// Where the page ends because too many entries were passed over.
    stopped: Option<Place>,
    has_more: bool,
}

impl Page {
    /// How many entries to ask for next: those that are missing and one more, which shows whether there is another page.
    pub(crate) fn missing(&self) -> usize {
        /// Records that are in memory at a time.
        const PIECE: usize = 100;
        match self.skipped {
            0 => (self.limit - self.entries.len() + 1).min(PIECE),
            // Where entries are passed over, more of them follow.
            _ => PIECE,
        }
    }

    /// Where the next entries are asked for.
    pub(crate) fn behind(&self) -> Option<Place> {
        self.behind
    }

    /// Passes over an entry that is not shown. If false, the page is complete: it is beyond the end, or so many were passed over
    /// that the rest is left to the next page.
    pub(crate) fn skips(&mut self, place: Place) -> bool {
        /// The most entries that one page passes over.
        const MOST: usize = 2_000;
        if self.end.is_some_and(|end| !self.order.follows(end, place)) {
            return false;
        }
        self.behind = Some(place);
        self.skipped += 1;
        if self.skipped >= MOST {
            self.stopped = Some(place);
            self.has_more = true;
        }
        !self.has_more
    }

    /// Whether this entry belongs on the page. If not, the page is complete.
    pub(crate) fn takes(&mut self, place: Place) -> bool {
        if self.end.is_some_and(|end| !self.order.follows(end, place)) {
            return false;
        }
        self.has_more = self.entries.len() == self.limit || self.bytes > MOST_BYTES;
        !self.has_more
    }

    pub(crate) fn push(&mut self, place: Place, entry: String) {
        self.bytes += entry.len();
        self.behind = Some(place);
        self.places.push(place);
        self.entries.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_passes_over_so_many_entries_and_the_next_one_goes_on_there() {
        use std::time::{Duration, UNIX_EPOCH};

        use crate::settings::Settings;

        let params = ListParams::of_files("limit=1").unwrap();
        let mut page = params.page();
        let place = |at: u32| {
            (
                UNIX_EPOCH + Duration::from_secs(u64::from(at)),
                intake_core::UploadId::random(),
            )
        };
        let passed = (1..10_000).take_while(|at| page.skips(place(*at))).count();
        assert_eq!(passed, 1_999);
        let settings =
            Settings::default().with(|settings| settings.base_url = Some("https://api.example.com".to_owned()));
        let client = crate::peer::Client {
            address: None,
            has_tls: true,
        };
        let links = Links::of(&settings, &Default::default(), client);
        let (next, previous) = params.beside(&page, &links);
        assert!(next.unwrap().contains("from=1970-01-01T00%3A33%3A20"), "2,000 seconds");
        assert_eq!(previous, None);
        // Beyond the end nothing is passed over.
        let params = ListParams::of_files("from=1970-01-01T00:00:00Z&to=1970-01-01T00:00:09Z").unwrap();
        let mut page = params.page();
        assert_eq!([8, 9].map(|at| page.skips(place(at))), [true, false]);
    }

    #[test]
    fn parameters_are_read_as_clients_write_them() {
        for (query, filter) in [
            ("", Some(FileFilter::Present)),
            ("removed=false&stored=True", Some(FileFilter::Stored)),
            ("stored=0", Some(FileFilter::Unstored)),
            ("removed=1", Some(FileFilter::Removed)),
            ("removed=true&stored=false", Some(FileFilter::Removed)),
            ("removed=true&stored=true", None),
        ] {
            assert_eq!(ListParams::of_files(query).unwrap().filter, filter, "{query}");
        }
        let params = ListParams::of_files("limit=7&ordering=-datetime_uploaded&include=x,appdata&else=1").unwrap();
        assert_eq!(
            (params.limit, params.order(), params.with_appdata),
            (7, Order::NewestFirst, true)
        );
        for query in [
            "limit=0",
            "limit=1001",
            "limit=x",
            "ordering=size",
            "from=soon",
            "offset=5",
            "stored=maybe",
        ] {
            assert_eq!(ListParams::of_files(query).unwrap_err().status(), 400, "{query}");
        }
    }
}
