//! What the providers of vendors with an HTTP interface are built with: the client, calls and answers, and the tables that say
//! whose fault a refusal is.
//!
//! A vendor's provider has two functions that know the vendor, and neither does I/O: one makes a [`Call`] of an envelope, one reads
//! a receipt or a fault from an [`Answer`]. [`HttpClient::send`] is between them: it keeps the envelope's time, marks its
//! progress, and says what a failure on the way means.
//!
//! ```
//! use notify_core::provider::{Envelope, Fault, Receipt};
//! use notify_core::secret::SecretString;
//! use notify_providers::http::{Answer, Call, HttpClient, Rule, Verdict, When};
//!
//! /// What this vendor's refusals mean; all others go by their status.
//! const RULES: &[Rule] = &[
//!     (When::Code("no_such_number"), Verdict::Recipient),
//!     (When::Status(402), Verdict::Config),
//! ];
//!
//! fn call(token: &SecretString, envelope: &Envelope) -> Call {
//!     Call::post("/v1/messages").bearer(token).json(&serde_json::json!({ "to": envelope.address.expose() }))
//! }
//!
//! fn receipt(answer: &Answer) -> Result<Receipt, Fault> {
//!     if !answer.is_success() {
//!         let error: serde_json::Value = answer.read().unwrap_or_default();
//!         return Err(answer.refusal().code(error["code"].as_str()).fault(RULES));
//!     }
//!     let taken: serde_json::Value = answer.json()?;
//!     Ok(Receipt::with_message_id(taken["id"].as_str().unwrap_or_default()))
//! }
//!
//! # async fn example(client: HttpClient, token: SecretString, envelope: Envelope) -> Result<Receipt, Fault> {
//! let answer = client.send(call(&token, &envelope), &[&envelope]).await?;
//! receipt(&answer)
//! # }
//! ```
//!
//! # What a failure means
//!
//! | what happened | fault |
//! |---|---|
//! | no address, no connection, time up before the body was written | provider |
//! | a certificate that does not hold | config |
//! | time up or connection lost after that, and no status came | unknown |
//! | the vendor says that it never looked at the request (HTTP/2 `REFUSED_STREAM`, `GOAWAY`) | provider |
//! | an answer of 200 to 299 that cannot be read | unknown |
//! | any other status | by the vendor's table, else by the [class of the status](Refusal::fault) |
//!
//! The body is given to the connection only when there is one: that is where "nothing was written" ends, and it is marked there.

mod answer;
mod body;
mod call;
mod client;
mod failure;
mod options;
mod retry_after;
mod rules;
mod ssrf;

pub mod metadata;

pub use answer::Answer;
pub use call::Call;
pub use client::{HttpClient, HttpClientBuilder};
pub use options::HttpOptions;
pub use rules::{Refusal, Rule, Verdict, When};
pub use ssrf::Guard;
