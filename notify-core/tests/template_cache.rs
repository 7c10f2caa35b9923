//! The cache of compiled templates: when it asks the store, what it does when the store fails, and releases.

use async_trait::async_trait;
use notify_core::audit::Actor;
use notify_core::clock::{Clock, Monotonic};
use notify_core::template::{
    CacheOptions, Engine, Partial, Release, ReleaseId, Template, TemplateCache, TemplateFilter,
    TemplateKey, TemplatePage, TemplateSet, TemplateStore, Templates, Translations,
};
use notify_core::{Error, ErrorKind, Locale, Result, TenantId, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// Time that moves when it is told to.
#[derive(Debug)]
struct Hands(watch::Sender<Duration>);

impl Hands {
    fn advance(&self, millis: u64) {
        self.0
            .send_modify(|now| *now += Duration::from_millis(millis));
    }
}

#[async_trait]
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH + *self.0.borrow()
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic::from_start(*self.0.borrow())
    }

    async fn sleep(&self, duration: Duration) {
        let until = *self.0.borrow() + duration;
        let mut hands = self.0.subscribe();
        let _ = hands.wait_for(|now| *now >= until).await;
    }
}

/// A store that counts what it is asked, and can fail or hang.
#[derive(Debug)]
struct Shelf {
    state: Mutex<State>,
    /// Each call takes a permit and gives it back; without permits, calls hang.
    gate: Semaphore,
}

#[derive(Debug, Default)]
struct State {
    revision: u64,
    set: TemplateSet,
    published: HashMap<(TenantId, ReleaseId), TemplateSet>,
    calls: BTreeMap<&'static str, u32>,
    fails: bool,
}

impl Shelf {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            gate: Semaphore::new(1_000),
        })
    }

    fn change(&self, set: TemplateSet) {
        let mut state = self.state.lock().expect("no panic");
        state.set = set;
        state.revision += 1;
    }

    fn fail(&self, fails: bool) {
        self.state.lock().expect("no panic").fails = fails;
    }

    fn calls(&self, name: &str) -> u32 {
        self.state
            .lock()
            .expect("no panic")
            .calls
            .get(name)
            .copied()
            .unwrap_or(0)
    }

    async fn call<T>(&self, name: &'static str, answer: impl FnOnce(&mut State) -> T) -> Result<T> {
        let _permit = self.gate.acquire().await.map_err(|_| gone())?;
        let mut state = self.state.lock().expect("no panic");
        *state.calls.entry(name).or_default() += 1;
        if state.fails {
            Err(gone())
        } else {
            Ok(answer(&mut state))
        }
    }
}

fn gone() -> Error {
    Error::new(ErrorKind::Unavailable, "the store is gone")
}

fn unused<T>() -> Result<T> {
    Err(Error::new(ErrorKind::Unsupported, "not used by the cache"))
}

#[async_trait]
impl TemplateStore for Shelf {
    async fn put(&self, _: &TenantId, _: &Template, _: Option<u64>, _: &Actor) -> Result<Template> {
        unused()
    }

    async fn put_partial(
        &self,
        _: &TenantId,
        _: &Partial,
        _: Option<u64>,
        _: &Actor,
    ) -> Result<Partial> {
        unused()
    }

    async fn put_translations(
        &self,
        _: &TenantId,
        _: &Translations,
        _: Option<u64>,
        _: &Actor,
    ) -> Result<Translations> {
        unused()
    }

    async fn get(&self, _: &TenantId, _: &TemplateKey) -> Result<Option<Template>> {
        unused()
    }

    async fn list(
        &self,
        _: &TenantId,
        _: &TemplateFilter,
        _: &TemplatePage,
    ) -> Result<Vec<Template>> {
        unused()
    }

    async fn delete(&self, _: &TenantId, _: &TemplateKey, _: &Actor) -> Result<bool> {
        unused()
    }

    async fn delete_partial(&self, _: &TenantId, _: &str, _: &Actor) -> Result<bool> {
        unused()
    }

    async fn delete_translations(&self, _: &TenantId, _: &Locale, _: &Actor) -> Result<bool> {
        unused()
    }

    async fn load_all(&self, _: &TenantId) -> Result<TemplateSet> {
        self.call("load_all", |state| state.set.clone()).await
    }

    async fn revision(&self, _: &TenantId) -> Result<u64> {
        self.call("revision", |state| state.revision).await
    }

    async fn publish(&self, tenant: &TenantId, release: &Release) -> Result<()> {
        self.call("publish", |state| {
            let key = (tenant.clone(), release.id());
            state.published.insert(key, release.set().clone());
        })
        .await
    }

    async fn release(&self, tenant: &TenantId, id: ReleaseId) -> Result<Option<TemplateSet>> {
        self.call("release", |state| {
            state.published.get(&(tenant.clone(), id)).cloned()
        })
        .await
    }

    async fn sweep_releases(&self, _: Timestamp, _: Duration) -> Result<u64> {
        unused()
    }
}

fn says(text: &str) -> TemplateSet {
    Templates::new().add(Template::new("t", "sms", "en").with_part("text", text))
}

fn cache(shelf: &Arc<Shelf>, options: CacheOptions) -> (Arc<TemplateCache>, Arc<Hands>) {
    let hands = Arc::new(Hands(watch::channel(Duration::ZERO).0));
    let store: Arc<dyn TemplateStore> = Arc::<Shelf>::clone(shelf);
    let clock: Arc<dyn Clock> = Arc::<Hands>::clone(&hands);
    let cache = TemplateCache::new(says("from files"), Some(store), clock, options);
    (Arc::new(cache.expect("files compile")), hands)
}

fn tenant() -> TenantId {
    TenantId::new("acme")
}

#[tokio::test]
async fn a_change_is_seen_after_the_poll_and_not_before() {
    let shelf = Shelf::new();
    let (cache, hands) = cache(&shelf, CacheOptions::new());
    let files = cache.current(&tenant()).await.expect("loads");
    assert!(
        Arc::ptr_eq(&files, cache.files()),
        "a tenant without templates shares the files' engine"
    );

    shelf.change(says("changed"));
    hands.advance(499);
    let same = cache.current(&tenant()).await.expect("serves");
    assert_eq!(
        (same.release(), shelf.calls("revision")),
        (files.release(), 1)
    );
    hands.advance(1);
    let changed = cache.current(&tenant()).await.expect("reloads");
    assert_eq!(changed.release(), says("changed").release_id());

    hands.advance(500);
    let again = cache.current(&tenant()).await.expect("polls");
    assert!(Arc::ptr_eq(&changed, &again));
    assert_eq!(
        (shelf.calls("revision"), shelf.calls("load_all")),
        (3, 2),
        "nothing changed, nothing read"
    );
}

#[tokio::test]
async fn stored_templates_are_laid_over_files() {
    let shelf = Shelf::new();
    shelf.change(Templates::new().add(Template::new("u", "sms", "en").with_part("text", "x")));
    let (cache, _) = cache(&shelf, CacheOptions::new());
    let engine = cache.current(&tenant()).await.expect("loads");
    assert!(engine.contains(&"t".into()) && engine.contains(&"u".into()));
}

#[tokio::test]
async fn the_old_templates_serve_on_while_the_store_fails_or_hangs() {
    let shelf = Shelf::new();
    let (cache, hands) = cache(&shelf, CacheOptions::new());
    let before = cache.current(&tenant()).await.expect("loads");
    shelf.change(says("changed"));
    shelf.fail(true);
    hands.advance(600);
    assert_eq!(
        cache.current(&tenant()).await.expect("serves").release(),
        before.release()
    );
    assert_eq!(
        cache.current(&tenant()).await.expect("serves").release(),
        before.release()
    );
    assert_eq!(
        shelf.calls("revision"),
        2,
        "a store that fails is not asked at every call"
    );

    shelf.fail(false);
    let permits = shelf.gate.forget_permits(1_000);
    hands.advance(600);
    let hanging = tokio::spawn({
        let cache = Arc::clone(&cache);
        async move {
            cache
                .current(&tenant())
                .await
                .map(|engine| engine.release())
        }
    });
    tokio::task::yield_now().await;
    let other = cache.current(&tenant()).await.expect("others do not wait");
    assert_eq!(other.release(), before.release());
    hands.advance(5_000);
    assert_eq!(
        hanging.await.expect("no panic").expect("serves"),
        before.release()
    );

    shelf.gate.add_permits(permits);
    hands.advance(600);
    let after = cache.current(&tenant()).await.expect("reloads");
    assert_eq!(after.release(), says("changed").release_id());
}

#[tokio::test]
async fn a_first_load_that_fails_is_an_error_until_the_store_is_back() {
    let shelf = Shelf::new();
    shelf.fail(true);
    let (cache, hands) = cache(&shelf, CacheOptions::new());
    for _ in 0..3 {
        let error = cache.current(&tenant()).await.expect_err("cannot know");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    assert_eq!(shelf.calls("revision"), 1, "asked once per poll");
    shelf.fail(false);
    hands.advance(500);
    assert!(cache.current(&tenant()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_load_once() {
    let shelf = Shelf::new();
    shelf.change(says("stored"));
    let (cache, hands) = cache(&shelf, CacheOptions::new());
    for round in 1..=2 {
        let callers: Vec<_> = (0..50)
            .map(|_| {
                let cache = Arc::clone(&cache);
                tokio::spawn(async move { cache.current(&tenant()).await.map(|e| e.release()) })
            })
            .collect();
        for caller in callers {
            assert!(caller.await.expect("no panic").is_ok());
        }
        assert_eq!(
            (shelf.calls("revision"), shelf.calls("load_all")),
            (round, round)
        );
        shelf.change(says("changed"));
        hands.advance(500);
    }
}

#[tokio::test]
async fn a_pinned_release_renders_on_a_host_that_never_saw_it() {
    let shelf = Shelf::new();
    shelf.change(says("old"));
    let (here, _) = cache(&shelf, CacheOptions::new());
    let pinned = here.pinnable(&tenant()).await.expect("loads").release();
    shelf.change(says("new"));
    let (there, _) = cache(&shelf, CacheOptions::new());
    assert_ne!(
        there.current(&tenant()).await.expect("loads").release(),
        pinned
    );
    let engine = there
        .release(&tenant(), pinned)
        .await
        .expect("was published");
    assert_eq!(engine.release(), pinned);
    assert!(there.release(&tenant(), pinned).await.is_ok());
    assert_eq!(shelf.calls("release"), 1, "it is kept");
}

#[tokio::test]
async fn a_release_is_kept_after_a_change_and_the_oldest_is_forgotten() {
    let shelf = Shelf::new();
    let (cache, hands) = cache(&shelf, CacheOptions::new().with_releases(2));
    let mut releases = Vec::new();
    for n in 0..4 {
        shelf.change(says(&format!("version {n}")));
        hands.advance(500);
        releases.push(cache.pinnable(&tenant()).await.expect("loads").release());
    }
    for id in &releases[1..] {
        assert!(cache.release(&tenant(), *id).await.is_ok());
    }
    assert_eq!(shelf.calls("release"), 0);
    assert!(cache.release(&tenant(), releases[0]).await.is_ok());
    assert_eq!(shelf.calls("release"), 1, "the oldest comes from the store");
}

#[tokio::test]
async fn releases_of_other_tenants_are_not_found() {
    let shelf = Shelf::new();
    shelf.change(says("acme's"));
    let (cache, _) = cache(&shelf, CacheOptions::new());
    let id = cache.pinnable(&tenant()).await.expect("loads").release();
    let error = cache
        .release(&TenantId::new("other"), id)
        .await
        .expect_err("not theirs");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_release_that_was_tampered_with_is_corrupt() {
    let shelf = Shelf::new();
    let (cache, _) = cache(&shelf, CacheOptions::new());
    let id = says("what was published").release_id();
    let key = (tenant(), id);
    shelf
        .state
        .lock()
        .expect("no panic")
        .published
        .insert(key, says("something else"));
    let error = cache.release(&tenant(), id).await.expect_err("tampered");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn planning_writes_nothing_and_pinning_publishes_first() {
    let shelf = Shelf::new();
    shelf.change(says("stored"));
    let (cache, _) = cache(&shelf, CacheOptions::new());
    let id = cache.current(&tenant()).await.expect("loads").release();
    assert_eq!(shelf.calls("publish"), 0);
    for _ in 0..3 {
        let engine = cache.pinnable(&tenant()).await.expect("publishes");
        assert_eq!(engine.release(), id);
    }
    assert_eq!(shelf.calls("publish"), 1);
    let state = shelf.state.lock().expect("no panic");
    assert_eq!(state.published.get(&(tenant(), id)), Some(&says("stored")));
}

#[tokio::test]
async fn what_is_in_use_is_published_again_every_day() {
    let shelf = Shelf::new();
    let (cache, hands) = cache(&shelf, CacheOptions::new());
    for (hours, published) in [(0, 1), (23, 1), (1, 2), (12, 2), (12, 3)] {
        hands.advance(hours * 3_600_000);
        cache.pinnable(&tenant()).await.expect("serves");
        assert_eq!(shelf.calls("publish"), published);
    }
    shelf.change(says("changed"));
    hands.advance(500);
    cache.pinnable(&tenant()).await.expect("serves");
    assert_eq!(shelf.calls("publish"), 4, "a new release at once");
}

#[tokio::test]
async fn nothing_is_pinned_to_what_cannot_be_published_and_what_was_serves_on() {
    let shelf = Shelf::new();
    let (cache, hands) = cache(&shelf, CacheOptions::new());
    cache.current(&tenant()).await.expect("loads");
    shelf.fail(true);
    for _ in 0..3 {
        let error = cache.pinnable(&tenant()).await.expect_err("unpublished");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    assert_eq!(shelf.calls("publish"), 1, "asked once per poll");
    shelf.fail(false);
    hands.advance(500);
    cache.pinnable(&tenant()).await.expect("publishes");
    shelf.fail(true);
    hands.advance(2 * 86_400_000);
    cache.pinnable(&tenant()).await.expect("it is there");
}

#[tokio::test]
async fn what_was_just_stored_is_used_by_the_next_call() {
    let shelf = Shelf::new();
    let (cache, hands) = cache(&shelf, CacheOptions::new());
    cache.current(&tenant()).await.expect("loads");
    shelf.change(says("changed"));
    cache.refresh(&tenant()).await;
    let engine = cache.current(&tenant()).await.expect("serves");
    assert_eq!(engine.release(), says("changed").release_id());

    // Also while another caller is reading what was there before.
    hands.advance(500);
    shelf.state.lock().expect("no panic").revision += 1;
    let permits = shelf.gate.forget_permits(1_000);
    let reading = tokio::spawn({
        let cache = Arc::clone(&cache);
        async move {
            cache
                .current(&tenant())
                .await
                .map(|engine| engine.release())
        }
    });
    tokio::task::yield_now().await;
    shelf.change(says("changed again"));
    let refreshing = tokio::spawn({
        let cache = Arc::clone(&cache);
        async move { cache.refresh(&tenant()).await }
    });
    tokio::task::yield_now().await;
    shelf.gate.add_permits(permits);
    refreshing.await.expect("no panic");
    let engine = cache.current(&tenant()).await.expect("serves");
    assert_eq!(engine.release(), says("changed again").release_id());
    assert!(reading.await.expect("no panic").is_ok());

    shelf.fail(true);
    cache.refresh(&tenant()).await;
    let same = cache.current(&tenant()).await.expect("serves on");
    assert_eq!(same.release(), engine.release());
}

#[tokio::test]
async fn a_stored_template_that_cannot_work_does_not_stop_the_others() {
    let shelf = Shelf::new();
    shelf
        .change(Templates::new().add(Template::new("bad", "sms", "en").with_part("text", "{{#if")));
    let (cache, _) = cache(&shelf, CacheOptions::new());
    let engine = cache.current(&tenant()).await.expect("loads");
    assert_eq!(engine.faults().len(), 1);
    assert!(engine.contains(&"t".into()));
}

#[tokio::test]
async fn a_template_is_checked_with_the_partials_of_files_and_store() {
    let shelf = Shelf::new();
    shelf.change(Templates::new().add_partial(Partial::new("stored", "x")));
    let hands = Arc::new(Hands(watch::channel(Duration::ZERO).0));
    let files = Templates::new().add_partial(Partial::new("filed", "x"));
    let cache =
        TemplateCache::new(files, Some(shelf), hands, CacheOptions::new()).expect("compiles");
    let check = async |source| {
        let template = Template::new("t", "sms", "en").with_part("text", source);
        cache.check(&tenant(), &template).await
    };
    assert!(check("{{> stored}}{{> filed}}").await.is_ok());
    assert_eq!(
        check("{{> gone}}").await.expect_err("gone").kind(),
        ErrorKind::Template
    );
}

#[tokio::test]
async fn without_a_store_the_files_are_all_there_is() {
    let clock: Arc<dyn Clock> = Arc::new(Hands(watch::channel(Duration::ZERO).0));
    let cache = TemplateCache::new(says("x"), None, Arc::clone(&clock), CacheOptions::new())
        .expect("compiles");
    let engine = cache.current(&tenant()).await.expect("files");
    assert_eq!(
        engine.release(),
        Engine::compile(&says("x")).expect("compiles").release()
    );
    assert!(cache.release(&tenant(), engine.release()).await.is_ok());
    let unknown = cache
        .release(&tenant(), ReleaseId::from_u128(1))
        .await
        .expect_err("unknown");
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    let broken = TemplateCache::new(says("{{#if"), None, clock, CacheOptions::new());
    assert_eq!(broken.expect_err("broken").kind(), ErrorKind::Template);
}
