//! The PostgreSQL store of the notification system: **not there yet**.
//!
//! This crate holds the name and the place. Until it carries a store, several processes cannot share one database; one process uses
//! `notify-store-sqlite`. The store will implement the same `notify_core::Store` and pass the same conformance suites.
