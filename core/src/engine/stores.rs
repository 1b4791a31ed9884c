//! Finds the store that has the bytes of an upload.

use crate::contract::stages::Store;
use crate::engine::pipeline::Inner;
use crate::record::upload::Record;
use crate::value::codes;
use crate::value::error::Fault;
use crate::value::id::Location;

impl Inner {
    /// The store of a location.
    pub(crate) fn store_at(&self, location: &Location) -> Result<&dyn Store, Fault> {
        let Some(name) = &location.store else {
            return Ok(&*self.store);
        };
        let found = self.stores.iter().find(|(store, _)| store == name);
        found.map(|(_, store)| &**store).ok_or_else(|| {
            let message = format!("no store is called `{name}`; there have to be all in which something is");
            Fault::new(codes::NO_SUCH_STORE, message)
        })
    }

    /// The store that has the bytes of an upload.
    pub(crate) fn store_of(&self, record: &Record) -> Result<&dyn Store, Fault> {
        self.store_at(&record.location)
    }
}
