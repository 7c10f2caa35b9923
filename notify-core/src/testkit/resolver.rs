//! The contract of [`RecipientResolver`], clause by clause.

use async_trait::async_trait;
use std::sync::Arc;

use crate::audit::Actor;
use crate::id::{RecipientId, TenantId};
use crate::recipient::{Recipient, RecipientResolver};
use crate::testkit::world::at_once;
use crate::testkit::{StoreHarness, clauses, sample};

/// Opens one implementation of [`RecipientResolver`] for one test. Every [`StoreHarness`] whose store
/// keeps recipients is one; an application that has a table of users writes its own.
#[async_trait]
pub trait ResolverHarness: Send + Sync {
    /// A resolver that knows these recipients and nobody else. Asked once for each harness.
    async fn resolver(&self, known: &[(TenantId, Recipient)]) -> Arc<dyn RecipientResolver>;
}

#[async_trait]
impl<H: StoreHarness + ?Sized> ResolverHarness for H {
    async fn resolver(&self, known: &[(TenantId, Recipient)]) -> Arc<dyn RecipientResolver> {
        let store = self.open().await;
        let table = Arc::clone(&store)
            .recipients()
            .expect("the store keeps recipients");
        for (tenant, recipient) in known {
            let put = table
                .put(tenant, std::slice::from_ref(recipient), &Actor::Application)
                .await;
            put.expect("is stored");
        }
        store
    }
}

clauses! {
    /// One test for each clause of [`RecipientResolver`](crate::recipient::RecipientResolver). Takes an
    /// expression that makes a [`ResolverHarness`](crate::testkit::resolver::ResolverHarness);
    /// every [`StoreHarness`](crate::testkit::StoreHarness) is one.
    macro $ resolver_tests for resolver: dyn ResolverHarness {
        the_answer_has_one_entry_for_each_id_in_order,
        an_id_that_is_asked_twice_is_answered_twice,
        an_unknown_id_is_none_and_no_error,
        nobody_asked_for_is_nobody_found,
        a_recipient_of_another_tenant_is_never_returned,
        addresses_come_in_their_order,
        ids_are_compared_exactly,
        many_are_found_in_one_call,
        callers_at_the_same_time_get_their_own_answers,
    }
}

async fn knowing(harness: &dyn ResolverHarness, ids: &[&str]) -> Arc<dyn RecipientResolver> {
    let known: Vec<_> = ids
        .iter()
        .map(|id| (sample::tenant(), sample::recipient(id)))
        .collect();
    harness.resolver(&known).await
}

/// Who was found for these ids, by their own id.
async fn found(resolver: &dyn RecipientResolver, ids: &[&str]) -> Vec<Option<String>> {
    let asked: Vec<_> = ids.iter().map(|id| RecipientId::from(*id)).collect();
    let answer = resolver
        .resolve(&sample::tenant(), &asked)
        .await
        .expect("resolves");
    answer
        .iter()
        .map(|found| found.as_ref().map(|found| found.id().to_string()))
        .collect()
}

fn some(ids: &[&str]) -> Vec<Option<String>> {
    ids.iter().map(|id| Some((*id).to_owned())).collect()
}

async fn the_answer_has_one_entry_for_each_id_in_order(harness: &dyn ResolverHarness) {
    let resolver = knowing(harness, &["a", "b", "c"]).await;
    assert_eq!(
        found(&*resolver, &["c", "a", "b"]).await,
        some(&["c", "a", "b"])
    );
    let mixed = found(&*resolver, &["unknown", "b", "unknown too", "a"]).await;
    assert_eq!(
        mixed,
        [None, Some("b".to_owned()), None, Some("a".to_owned())]
    );
}

async fn an_id_that_is_asked_twice_is_answered_twice(harness: &dyn ResolverHarness) {
    let resolver = knowing(harness, &["a", "b"]).await;
    assert_eq!(
        found(&*resolver, &["a", "b", "a", "a"]).await,
        some(&["a", "b", "a", "a"])
    );
}

async fn an_unknown_id_is_none_and_no_error(harness: &dyn ResolverHarness) {
    let resolver = knowing(harness, &[]).await;
    assert_eq!(found(&*resolver, &["a"]).await, [None]);
}

async fn nobody_asked_for_is_nobody_found(harness: &dyn ResolverHarness) {
    let resolver = knowing(harness, &["a"]).await;
    assert!(found(&*resolver, &[]).await.is_empty());
}

async fn a_recipient_of_another_tenant_is_never_returned(harness: &dyn ResolverHarness) {
    let theirs = sample::recipient("b").with_email("theirs@example.com");
    let known = [
        (sample::other_tenant(), sample::recipient("a")),
        (sample::tenant(), sample::recipient("b")),
        (sample::other_tenant(), theirs.clone()),
    ];
    let resolver = harness.resolver(&known).await;
    assert_eq!(
        found(&*resolver, &["a", "b"]).await,
        [None, Some("b".to_owned())]
    );
    for (tenant, expected) in [
        (sample::tenant(), &known[1].1),
        (sample::other_tenant(), &theirs),
    ] {
        let answer = resolver
            .resolve(&tenant, &[RecipientId::new("b")])
            .await
            .expect("resolves");
        let answer = answer[0].as_ref().expect("is known");
        assert_eq!(
            answer.addresses(),
            expected.addresses(),
            "two tenants know another b each"
        );
    }
}

async fn addresses_come_in_their_order(harness: &dyn ResolverHarness) {
    let ada = Recipient::new("ada")
        .with_email("z@example.com")
        .with_phone("+15550100")
        .with_email("a@example.com")
        .with_phone("+15550099");
    let resolver = harness.resolver(&[(sample::tenant(), ada.clone())]).await;
    let ids = [RecipientId::new("ada")];
    let answer = resolver
        .resolve(&sample::tenant(), &ids)
        .await
        .expect("resolves");
    let answer = answer[0].as_ref().expect("is known");
    assert_eq!(
        answer.addresses(),
        ada.addresses(),
        "the preferred one of each kind is first"
    );
}

async fn ids_are_compared_exactly(harness: &dyn ResolverHarness) {
    let ids = sample::strange_ids();
    let (known, unknown): (Vec<_>, Vec<_>) = ids.iter().enumerate().partition(|(n, _)| n % 2 == 0);
    let known: Vec<_> = known.into_iter().map(|(_, id)| id.as_str()).collect();
    let unknown: Vec<_> = unknown.into_iter().map(|(_, id)| id.as_str()).collect();
    let resolver = knowing(harness, &known).await;
    assert_eq!(found(&*resolver, &known).await, some(&known));
    let nobody = vec![None; unknown.len()];
    assert_eq!(found(&*resolver, &unknown).await, nobody, "of {unknown:?}");
}

async fn many_are_found_in_one_call(harness: &dyn ResolverHarness) {
    let resolver = knowing(harness, &["a"]).await;
    let ids: Vec<_> = (0..2_000)
        .map(|n| {
            if n == 1_500 {
                "a".to_owned()
            } else {
                format!("unknown {n}")
            }
        })
        .collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let answer = found(&*resolver, &ids).await;
    assert_eq!(answer.len(), ids.len());
    let places: Vec<_> = (0..answer.len()).filter(|n| answer[*n].is_some()).collect();
    assert_eq!(places, [1_500]);
}

async fn callers_at_the_same_time_get_their_own_answers(harness: &dyn ResolverHarness) {
    let names: Vec<_> = (0..8).map(|n| format!("r{n}")).collect();
    let ids: Vec<_> = names.iter().map(String::as_str).collect();
    let resolver = knowing(harness, &ids).await;
    let ask = |n: usize| {
        let (resolver, name) = (Arc::clone(&resolver), names[n].clone());
        async move { found(&*resolver, &[&name, "unknown"]).await }
    };
    for (name, answer) in names.iter().zip(at_once(8, ask).await) {
        assert_eq!(answer, [Some(name.clone()), None]);
    }
}
