//! What only this store's rooms have: exact copies in memory, counters beside rows, statements that find their rows by an index.

mod copies;
mod inboxes;
mod reports;
mod statements;
mod whole;
mod world;
