//! The file provider. A folder can only take what it is given: answers that are failures are tested elsewhere.

use super::support::mail::Part;
use super::{fresh_address, mail};
use async_trait::async_trait;
use notify_core::provider::Provider;
use notify_core::testkit::{Answer, ProviderHarness};
use notify_core::{Address, Message};
use notify_providers::file::FileProvider;
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

struct Files {
    folder: TempDir,
    provider: Arc<dyn Provider>,
    is_mbox: bool,
}

impl Files {
    fn directory() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let provider = Arc::new(FileProvider::directory(folder.path()));
        Self {
            folder,
            provider,
            is_mbox: false,
        }
    }

    fn mbox() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let provider = Arc::new(FileProvider::mbox(folder.path().join("mbox")));
        Self {
            folder,
            provider,
            is_mbox: true,
        }
    }

    /// To whom the mails are, in the order of their names or in the order of the mbox.
    fn recipients(&self) -> Vec<String> {
        if self.is_mbox {
            let text = fs::read_to_string(self.folder.path().join("mbox")).unwrap_or_default();
            return text
                .lines()
                .filter_map(|line| line.strip_prefix("To: "))
                .map(str::to_owned)
                .collect();
        }
        let entries = fs::read_dir(self.folder.path()).expect("readable");
        let mut paths: Vec<_> = entries
            .map(|entry| entry.expect("readable").path())
            .collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
        paths.sort();
        let to = |path| Part::parse(&fs::read(path).expect("readable")).header("To");
        paths.into_iter().filter_map(to).collect()
    }
}

#[async_trait]
impl ProviderHarness for Files {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::clone(&self.provider)
    }

    fn message(&self) -> Message {
        mail()
    }

    fn address(&self) -> Address {
        fresh_address()
    }

    async fn script(&self, _: Answer) {}

    async fn asked(&self) -> usize {
        self.recipients().len()
    }

    async fn taken(&self) -> Vec<String> {
        self.recipients()
    }

    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }

    fn can_answer(&self, answer: Answer) -> bool {
        answer == Answer::Accept
    }
}

mod directory {
    use super::*;
    notify_core::provider_tests!(Files::directory());
}

mod mbox {
    use super::*;
    notify_core::provider_tests!(Files::mbox());
}
