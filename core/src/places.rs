//! Where bytes are: which store, under which key. Every key that the pipeline uses is made here.

use crate::pipeline::Parts;
use crate::stages::Store;
use crate::{Fault, Key, Place, Record, codes};

impl Parts {
    /// The store of a place.
    pub(crate) fn store_at(&self, place: &Place) -> Result<&dyn Store, Fault> {
        let Some(name) = &place.store else {
            return Ok(&*self.store);
        };
        let found = self.stores.iter().find(|(store, _)| store == name);
        found.map(|(_, store)| &**store).ok_or_else(|| {
            let message = format!("no store is called `{name}`; there have to be all in which something is");
            Fault::new(codes::NO_SUCH_STORE, message)
        })
    }

    /// The store in which an upload's bytes are.
    pub(crate) fn store_of(&self, record: &Record) -> Result<&dyn Store, Fault> {
        self.store_at(&record.place)
    }
}

/// The key of an upload's whole content.
pub(crate) fn key_of(record: &Record) -> Key {
    key_at(record, &record.place)
}

/// The same, in another place.
pub(crate) fn key_at(record: &Record, place: &Place) -> Key {
    Key::whole(record.id).behind(place.prefix.as_deref())
}

/// The key of a part of its own.
pub(crate) fn part_key_of(record: &Record, number: u16) -> Key {
    Key::part(record.id, number).behind(record.place.prefix.as_deref())
}
