//! What is said: templates for each channel and language, compiled once and rendered the same way on every host.
//!
//! A template is written in [Handlebars](https://handlebarsjs.com/guide/) and belongs to a name, a channel
//! and a locale. [`TemplateSet`] holds them as plain data, with the partials and translations that they use;
//! it is [read from files](TemplateSet::from_dir), built in code, or kept in a [`TemplateStore`]. [`Engine`]
//! compiles one set into a release, named by a [hash of its content](ReleaseId). [`TemplateCache`] keeps
//! the engines of every tenant, and follows changes without a restart.
//!
//! ```
//! use notify_core::channel::{Channel, EmailChannel};
//! use notify_core::template::{Engine, RenderContext, Template, Templates};
//! use notify_core::{Locale, Timestamp};
//! use serde_json::json;
//!
//! let templates = Templates::new().add(
//!     Template::new("order_shipped", "email", "en")
//!         .with_part("subject", "Order {{order.id}} is on its way")
//!         .with_part("html", "<p>Hello {{name}}, it arrives {{date eta format=\"long\"}}.</p>"),
//! );
//! let engine = Engine::compile(&templates)?;
//!
//! let (locale, english) = (Locale::new("en-GB"), Locale::new("en"));
//! let template = engine
//!     .resolve(&"order_shipped".into(), &"email".into(), &locale, &english)
//!     .ok_or("no such template")?;
//!
//! let data = json!({ "order": { "id": "A-17" }, "name": "<Ada>", "eta": "2026-03-05T12:00:00Z" });
//! template.check_variables(&data)?;
//! let context = RenderContext::new(&locale, &english, Timestamp::EPOCH);
//! let parts = template.render(EmailChannel::new().parts(), &data, &context)?;
//! assert_eq!(parts[0].1, "Order A-17 is on its way");
//! assert_eq!(parts[1].1, "<p>Hello &lt;Ada&gt;, it arrives 5 March 2026.</p>");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What templates can do
//!
//! `{{order.id}}` prints a variable, escaped in HTML parts; a variable that is missing is an error that
//! names it, never an empty hole. `{{{html}}}` prints without escaping. Blocks: `{{#if}}`, `{{#unless}}`,
//! `{{#each}}` and `{{#with}}`, all with `{{else}}`. Partials: `{{> footer}}`, `{{> row item label="x"}}`,
//! and layouts, `{{#> layout}}…{{/layout}}` with `{{> @partial-block}}` inside of the layout.
//!
//! | Helper | What it prints |
//! |---|---|
//! | `t "cart.items" count=n name=x` | the translation, with the plural form that fits `count` |
//! | `number x decimals=2` | a number as the reader writes it: `1,234.50`, `1.234,50`, `1 234,50` |
//! | `currency x "EUR"` | an amount: `€1,234.50`, `1.234,50 €` |
//! | `date at format="long"` | an instant in the reader's zone; `short`, `medium` (default), `long`, `full`, `time`, `datetime` |
//! | `truncate text 100` | at most so many characters as a reader counts them, with `…` where it was cut |
//! | `default name "friend"` | the second where the first is missing, null or empty |
//! | `lookup map key`, `len list` | one entry; how many |
//! | `eq ne gt gte lt lte and or not` | true or false, for `{{#if (gt total 100)}}` |
//!
//! A variable that is called as a helper is still a variable where it stands alone: `{{date}}` prints it.
//!
//! # System variables
//!
//! `unsubscribe_url`, `preferences_url`, `postal_address` and `report_token` (which data cannot replace), and, where the data has no field
//! of that name, `year`, `notification_id` and `recipient`: the recipient's attributes, and `recipient.id`.
//!
//! # What templates cannot do
//!
//! Templates read nothing but their data: no file, no environment, no clock, no random number. Data is
//! never compiled. Inline partials, raw blocks, array literals and partials whose name is computed are
//! refused. [`TemplateLimits`] bounds size, nesting, work and output.

mod analysis;
mod cache;
mod check;
mod compile;
mod context;
mod engine;
mod files;
mod flaw;
mod guard;
mod helpers;
mod limits;
mod locale;
mod model;
mod options;
mod partials;
mod release;
mod render;
mod sections;
mod set;
mod store;
mod syntax;
mod text;
mod translate;

pub use cache::TemplateCache;
pub use context::{RenderContext, RenderData};
pub use engine::{CompiledTemplate, Engine};
pub use limits::TemplateLimits;
pub use locale::PluralCategory;
pub use model::{Partial, Template, Variable};
pub use options::CacheOptions;
pub use release::{Release, ReleaseId};
pub use set::{TemplateSet, Templates};
pub use store::{TemplateFilter, TemplateKey, TemplatePage, TemplateStore};
pub use text::{TranslationEntry, Translations};
