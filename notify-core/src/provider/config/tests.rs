//! Secrets stay out of what is stored and printed; limits and routing follow from the data.

use super::*;
use crate::error::{Error, ErrorKind};
use crate::provider::{Capabilities, Envelope, Fault, Receipt};
use crate::secret::StaticSecrets;
use proptest::prelude::*;
use std::time::Duration;

fn sms(name: &'static str, priority: u32, weight: u32) -> ProviderConfig {
    ProviderConfig::new(ChannelId::SMS, name, "x://")
        .with_priority(priority)
        .with_weight(weight)
}

#[test]
fn a_dsn_is_never_printed_and_serialises_as_its_scheme() {
    let config = ProviderConfig::new(
        ChannelId::SMS,
        "a",
        "twilio://hunter2:hunter2@x?token=hunter2",
    );
    let json = serde_json::to_string(&config).expect("serialises");
    assert!(json.contains(r#""dsn":"twilio://[redacted]""#), "{json}");
    let error = config.validate().expect_err("holds a secret");
    assert!(!format!("{config:?}{json}{error:?}").contains("hunter2"));
    let odd = ProviderConfig::new(ChannelId::SMS, "a", "hunter 2://x");
    assert!(
        !serde_json::to_string(&odd)
            .expect("serialises")
            .contains("hunter")
    );
}

#[test]
fn secrets_that_are_written_out_are_refused() {
    for dsn in [
        "smtp://ada:hunter2@h",
        "smtp://ada:pre${SECRET}@h",
        "sendgrid://hunter2@default",
        "smtp://ada:p@ss@h",
        "x://h?api_key=hunter2",
        "x://h?a=1&Auth_Token=hunter2&b=2",
        "x://${A}:hunter2@h",
        "smtp://ada:hun?ter2@h",
        "smtp://ada:hun/ter2@h",
    ] {
        let error = ProviderConfig::new("sms", "a", dsn)
            .validate()
            .expect_err(dsn);
        assert_eq!(
            (error.kind(), error.field_name()),
            (ErrorKind::Invalid, Some("dsn"))
        );
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
fn references_to_secrets_and_what_is_no_secret_are_accepted() {
    for dsn in [
        "${WHOLE}",
        "smtp://mail.example.com:25",
        "smtp://ada:${P}@h",
        "sendgrid://${KEY}@default?region=eu",
        "x://ada:@h?token=",
        "x://h/path?key_id=ABC&token=${T}",
        "x://",
        "x://h:${PORT}/path",
        "x://[::1]:25",
        "x://[::1]?from=ada@example.com",
    ] {
        ProviderConfig::new("sms", "a", dsn).validate().expect(dsn);
    }
}

#[test]
fn impossible_fields_are_refused_by_name() {
    let long = format!("x://{}", "h".repeat(2_048));
    for (config, field) in [
        (ProviderConfig::new("sms", "", "x://"), "name"),
        (ProviderConfig::new("sms", "n".repeat(101), "x://"), "name"),
        (ProviderConfig::new("", "a", "x://"), "channel"),
        (ProviderConfig::new("sms", "a", "no dsn"), "dsn"),
        (ProviderConfig::new("sms", "a", "x://a || x://b"), "dsn"),
        (ProviderConfig::new("sms", "a", long), "dsn"),
    ] {
        let error = config.validate().expect_err(field);
        assert_eq!(error.field_name(), Some(field));
    }
}

#[test]
fn a_rotated_secret_is_in_the_next_provider_that_is_built() {
    let secrets = StaticSecrets::new().with("T", "old");
    let config = ProviderConfig::new("sms", "a", "x://${T}@h");
    let dsn = || {
        config
            .resolved_dsn(&secrets)
            .expect("set")
            .expose_secret()
            .to_owned()
    };
    assert_eq!(dsn(), "x://old@h");
    secrets.set("T", "new");
    assert_eq!(
        (dsn().as_str(), config.dsn_text()),
        ("x://new@h", "x://${T}@h")
    );
}

#[test]
fn a_provider_is_built_under_its_configured_name_or_refused_without_its_secret() {
    let make = |dsn: &str| match dsn {
        "x://t0ken@h" => Ok(Named(Capabilities::for_channel(ChannelId::SMS))),
        _ => Err(Error::invalid("token", format!("no such account: {dsn}"))),
    };
    let (schemes, secrets) = (
        Schemes::new().with("x", make),
        StaticSecrets::new().with("T", "t0ken"),
    );
    let config = ProviderConfig::new("sms", "backup", "x://${T}@h");
    let provider = config.build(&schemes, &secrets).expect("built");
    assert_eq!(provider.name(), &"backup");
    secrets.set("T", "hunter2");
    let error = config.build(&schemes, &secrets).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "token: a dsn of scheme `x` is not acceptable"
    );
}

#[derive(Debug)]
struct Named(Capabilities);

#[async_trait]
impl Provider for Named {
    fn name(&self) -> &ProviderName {
        const { &ProviderName::new("vendor") }
    }

    fn capabilities(&self) -> &Capabilities {
        &self.0
    }

    async fn send(&self, _: &Envelope) -> Result<Receipt, Fault> {
        Ok(Receipt::new())
    }
}

#[test]
fn priorities_fail_over_and_equal_ones_share() {
    let other = ProviderConfig::new(ChannelId::EMAIL, "mail", "x://");
    let configs = [
        sms("c", 5, 1),
        other,
        sms("b", 1, 3),
        sms("off", 0, 1).with_enabled(false),
        sms("a", 1, 1),
    ];
    let shared = Routing::spread([(1, Routing::one("a")), (3, Routing::one("b"))]);
    let expected = Routing::failover([shared, Routing::one("c")]);
    assert_eq!(
        ProviderConfig::routing(&configs, &ChannelId::SMS),
        Some(expected)
    );
    assert_eq!(
        ProviderConfig::routing(&configs, &ChannelId::EMAIL),
        Some(Routing::one("mail"))
    );
    assert_eq!(ProviderConfig::routing(&configs, &ChannelId::PUSH), None);
    let zero = [sms("a", 0, 0), sms("b", 0, 0)];
    let routing = ProviderConfig::routing(&zero, &ChannelId::SMS).expect("two");
    routing.validate().expect("all alike");
}

#[test]
fn quotas_say_also_which_limits_are_gone() {
    let limited = sms("a", 0, 1)
        .with_rate_limit("14/s".parse().expect("good"))
        .with_daily_max(NonZeroU32::MIN);
    let quotas = limited
        .quotas()
        .map(|(key, quota)| (key.to_string(), quota.map(|q| q.per.as_secs())));
    let day = ("provider_day/a".to_owned(), Some(86_400));
    assert_eq!(quotas, [("provider/a".to_owned(), Some(1)), day]);
    assert!(
        sms("a", 0, 1)
            .quotas()
            .iter()
            .all(|(_, quota)| quota.is_none())
    );
}

#[test]
fn rate_limits_are_written_with_their_unit() {
    for (text, seconds, printed) in [
        ("100/s", 1, "100/s"),
        ("5/1s", 1, "5/s"),
        ("30/5s", 5, "30/5s"),
        ("240/m", 60, "240/min"),
        ("7/120s", 120, "7/2min"),
        ("9/24h", 86_400, "9/d"),
    ] {
        let limit: RateLimit = text.parse().expect(text);
        assert_eq!(
            (limit.per.as_secs(), limit.to_string().as_str()),
            (seconds, printed)
        );
    }
    for bad in [
        "",
        "100",
        "0/s",
        "100/",
        "100/0s",
        "x/s",
        "-1/s",
        "1/y",
        "1/366d",
        "1/99999999999999999999d",
    ] {
        assert!(bad.parse::<RateLimit>().is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn a_rate_limit_reads_back(max in 1_u32.., seconds in 1_u64..=365 * 86_400) {
        let limit = RateLimit::new(NonZeroU32::new(max).expect("not zero"), Duration::from_secs(seconds));
        let json = serde_json::to_string(&limit).expect("serialises");
        prop_assert_eq!(serde_json::from_str::<RateLimit>(&json).expect("reads"), limit);
    }

    #[test]
    fn no_text_makes_validation_panic(dsn in "(x://)?[a:@?&=${}]{0,12}") {
        let _ = ProviderConfig::new("sms", "a", dsn).validate();
    }
}
