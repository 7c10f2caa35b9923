//! What can go wrong with HTTP itself, for each vendor the same.

use super::{Vendor, envelope_at, wait_of};
use crate::support::certificate::Flaw;
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::provider::{Envelope, Fault, FaultKind, Provider, Receipt};
use notify_core::testkit::block_on;
use std::sync::Arc;
use std::time::Duration;

/// One case, and what checks it.
pub type Case = (&'static str, fn());

macro_rules! cases {
    ($d:tt $($case:ident),+ $(,)?) => {
        /// All cases of one vendor.
        pub fn all<V: Vendor>() -> Vec<Case> {
            vec![$((stringify!($case), || block_on($case::<V>()))),+]
        }

        /// One test for each clause of providers and for each case of HTTP.
        macro_rules! vendor_suite {
            ($d vendor:ty) => {
                notify_core::provider_tests!($crate::suite::Harness::<$d vendor>::new());

                mod http {
                    use super::*;
                    $(#[test]
                    fn $case() {
                        let all = $crate::suite::cases::all::<$d vendor>();
                        let case = all.iter().find(|(name, _)| *name == stringify!($case));
                        case.expect("made from the same names").1();
                    })+
                }
            };
        }
        pub(crate) use vendor_suite;
    };
}

cases! { $
    a_429_that_is_a_page_is_a_limit,
    a_cut_no_is_still_a_no,
    a_cut_yes_is_never_a_failure,
    a_foreign_certificate_is_for_an_operator,
    a_gateway_in_between_is_an_outage,
    a_limit_as_a_date_is_read,
    a_limit_of_a_year_is_bounded,
    a_no_of_any_size_is_read_within_bounds,
    a_redirect_is_not_followed,
    a_request_time_out_is_the_providers,
    a_slow_answer_within_the_time_is_taken,
    a_yes_of_any_size_ends,
    an_answer_that_dribbles_past_the_time_is_unknown,
    an_empty_no_goes_by_its_status,
    an_expired_certificate_is_for_an_operator,
    an_unknown_status_is_never_a_yes,
    every_row_of_the_table_is_the_fault_it_says,
    nobody_listening_is_definite,
    the_client_says_its_name_and_a_length,
}

struct World<V> {
    fake: FakeVendor,
    provider: Arc<dyn Provider>,
    vendor: std::marker::PhantomData<V>,
}

impl<V: Vendor> World<V> {
    /// A vendor that answers every message so.
    fn answering(reply: Reply) -> Self {
        Self::serving(move |_| reply.clone())
    }

    /// A vendor that takes every message.
    fn taking() -> Self {
        Self::serving(|request| V::accept(request, &["id-1".to_owned()]))
    }

    fn serving(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let script = move |request: &Request| V::aside(request).unwrap_or_else(|| script(request));
        Self::before(if V::HTTP2 {
            FakeVendor::start_http2(script)
        } else {
            FakeVendor::start(script)
        })
    }

    fn before(fake: FakeVendor) -> Self {
        Self {
            provider: V::provider(&fake).expect("builds"),
            fake,
            vendor: std::marker::PhantomData,
        }
    }

    async fn send(&self) -> Result<Receipt, Fault> {
        self.provider.send(&envelope_at::<V>(&self.fake, 0)).await
    }

    /// The same within 300 ms.
    async fn send_in_time(&self) -> Result<Receipt, Fault> {
        let mut envelope = envelope_at::<V>(&self.fake, 0);
        envelope.timeout = Duration::from_millis(300);
        self.provider.send(&envelope).await
    }

    /// The requests that carried a message.
    fn messages(&self) -> Vec<Request> {
        let mut requests = self.fake.requests();
        requests.retain(|request| V::aside(request).is_none());
        requests
    }
}

/// The fault of a message that is answered so.
async fn fault_of<V: Vendor>(reply: Reply) -> Fault {
    let world = World::<V>::answering(reply);
    let fault = world.send().await.expect_err("it is no yes");
    assert_eq!(world.messages().len(), 1, "one attempt");
    fault
}

/// The same, of which only the kind counts: a vendor's table may know more codes.
async fn kind_of<V: Vendor>(reply: Reply) -> &'static str {
    fault_of::<V>(reply).await.kind().as_str()
}

async fn a_429_that_is_a_page_is_a_limit<V: Vendor>() {
    let reply = Reply::html(429).header("retry-after", "7");
    let fault = fault_of::<V>(reply).await;
    assert_eq!(fault.kind().as_str(), "provider", "{fault}");
    assert_eq!(wait_of(fault.kind()), Some(Duration::from_secs(7)));
}

async fn a_limit_as_a_date_is_read<V: Vendor>() {
    // Long ago: the shortest wait.
    let reply = Reply::status(429).header("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT");
    let fault = fault_of::<V>(reply).await;
    assert_eq!(
        wait_of(fault.kind()),
        Some(Duration::from_secs(1)),
        "{fault}"
    );
}

async fn a_limit_of_a_year_is_bounded<V: Vendor>() {
    let reply = Reply::status(503).header("retry-after", "31536000");
    let fault = fault_of::<V>(reply).await;
    let day = Duration::from_secs(86_400);
    assert_eq!(wait_of(fault.kind()), Some(day), "{fault}");
}

async fn a_gateway_in_between_is_an_outage<V: Vendor>() {
    for status in [500, 502, 503, 504] {
        assert_eq!(
            kind_of::<V>(Reply::html(status)).await,
            "provider",
            "{status}"
        );
    }
}

async fn a_request_time_out_is_the_providers<V: Vendor>() {
    for status in [408, 425] {
        assert_eq!(
            kind_of::<V>(Reply::status(status)).await,
            "provider",
            "{status}"
        );
    }
}

async fn a_redirect_is_not_followed<V: Vendor>() {
    let elsewhere = FakeVendor::start(|_| Reply::status(200));
    for status in [301, 302, 307, 308] {
        let reply = Reply::status(status).header("location", &elsewhere.url());
        let kind = V::kind_of_status(status);
        assert_eq!(kind_of::<V>(reply).await, kind, "{status}");
    }
    assert!(
        elsewhere.requests().is_empty(),
        "credentials went elsewhere"
    );
}

async fn an_empty_no_goes_by_its_status<V: Vendor>() {
    for status in [400, 401, 413, 500] {
        let kind = V::kind_of_status(status);
        assert_eq!(kind_of::<V>(Reply::status(status)).await, kind, "{status}");
    }
}

async fn an_unknown_status_is_never_a_yes<V: Vendor>() {
    for status in [418, 451, 511, 599, 999] {
        let fault = fault_of::<V>(Reply::status(status)).await;
        assert!(fault.code().len() > 1, "{status}: {fault}");
    }
}

/// A yes by status or headers alone stays one; what has to be read is unknown.
async fn a_cut_yes_is_never_a_failure<V: Vendor>() {
    let world = World::<V>::serving(|request| {
        let reply = V::accept(request, &["id-1".to_owned()]);
        if reply.is_empty() {
            reply
        } else {
            reply.cut_after(1)
        }
    });
    if let Err(fault) = world.send().await {
        assert_eq!(fault.kind(), FaultKind::Unknown, "{fault}");
    }
}

async fn a_cut_no_is_still_a_no<V: Vendor>() {
    for status in [401, 503] {
        let kind = V::kind_of_status(status);
        let reply = Reply::html(status).cut_after(5);
        assert_eq!(kind_of::<V>(reply).await, kind, "{status}");
    }
}

async fn a_no_of_any_size_is_read_within_bounds<V: Vendor>() {
    assert_eq!(kind_of::<V>(Reply::huge(503, 20 << 20)).await, "provider");
}

async fn a_yes_of_any_size_ends<V: Vendor>() {
    let world = World::<V>::answering(Reply::huge(200, 20 << 20));
    if let Err(fault) = world.send().await {
        assert_eq!(fault.kind(), FaultKind::Unknown, "{fault}");
    }
}

async fn a_slow_answer_within_the_time_is_taken<V: Vendor>() {
    let world = World::<V>::serving(|request| {
        V::accept(request, &["id-1".to_owned()]).after(Duration::from_millis(100))
    });
    world.send().await.expect("is taken");
}

async fn an_answer_that_dribbles_past_the_time_is_unknown<V: Vendor>() {
    let reply = Reply::html(200).dribbled(Duration::from_millis(100));
    let world = World::<V>::answering(reply);
    let fault = world.send_in_time().await.expect_err("time is up");
    assert_eq!(fault, Fault::unknown("timeout"));
}

async fn a_foreign_certificate_is_for_an_operator<V: Vendor>() {
    assert_eq!(
        certificate::<V>(Flaw::WrongHost).await,
        V::untrusted("tls_wrong_host")
    );
}

async fn an_expired_certificate_is_for_an_operator<V: Vendor>() {
    assert_eq!(
        certificate::<V>(Flaw::Expired).await,
        V::untrusted("tls_expired")
    );
}

async fn certificate<V: Vendor>(flaw: Flaw) -> Fault {
    let protocol = if V::HTTP2 { "h2" } else { "http/1.1" };
    let fake = FakeVendor::with_certificate(flaw, &[protocol], |_| Reply::status(200));
    let world = World::<V>::before(fake);
    let envelope: Envelope = envelope_at::<V>(&world.fake, 0);
    let fault = world
        .provider
        .send(&envelope)
        .await
        .expect_err("not trusted");
    assert!(envelope.progress.nothing_written());
    assert!(world.fake.requests().is_empty());
    fault
}

async fn nobody_listening_is_definite<V: Vendor>() {
    let world = World::<V>::taking();
    let World { fake, provider, .. } = world;
    let envelope = envelope_at::<V>(&fake, 0);
    fake.stop().await;
    let fault = provider.send(&envelope).await.expect_err("nobody is there");
    assert_eq!(fault, Fault::provider("connect"));
    assert!(envelope.progress.nothing_written());
}

async fn the_client_says_its_name_and_a_length<V: Vendor>() {
    let world = World::<V>::taking();
    world.send().await.expect("is taken");
    for request in world.fake.requests() {
        let agent = request.header("user-agent").expect("a name");
        assert!(agent.starts_with("notify-providers/"), "{agent}");
        if !request.body.is_empty() {
            let length = request.header("content-length");
            assert_eq!(length, Some(request.body.len().to_string().as_str()));
        }
    }
}

async fn every_row_of_the_table_is_the_fault_it_says<V: Vendor>() {
    let table = V::table();
    assert!(!table.is_empty(), "the vendor's documentation has refusals");
    for (no, case) in table.into_iter().enumerate() {
        let fault = fault_of::<V>(case.reply).await;
        let found = (fault.kind().as_str(), fault.code());
        assert_eq!(found, (case.kind, case.code), "row {no}");
        if case.wait.is_some() {
            assert_eq!(wait_of(fault.kind()), case.wait, "row {no}");
        }
    }
}
