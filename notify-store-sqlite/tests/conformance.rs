//! The contracts of notify-core, for this store.

mod support;

use support::Sqlite;

notify_core::queue_tests!(Sqlite::new());
notify_core::delivery_tests!(Sqlite::new());
notify_core::feedback_tests!(Sqlite::new());
notify_core::health_tests!(Sqlite::new());
notify_core::digest_tests!(Sqlite::new());
notify_core::schedule_tests!(Sqlite::new());
notify_core::preference_tests!(Sqlite::new());
notify_core::privacy_tests!(Sqlite::new());
notify_core::recipient_tests!(Sqlite::new());
notify_core::suppression_tests!(Sqlite::new());
notify_core::inbox_tests!(Sqlite::new());
notify_core::template_tests!(Sqlite::new());
notify_core::provider_store_tests!(Sqlite::new());
notify_core::audit_tests!(Sqlite::new());
