//! What the writer needs of a database: one transaction at a time, in few steps however many changes there are.

use crate::accounting::{Balance, LockedAccount, Written};
use crate::change::Change;
use crate::failure::Failure;
use crate::rows::RowChanges;

/// Why a transaction was not made.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The database refuses something in it, and would refuse it again. Nothing was changed.
    Refused(Failure),
    /// Nothing was changed, and the transaction may succeed on another connection within moments.
    Fleeting(Failure),
    /// The transaction failed. If that was its commit, it is unknown whether it was made.
    Whole(Failure),
}

impl Trouble {
    /// The same, as trouble of the whole transaction and its connection.
    pub(crate) fn of_all(self) -> Self {
        match self {
            Self::Refused(failure) => Self::Whole(failure),
            other => other,
        }
    }
}

/// What a transaction has locked.
#[derive(Debug, Default)]
pub(crate) struct Locked {
    /// The accounts, in the order of their names. Those that did not exist were created with their end.
    pub(crate) accounts: Vec<LockedAccount>,
    /// The revisions of the rows that exist, in the order of their ids.
    pub(crate) revisions: Vec<(String, i64)>,
}

/// A connection that writes. After [`Trouble`] it has to be [rolled back](Self::rollback) or dropped.
pub(crate) trait Session: Send + Sized + 'static {
    /// Begins a transaction that is going to write, and whose commit is durable.
    fn begin(&mut self) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Locks accounts and then records until the transaction ends, each in their order: see [`Locked`].
    fn lock(
        &mut self,
        names: &[(&str, Option<i64>)],
        ids: &[&str],
    ) -> impl Future<Output = Result<Locked, Trouble>> + Send;

    /// Makes a change that is not about records, and returns how many rows it changed.
    fn make(&mut self, change: &Change) -> impl Future<Output = Result<u64, Trouble>> + Send;

    /// Writes rows whose revisions were locked, the balances of locked accounts, and the usage of days.
    fn write(
        &mut self,
        changes: &RowChanges<'_>,
        written: &Written<'_>,
    ) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Ends the transaction durably. Any failure is [`Trouble::Whole`]: its outcome is unknown.
    fn commit(&mut self) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Ends the transaction without a change.
    fn rollback(&mut self) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Closes the connection, and answers whether that was done properly.
    fn close(self) -> impl Future<Output = bool> + Send;
}

/// The balance of an account as parameters of a statement.
pub(crate) fn values<'a>(balance: &Balance<'a>) -> (&'a str, i64, i64, Option<i64>) {
    (balance.name, balance.bytes, balance.files, balance.until)
}
