//! Orders and shares of random routings, and what texts of composed DSNs mean.

use super::*;
use crate::id::ChannelId;
use crate::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use async_trait::async_trait;
use proptest::prelude::*;
use std::collections::BTreeMap;

const FREE: &dyn Fn(&ProviderName) -> Option<u64> = &|_| None;

fn words(order: &[ProviderName]) -> Vec<&str> {
    order.iter().map(ProviderName::as_str).collect()
}

/// How often each provider is asked first.
fn shares(routing: &Routing, turns: impl Iterator<Item = u64>) -> BTreeMap<String, f64> {
    let mut counts = BTreeMap::new();
    let mut total = 0.0;
    for turn in turns {
        *counts
            .entry(routing.order(turn, FREE)[0].to_string())
            .or_insert(0.0) += 1.0;
        total += 1.0;
    }
    counts.values_mut().for_each(|count| *count /= total);
    counts
}

#[test]
fn failover_asks_in_the_order_given() {
    let routing = Routing::failover(["a", "b", "c"].map(Routing::one));
    assert!((0..50).all(|turn| words(&routing.order(turn, FREE)) == ["a", "b", "c"]));
}

#[test]
fn what_cannot_take_the_load_of_a_broken_provider_alone_shares_it() {
    let routing =
        Routing::spread([(6, "a"), (3, "b"), (1, "c")].map(|(w, n)| (w, Routing::one(n))));
    let mut seconds = BTreeMap::new();
    for turn in 0..20_000 {
        let order = routing.order(turn, FREE);
        if order[0] == "a" {
            *seconds.entry(order[1].to_string()).or_insert(0) += 1;
        }
    }
    let share = f64::from(seconds["b"]) / f64::from(seconds["b"] + seconds["c"]);
    assert!(
        (share - 0.75).abs() < 0.02,
        "b and c stand in three to one, not {share}"
    );
}

#[test]
fn two_spreads_in_a_row_are_independent() {
    let half = |a, b| Routing::spread([(1, Routing::one(a)), (1, Routing::one(b))]);
    let routing = Routing::failover([half("a", "b"), half("c", "d")]);
    let both = (0..10_000).filter(|turn| {
        let order = routing.order(*turn, FREE);
        order[0] == "a" && order[2] == "c"
    });
    assert!((2_300..2_700).contains(&both.count()));
}

#[test]
fn a_weight_of_zero_is_a_last_resort() {
    let routing = Routing::spread([(0, Routing::one("spare")), (1, Routing::one("main"))]);
    assert!((0..1_000).all(|turn| words(&routing.order(turn, FREE)) == ["main", "spare"]));
}

#[test]
fn the_cheapest_is_asked_first_and_one_without_a_price_last() {
    let pair = Routing::failover([Routing::one("dear"), Routing::one("cheap")]);
    let routing = Routing::cheapest([Routing::one("unknown"), Routing::one("middle"), pair]);
    let prices = |name: &ProviderName| match name.as_str() {
        "cheap" => Some(1),
        "middle" => Some(5),
        "dear" => Some(9),
        _ => None,
    };
    assert_eq!(
        words(&routing.order(3, &prices)),
        ["dear", "cheap", "middle", "unknown"]
    );
    assert_eq!(
        words(&routing.order(3, FREE)),
        ["unknown", "middle", "dear", "cheap"]
    );
}

#[test]
fn turns_of_deliveries_made_in_the_same_moment_are_spread_too() {
    let routing = Routing::spread([(1, Routing::one("a")), (1, Routing::one("b"))]);
    let ids = crate::id::IdGenerator::new(1);
    let now = crate::clock::Timestamp::from_micros(1_700_000_000_000_000);
    let turns = (0..10_000).map(|_| Routing::turn(ids.delivery(now)));
    assert!((shares(&routing, turns)["a"] - 0.5).abs() < 0.03);
}

#[test]
fn impossible_routings_are_refused() {
    let deep = (0..8).fold(Routing::one("a"), |inner, _| Routing::failover([inner]));
    let many = Routing::failover((0..65).map(|n| Routing::one(n.to_string())));
    for routing in [
        Routing::failover([]),
        Routing::cheapest([Routing::spread([])]),
        Routing::spread([(0, Routing::one("a"))]),
        Routing::failover([Routing::one("a"), Routing::one("a")]),
        Routing::one(""),
        deep,
        many,
    ] {
        let error = routing.validate().expect_err("impossible");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(routing.order(1, FREE).len() <= 65, "and yet nothing panics");
    }
}

#[test]
fn a_routing_reads_back_from_json() {
    let routing = Routing::failover([
        Routing::spread([(3, Routing::one("a")), (1, Routing::one("b"))]),
        Routing::cheapest([Routing::one("c")]),
    ]);
    let json = serde_json::to_string(&routing).expect("serialises");
    let expected =
        r#"{"failover":[{"spread":[[3,{"one":"a"}],[1,{"one":"b"}]]},{"cheapest":[{"one":"c"}]}]}"#;
    assert_eq!(json, expected);
    assert_eq!(
        serde_json::from_str::<Routing>(&json).expect("reads"),
        routing
    );
}

#[derive(Debug)]
struct Named(ProviderName, Capabilities);

#[async_trait]
impl Provider for Named {
    fn name(&self) -> &ProviderName {
        &self.0
    }

    fn capabilities(&self) -> &Capabilities {
        &self.1
    }

    async fn send(&self, _: &Envelope) -> Result<Receipt, Fault> {
        Ok(Receipt::new())
    }
}

/// `x://user:password@name`.
fn schemes() -> Schemes {
    let make = |dsn: &str| match dsn.rsplit_once('@') {
        Some((_, name)) if !name.is_empty() => Ok(Named(
            name.into(),
            Capabilities::for_channel(ChannelId::SMS),
        )),
        _ => Err(Error::invalid("from", format!("cannot read {dsn}")).source(dsn.to_owned())),
    };
    Schemes::new().with("x", make).with("Y+z", make)
}

#[test]
fn alternatives_bind_weaker_than_shares() {
    let (routing, providers) = schemes()
        .parse("x://@a ||  Y+Z://@b && 3*x://@c\n|| x://@d")
        .expect("good");
    let shared = Routing::spread([(1, Routing::one("b")), (3, Routing::one("c"))]);
    assert_eq!(
        routing,
        Routing::failover([Routing::one("a"), shared, Routing::one("d")])
    );
    let names: Vec<_> = providers.iter().map(|made| made.name().as_str()).collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
}

#[test]
fn operators_without_spaces_belong_to_the_password() {
    let (routing, _) = schemes().parse("x://u:a&&b||2*c@a").expect("one dsn");
    assert_eq!(routing, Routing::one("a"));
}

#[test]
fn two_accounts_of_one_vendor_are_told_apart_by_name() {
    let text = "x://:pa#ss@a || x://@a#a-2 && x://@a#3";
    let (routing, providers) = schemes().parse(text).expect("named");
    let names: Vec<_> = providers.iter().map(|made| made.name().as_str()).collect();
    assert_eq!(names, ["a", "a-2", "3"]);
    assert_eq!(routing.providers(), names);
    assert!(
        providers
            .iter()
            .all(|made| made.capabilities().serves(&ChannelId::SMS))
    );
    let error = schemes()
        .parse("x://@a || x://@a")
        .expect_err("not told apart");
    assert_eq!(
        error.to_string(),
        "two providers are called `a`: add `#name` to one"
    );
}

#[test]
fn a_bad_text_is_refused_and_nothing_but_schemes_is_printed() {
    for text in [
        "",
        "   ",
        "hunter2",
        "hunter2://x@a",
        "hunter 2://@a",
        "://hunter2@a",
        "x://hunter2",
        "x://hunter2@",
        "x://:hunter2@a ||",
        "&& x://:hunter2@a",
        "x://:hunter2@a || || x://@b",
        "x://:hunter2@a x://@b",
        "3*x://:hunter2@a",
        "3*x://:hunter2@a || x://@b",
        "hunter2*x://@a && x://@b",
        "99999999999*x://:hunter2@a && x://@b",
        "0*x://:hunter2@a && 0*x://@b",
        "x://:hunter2@a || y+z://:hunter2@a",
        "w://:hunter2@a",
    ] {
        let error = schemes().parse(text).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::Config);
        let printed = format!("{error:?} {error}").replace("scheme `hunter2`", "");
        assert!(!printed.contains("hunter2"), "{printed}");
    }
}

#[test]
fn a_refused_dsn_names_its_scheme_and_the_field() {
    let error = schemes().parse("x://hunter2").expect_err("no name");
    assert_eq!(
        error.to_string(),
        "from: a dsn of scheme `x` is not acceptable"
    );
    let leaky = |dsn: &str| Err::<Named, _>(Error::invalid(dsn, "is bad"));
    let error = Schemes::new()
        .with("x", leaky)
        .parse("x://hunter2")
        .expect_err("refused");
    assert_eq!(error.to_string(), "a dsn of scheme `x` is not acceptable");
    let error = schemes().parse("w://a").expect_err("unknown");
    assert_eq!(error.to_string(), "scheme `w` is not known, only: x, y+z");
}

#[test]
fn the_later_of_two_makers_of_a_scheme_wins() {
    let called = |name: &'static str| {
        move |_: &str| {
            Ok(Named(
                ProviderName::new(name),
                Capabilities::for_channel(ChannelId::SMS),
            ))
        }
    };
    let merged = Schemes::new()
        .with("x", called("old"))
        .merge(Schemes::new().with("x", called("new")));
    assert_eq!(merged.provider("x://").expect("made").name(), &"new");
    assert_eq!(format!("{merged:?}"), r#"{"x"}"#);
}

/// Routings over distinct names.
fn routings() -> impl Strategy<Value = Routing> {
    let leaf = Just(Routing::one("?"));
    let tree = leaf.prop_recursive(3, 24, 4, |inner| {
        let parts = prop::collection::vec(inner.clone(), 1..4);
        let weighted = prop::collection::vec((0_u32..5, inner), 1..4);
        prop_oneof![
            parts.clone().prop_map(Routing::Failover),
            parts.prop_map(Routing::Cheapest),
            weighted.prop_map(Routing::Spread),
        ]
    });
    tree.prop_map(|mut routing| {
        name(&mut routing, &mut 0);
        routing
    })
}

fn name(routing: &mut Routing, next: &mut u32) {
    match routing {
        Routing::Cheapest(parts) | Routing::Failover(parts) => {
            parts.iter_mut().for_each(|part| name(part, next));
        }
        Routing::One(one) => {
            *one = ProviderName::from(next.to_string());
            *next += 1;
        }
        Routing::Spread(parts) => parts.iter_mut().for_each(|(_, part)| name(part, next)),
    }
}

proptest! {
    #[test]
    fn every_provider_is_asked_exactly_once(routing in routings(), turn: u64, price: u64) {
        let prices = |name: &ProviderName| name.as_str().len().is_multiple_of(2).then_some(price);
        let order = routing.order(turn, &prices);
        let mut sorted = order.clone();
        sorted.sort();
        let mut written: Vec<_> = routing.providers().into_iter().cloned().collect();
        written.sort();
        prop_assert_eq!(sorted, written);
        prop_assert_eq!(order, routing.order(turn, &prices));
    }

    #[test]
    fn shares_meet_their_weights(weights in prop::collection::vec(0_u32..20, 1..6), start: u32, stride in 1_u64..1_000_000) {
        let total: u32 = weights.iter().sum();
        prop_assume!(total > 0);
        let part = |(index, weight): (usize, &u32)| (*weight, Routing::one(index.to_string()));
        let routing = Routing::spread(weights.iter().enumerate().map(part));
        let shares = shares(&routing, (0..4_000).map(|n| u64::from(start) + n * stride));
        for (index, weight) in weights.iter().enumerate() {
            let share = shares.get(&index.to_string()).copied().unwrap_or(0.0);
            prop_assert!((share - f64::from(*weight) / f64::from(total)).abs() < 0.05);
        }
    }
}
