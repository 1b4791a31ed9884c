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
                    let place = if is_end { &mut params.to } else { &mut params.from };
                    *place = Some(cursor);
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
            has_more: false,
        }
    }

    /// The addresses of the next and of the previous page.
    pub(crate) fn beside(&self, page: &Page, links: &Links) -> (Option<String>, Option<String>) {
        let has_begin = self.from.is_some() || self.is_backwards();
        let (first, last) = (page.places.first().copied(), page.places.last().copied());
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
    has_more: bool,
}

impl Page {
    /// How many entries to ask for next: those that are missing and one more, which shows whether there is another page.
    pub(crate) fn missing(&self) -> usize {
        /// Records that are in memory at a time.
        const PIECE: usize = 100;
        (self.limit - self.entries.len() + 1).min(PIECE)
    }

    /// Where the next entries are asked for.
    pub(crate) fn behind(&self) -> Option<Place> {
        self.behind
    }

    /// Passes over an entry that is not shown.
    pub(crate) fn skip(&mut self, place: Place) {
        self.behind = Some(place);
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
