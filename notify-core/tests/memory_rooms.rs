//! The store in memory keeps every contract of its rooms; its queue has a test of its own.

use notify_core::testkit::Memory;

notify_core::audit_tests!(Memory::new());
notify_core::health_tests!(Memory::new());
notify_core::inbox_tests!(Memory::new());
notify_core::preference_tests!(Memory::new());
notify_core::privacy_tests!(Memory::new());
notify_core::provider_store_tests!(Memory::new());
notify_core::recipient_tests!(Memory::new());
notify_core::resolver_tests!(Memory::new());
notify_core::suppression_tests!(Memory::new());
notify_core::template_tests!(Memory::new());
