//! Disks that are full or cannot be written, files that are damaged, and files that are not free.
//!
//! File systems of their own are mounted for some of these, which takes root: without, they fail and say so.

#![cfg(target_os = "linux")]

mod support;

use notify_core::audit::Actor;
use notify_core::clock::Monotonic;
use notify_core::delivery::{DeliveryStore, EventKind, Frozen};
use notify_core::id::IdGenerator;
use notify_core::orchestrator::WorkerOptions;
use notify_core::queue::{
    Accepted, Begun, CancelOutcome, Claim, KeyHash, LaneClaim, Outcome, Queue, Settled, Settlement,
    Start,
};
use notify_core::recipient::RecipientStore;
use notify_core::store::Store;
use notify_core::testkit::{FakeProvider, StoreHarness};
use notify_core::{
    Category, ChannelId, Content, DeliveryState, Error, ErrorKind, NotificationRequest,
    Orchestrator, Priority, ProviderName, Reason, Recipient, Result, Route,
};
use notify_store_sqlite::{SqliteConfig, SqliteStore};
use sqlx::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use support::{START, Sqlite, claim, item, run, tenant};
use tokio::time::timeout;

/// How long what must happen may take.
const PATIENCE: Duration = Duration::from_secs(20);
const SECOND_PROCESS: &str = "NOTIFY_SECOND_PROCESS";

/// A small file system of its own.
struct Mounted {
    folder: tempfile::TempDir,
    over: Vec<PathBuf>,
}

fn mount(arguments: &[&str], at: &Path) {
    let done = Command::new("mount").args(arguments).arg(at).output();
    let why = match done {
        Ok(done) if done.status.success() => return,
        Ok(done) => String::from_utf8_lossy(&done.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    panic!(
        "cannot mount a file system to fill up: {why}\n\
         run this test as root, in a container that may mount (docker run --privileged), \
         or in a name space of its own: unshare --user --map-root-user --mount cargo test …"
    );
}

impl Mounted {
    fn new(options: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        mount(&["-t", "tmpfs", "-o", options, "tmpfs"], folder.path());
        let over = vec![folder.path().to_owned()];
        Self { folder, over }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn remount(&self, options: &str) {
        mount(&["-o", &format!("remount,{options}")], self.folder.path());
    }

    /// Makes one file or folder in it read-only, also for root.
    fn protect(&mut self, path: &Path) {
        let text = path.to_str().expect("a path in text");
        mount(&["--bind", text], path);
        self.over.push(path.to_owned());
        mount(&["-o", "remount,bind,ro"], path);
    }

    fn unprotect(&mut self) {
        while self.over.len() > 1 {
            unmount(&self.over.pop().expect("there is one"));
        }
    }
}

fn unmount(path: &Path) {
    // Lazily: a connection may still be closing.
    let _ = Command::new("umount").arg("-l").arg(path).status();
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.over.iter().rev().for_each(|path| unmount(path));
    }
}

fn config(harness: &Sqlite, path: &Path) -> SqliteConfig {
    SqliteConfig::new(path)
        .with_clock(harness.clock())
        .with_ballast(0)
}

/// Accepts until there is no room. Answers with how many there are.
async fn fill(store: &SqliteStore, ids: &IdGenerator) -> usize {
    for no in 0..100_000 {
        let mut one = item(ids, &format!("person-{no}"), START);
        one.body = format!(
            "{{\"kind\":\"k\",\"category\":\"c\",\"data\":\"{}\"}}",
            "x".repeat(4_000)
        )
        .into();
        match store.accept(vec![one]).await {
            Ok(answers) => assert_eq!(answers, [Accepted::New]),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Full, "{error:?}");
                return no;
            }
        }
    }
    panic!("a small disk is never full");
}

/// A store that was used and closed.
async fn used(harness: &Sqlite) {
    let (store, ids) = (harness.store().await, IdGenerator::new(1));
    for person in ["ada", "bob", "eve"] {
        store
            .accept(vec![item(&ids, person, START)])
            .await
            .expect("accepted");
    }
    store.close().await;
}

async fn refusal(harness: &Sqlite) -> Error {
    harness.config("a.db").open().await.expect_err("refused")
}

#[tokio::test]
async fn a_full_disk_refuses_what_is_new_keeps_what_is_there_and_records_what_was_sent() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let disk = Mounted::new("size=24m");
    let config = config(&harness, &disk.path("a.db")).with_ballast(6 << 20);
    let store = config.clone().open().await.expect("the store opens");
    let first = item(&ids, "ada", START);
    let id = first.deliveries[0].id;
    store.accept(vec![first]).await.expect("accepted");
    let mut leases = claim(&store, ids.owner(START), START).await;
    let lease = leases.remove(0);

    let stored = fill(&store, &ids).await;
    assert!(stored > 100, "{stored}");
    let half = item(&ids, "half", START);
    let half_id = half.deliveries[0].id;
    let refused = store.accept(vec![half]).await.expect_err("full");
    assert_eq!(refused.kind(), ErrorKind::Full);
    assert!(refused.to_string().contains("make room"));
    let found = DeliveryStore::load(&store, &[half_id])
        .await
        .expect("loaded");
    assert!(found[0].is_none(), "what was refused is not there");

    // The room that was kept is for this.
    let (provider, frozen) = (ProviderName::new("p"), Frozen::default());
    let start = Start {
        lease: &lease,
        provider: &provider,
        frozen: &frozen,
        premises: &[],
        now: START,
    };
    assert_eq!(store.begin(&[start]).await.expect("begun"), [Begun::Go]);
    let sent = Outcome::Finished(DeliveryState::Sent);
    let settlement = Settlement::new(&lease, sent, EventKind::Sent, START);
    assert_eq!(
        store.settle(&[settlement]).await.expect("settled"),
        [Settled::Applied]
    );
    let read = DeliveryStore::load(&store, &[id])
        .await
        .expect("loaded")
        .remove(0);
    assert_eq!(read.expect("found").state, DeliveryState::Sent);

    // There is room again, and nobody has to do anything.
    disk.remount("size=64m");
    harness.pass(Duration::from_secs(2));
    store
        .accept(vec![item(&ids, "ada", START)])
        .await
        .expect("accepted");
    store.close().await;
    let store = config.open().await.expect("opens again");
    let depth = store.depth(START).await.expect("depth");
    assert_eq!(
        depth.iter().map(|lane| lane.ready).sum::<u64>(),
        stored as u64 + 1
    );
}

#[tokio::test]
async fn on_a_full_disk_everything_that_was_accepted_is_sent() {
    let harness = Sqlite::new();
    let disk = Mounted::new("size=24m");
    let config = config(&harness, &disk.path("a.db")).with_ballast(4 << 20);
    let store = config.open().await.expect("the store opens");
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let notify = Orchestrator::builder(store.clone())
        .category(Category::transactional("orders"))
        .provider(mail.clone())
        .worker_options(WorkerOptions::default().with_concurrency(8))
        .build()
        .await
        .expect("builds");
    let request = || {
        NotificationRequest::new("shipped", "orders")
            .with_content(Content::new("Shipped", "x".repeat(4_000)))
            .with_route(Route::to(ChannelId::EMAIL))
    };
    let person = |no: usize| {
        Recipient::new(format!("person-{no}")).with_email(&format!("person-{no}@example.com"))
    };
    let mut accepted = 0;
    loop {
        match notify.send(request(), person(accepted)).await {
            Ok(_) => accepted += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Full, "{error:?}");
                break;
            }
        }
    }
    assert!(accepted > 300, "{accepted}");
    let worker = notify.worker();
    let mut settled = 0;
    while settled < accepted as u64 {
        // Calls that could not be recorded would be tried for ever, by a clock that stands still.
        let turn = timeout(PATIENCE, worker.turn()).await;
        settled += turn.expect("what was sent is recorded").expect("a turn");
    }
    assert_eq!(mail.calls().len(), accepted, "each once");
    assert!(
        notify
            .dead_letters(None, 10)
            .await
            .expect("dead letters")
            .is_empty()
    );
    let depth = store.depth(harness.now()).await.expect("depth");
    assert!(depth.is_empty(), "{depth:?}");
    let refused = notify.send(request(), person(accepted)).await;
    assert_eq!(refused.expect_err("still full").kind(), ErrorKind::Full);
}

#[tokio::test]
async fn a_disk_without_room_for_a_database_is_said_to_be_full() {
    let harness = Sqlite::new();
    let disk = Mounted::new("size=16k");
    let refused = config(&harness, &disk.path("a.db"))
        .open()
        .await
        .expect_err("full");
    assert_eq!(refused.kind(), ErrorKind::Full, "{refused:?}");
    disk.remount("size=32m");
    let store = config(&harness, &disk.path("a.db"))
        .open()
        .await
        .expect("there is room");
    store.check().await.expect("it works");
}

#[tokio::test]
async fn what_cannot_be_written_is_said_to_be_read_only() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let mut disk = Mounted::new("size=32m");
    let (folder, path) = (disk.path("folder"), disk.path("folder/a.db"));
    fs::create_dir(&folder).expect("a folder");
    let store = config(&harness, &path)
        .open()
        .await
        .expect("the store opens");
    store
        .accept(vec![item(&ids, "ada", START)])
        .await
        .expect("accepted");
    store.close().await;
    let before = fs::read(&path).expect("read");
    for what in ["file", "folder", "file system"] {
        match what {
            "file" => disk.protect(&path),
            "folder" => disk.protect(&folder),
            _ => disk.remount("ro"),
        }
        let refused = config(&harness, &path).open().await.expect_err(what);
        assert_eq!(refused.kind(), ErrorKind::ReadOnly, "{what}: {refused:?}");
        assert!(refused.to_string().contains("rights"), "{what}: {refused}");
        disk.unprotect();
    }
    disk.remount("rw");
    assert!(
        fs::read(&path).expect("read") == before,
        "nothing was changed"
    );
    let store = config(&harness, &path)
        .open()
        .await
        .expect("it can be written again");
    assert_eq!(claim(&store, ids.owner(START), START).await.len(), 1);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named_as_a_mistake() {
    let harness = Sqlite::new();
    let refused = harness
        .config("nowhere/a.db")
        .open()
        .await
        .expect_err("refused");
    assert_eq!(refused.kind(), ErrorKind::Config);
    assert!(refused.to_string().contains("folder"), "{refused}");
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    for garbage in [
        &b"not a database, whatever it is called"[..],
        &[0xa5; 100_000],
    ] {
        let harness = Sqlite::new();
        fs::write(harness.path("a.db"), garbage).expect("written");
        let refused = refusal(&harness).await;
        assert_eq!(refused.kind(), ErrorKind::Corrupt, "{refused:?}");
        assert!(fs::read(harness.path("a.db")).expect("read") == garbage);
    }
}

#[tokio::test]
async fn a_file_that_was_cut_off_is_refused_and_left_alone() {
    for tenths in 1..10 {
        let harness = Sqlite::new();
        used(&harness).await;
        let mut bytes = fs::read(harness.path("a.db")).expect("read");
        bytes.truncate(bytes.len() * tenths / 10);
        fs::write(harness.path("a.db"), &bytes).expect("written");
        let refused = refusal(&harness).await;
        assert_eq!(
            refused.kind(),
            ErrorKind::Corrupt,
            "{tenths} tenths: {refused:?}"
        );
        assert!(fs::read(harness.path("a.db")).expect("read") == bytes);
    }
}

#[tokio::test]
async fn tables_that_somebody_changed_are_refused_and_left_alone() {
    for change in [
        "ALTER TABLE notify_queue ADD COLUMN more INTEGER",
        "DROP TABLE notify_words",
        "DROP INDEX notify_deliveries_id",
        "CREATE INDEX notify_more ON notify_queue (owner)",
        "ALTER TABLE notify_deliveries DROP COLUMN read_at",
        "DELETE FROM notify_meta WHERE key = 'schema'",
        "DELETE FROM notify_meta WHERE key = 'pepper'",
        "UPDATE notify_meta SET value = 'x' WHERE key = 'store'",
    ] {
        let harness = Sqlite::new();
        used(&harness).await;
        let mut other = harness.connect("a.db").await;
        // The view stands in the way of some changes, as it is meant to.
        run(&mut other, "DROP VIEW notify_delivery_view").await;
        run(&mut other, change).await;
        other.close().await.expect("closed");
        let before = fs::read(harness.path("a.db")).expect("read");
        for _ in 0..2 {
            let refused = refusal(&harness).await;
            assert_eq!(refused.kind(), ErrorKind::Corrupt, "{change}: {refused:?}");
            assert!(
                fs::read(harness.path("a.db")).expect("read") == before,
                "{change}"
            );
        }
    }
}

#[tokio::test]
async fn a_row_that_does_not_read_back_is_named_and_the_others_are_read() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let (one, two) = (item(&ids, "ada", START), item(&ids, "bob", START));
    let [bad, good] = [one.deliveries[0].id, two.deliveries[0].id];
    store.accept(vec![one, two]).await.expect("accepted");
    let mut other = harness.connect("a.db").await;
    run(
        &mut other,
        "UPDATE notify_deliveries SET state = 77 WHERE recipient = 'ada'",
    )
    .await;
    let refused = DeliveryStore::load(&store, &[bad])
        .await
        .expect_err("refused");
    assert_eq!(refused.kind(), ErrorKind::Corrupt);
    assert!(!refused.to_string().contains("ada"));
    assert!(DeliveryStore::load(&store, &[good]).await.expect("loaded")[0].is_some());
}

/// Uses a store in every way that reads or writes much, and closes it; the first error ends it.
#[tokio::test]
async fn a_job_that_does_not_read_back_is_set_aside_and_the_others_are_lent() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let people = ["ada", "bob", "eve"];
    let items: Vec<_> = people.iter().map(|id| item(&ids, id, START)).collect();
    let broken = items[0].deliveries[0].id;
    store.accept(items).await.expect("accepted");
    let mut other = harness.connect("a.db").await;
    let sql = "UPDATE notify_queue SET frozen = '{' WHERE no = (SELECT min(no) FROM notify_queue)";
    run(&mut other, sql).await;
    assert_eq!(claim(&store, ids.owner(START), START).await.len(), 2);
    let depth = store.depth(START).await.expect("depth");
    assert_eq!((depth[0].poison, depth[0].in_flight), (1, 2));
    // An operator may end it.
    let (reason, actor) = (Reason::Cancelled, Actor::Application);
    let ended = store
        .cancel(&tenant(), &[broken], reason, &actor, START)
        .await;
    assert_eq!(ended.expect("answered"), [CancelOutcome::Cancelled]);
    let depth = store.depth(START).await.expect("depth");
    assert_eq!((depth[0].poison, depth[0].in_flight), (0, 2));
}

#[tokio::test]
async fn a_job_that_was_set_aside_is_lent_once_it_reads_back() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let one = vec![item(&ids, "ada", START)];
    store.accept(one).await.expect("accepted");
    let mut other = harness.connect("a.db").await;
    run(&mut other, "UPDATE notify_queue SET frozen = '{'").await;
    for _ in 0..2 {
        assert!(claim(&store, ids.owner(START), START).await.is_empty());
    }
    run(&mut other, "UPDATE notify_queue SET frozen = NULL").await;
    store.close().await;
    let store = harness.store().await;
    assert_eq!(claim(&store, ids.owner(START), START).await.len(), 1);
}

async fn use_all(store: &SqliteStore) -> Result<()> {
    let ids = IdGenerator::new(2);
    let used = async {
        store.history(&tenant(), &"ada".into(), None, 10).await?;
        store.history_count(&tenant(), &"bob".into()).await?;
        let mut one = item(&ids, "ada", START);
        one.key = Some(KeyHash::from_bytes([1; 32]));
        store.accept(vec![one]).await?;
        let claim = Claim {
            owner: ids.owner(START),
            lanes: vec![LaneClaim {
                priority: Priority::Normal,
                channel: ChannelId::EMAIL,
                limit: 10,
            }],
            now: START,
            asked_at: Monotonic::default(),
            ttl: Duration::from_secs(60),
        };
        for lease in store.claim(&claim).await? {
            let id = lease.job.delivery().expect("a delivery");
            DeliveryStore::load(store, &[id]).await?;
            let end = Outcome::Finished(DeliveryState::Cancelled);
            store
                .settle(&[Settlement::new(&lease, end, EventKind::Cancelled, START)])
                .await?;
            store.timeline(&tenant(), id).await?;
        }
        let people = [Recipient::new("ada")];
        RecipientStore::put(store, &tenant(), &people, &Actor::Application).await?;
        store.check().await
    };
    let ended = used.await;
    store.close().await;
    ended
}

#[tokio::test]
async fn whichever_page_is_damaged_the_answer_is_that_the_file_is_not_intact() {
    let harness = Sqlite::new();
    used(&harness).await;
    let whole = fs::read(harness.path("a.db")).expect("read");
    let size = usize::from(u16::from_be_bytes([whole[16], whole[17]]));
    assert!(size >= 512 && whole.len().is_multiple_of(size), "{size}");
    let (mut noticed, pages) = (0, whole.len() / size);
    for page in 0..pages {
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(harness.path(&format!("a.db{suffix}")));
        }
        let mut damaged = whole.clone();
        // The header of a page says what it is and how many cells it has.
        damaged[page * size..page * size + 16].fill(0xa5);
        fs::write(harness.path("a.db"), &damaged).expect("written");
        let ended = match harness.config("a.db").open().await {
            Ok(store) => use_all(&store).await,
            Err(error) => {
                let left = fs::read(harness.path("a.db")).expect("read");
                assert!(
                    left == damaged,
                    "page {page}: changed by a store that did not open"
                );
                Err(error)
            }
        };
        if let Err(error) = ended {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "page {page}: {error:?}");
            assert!(error.to_string().contains("restore"), "{error}");
            noticed += 1;
        }
    }
    // Pages of rooms that are not used here are not read.
    assert!(noticed > pages / 3, "{noticed} of {pages}");
}

#[tokio::test]
async fn a_second_store_on_the_same_file_is_refused_however_it_is_called() {
    let harness = Sqlite::new();
    let store = harness.store().await;
    std::os::unix::fs::symlink(harness.path("a.db"), harness.path("link.db")).expect("a link");
    fs::create_dir(harness.path("folder")).expect("a folder");
    for name in ["a.db", "folder/../a.db", "link.db"] {
        let refused = config(&harness, &harness.path(name))
            .open()
            .await
            .expect_err(name);
        assert_eq!(refused.kind(), ErrorKind::Config, "{name}");
        assert!(refused.to_string().contains("PostgreSQL"), "{refused}");
    }
    store.check().await.expect("the first is not disturbed");
    // A clone is the same store; the file is free when the last is gone.
    let clone = store.clone();
    store.close().await;
    drop(store);
    assert_eq!(
        clone.check().await.expect_err("closed").kind(),
        ErrorKind::Unavailable
    );
    harness.store().await.check().await.expect("free again");
}

/// Not a test: the second process.
#[tokio::test]
async fn second_process() {
    let Ok(path) = std::env::var(SECOND_PROCESS) else {
        return;
    };
    let refused = SqliteStore::open(path)
        .await
        .expect_err("the first process has it");
    assert_eq!(refused.kind(), ErrorKind::Config);
    assert!(refused.to_string().contains("PostgreSQL"), "{refused}");
    println!("refused as it should be");
}

#[tokio::test]
async fn a_second_process_is_refused_and_told_of_postgresql() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    store
        .accept(vec![item(&ids, "ada", START)])
        .await
        .expect("accepted");
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", "second_process", "--nocapture"]);
    command.env(SECOND_PROCESS, harness.path("a.db"));
    let output = command.output().expect("a second process");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("refused as it should be"),
        "{said}"
    );
    assert_eq!(
        claim(&store, ids.owner(START), START).await.len(),
        1,
        "the first goes on"
    );
}

#[tokio::test]
async fn the_last_handle_closes_the_file() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    store
        .accept(vec![item(&ids, "ada", START)])
        .await
        .expect("accepted");
    drop(store);
    // The writer ends by itself; until then the file is not free.
    let store = loop {
        match harness.config("a.db").open().await {
            Ok(store) => break store,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Config),
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(claim(&store, ids.owner(START), START).await.len(), 1);
    store.close().await;
    let log = fs::metadata(harness.path("a.db-wal"));
    assert!(
        log.map_or(0, |log| log.len()) == 0,
        "a clean stop leaves no log"
    );
}

#[tokio::test]
async fn a_file_that_was_removed_or_replaced_takes_nothing_more() {
    for replaced in [false, true] {
        let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
        let store = harness.store().await;
        store
            .accept(vec![item(&ids, "ada", START)])
            .await
            .expect("accepted");
        for suffix in ["", "-wal", "-shm"] {
            let from = harness.path(&format!("a.db{suffix}"));
            fs::rename(from, harness.path(&format!("moved.db{suffix}"))).expect("moved");
        }
        if replaced {
            fs::write(harness.path("a.db"), b"").expect("written");
        }
        // Nobody would find it again.
        let refused = store
            .accept(vec![item(&ids, "bob", START)])
            .await
            .expect_err("refused");
        assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused:?}");
        assert!(refused.to_string().contains("removed"), "{refused}");
        for suffix in ["", "-wal", "-shm"] {
            let back = harness.path(&format!("a.db{suffix}"));
            fs::rename(harness.path(&format!("moved.db{suffix}")), back).expect("moved");
        }
        let answers = store.accept(vec![item(&ids, "bob", START)]).await;
        assert_eq!(answers.expect("it is back"), [Accepted::New]);
    }
}
