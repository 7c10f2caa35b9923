//! A batch on its way through a vendor's calls: which mails share one, and which result belongs to which envelope.

use notify_core::provider::{Envelope, Fault, FaultKind, Receipt};
use std::collections::VecDeque;

/// The most calls of one batch. A vendor that refuses a call for one of its mails is asked again with each half; a list of dead
/// addresses must not become a call for each.
const MAX_CALLS: usize = 32;

/// One mail of a batch.
pub(crate) struct Item<'a, T> {
    place: usize,
    pub(crate) envelope: &'a Envelope,
    pub(crate) mail: T,
}

/// Mails that go in one call; never empty.
pub(crate) type Part<'a, T> = Vec<Item<'a, T>>;

/// A batch on its way.
///
/// ```text
/// let mut work = Batch::of(batch, |envelope| self.mail(envelope), |part, next| part.len() < 100);
/// while let Some(part) = work.next() {
///     let sent = self.call(&part).await;
///     work.settle(part, sent);
/// }
/// work.into_results()
/// ```
pub(crate) struct Batch<'a, T> {
    results: Vec<Result<Receipt, Fault>>,
    parts: VecDeque<Part<'a, T>>,
    calls: usize,
}

impl<'a, T> Batch<'a, T> {
    /// Prepares each mail, and puts it into the first part that takes it by `joins`, or into a new one. What cannot be prepared has its
    /// result.
    pub(crate) fn of(
        batch: &'a [Envelope],
        prepare: impl Fn(&'a Envelope) -> Result<T, Fault>,
        joins: impl Fn(&Part<'a, T>, &Item<'a, T>) -> bool,
    ) -> Self {
        let mut results = Vec::with_capacity(batch.len());
        let mut parts: VecDeque<Part<'a, T>> = VecDeque::new();
        for (place, envelope) in batch.iter().enumerate() {
            let mail = match prepare(envelope) {
                Ok(mail) => mail,
                Err(fault) => {
                    results.push(Err(fault));
                    continue;
                }
            };
            results.push(Err(Fault::unknown("short_answer")));
            let item = Item {
                place,
                envelope,
                mail,
            };
            match parts.iter_mut().find(|part| joins(part, &item)) {
                Some(part) => part.push(item),
                None => parts.push_back(vec![item]),
            }
        }
        Self {
            results,
            parts,
            calls: 0,
        }
    }

    /// What goes in the next call.
    pub(crate) fn next(&mut self) -> Option<Part<'a, T>> {
        self.calls += 1;
        self.parts.pop_front()
    }

    /// Keeps the results of a part, one for each mail in order; what is missing is unknown.
    pub(crate) fn settle(&mut self, part: Part<'a, T>, sent: Vec<Result<Receipt, Fault>>) {
        for (item, result) in part.into_iter().zip(sent) {
            self.results[item.place] = result;
        }
    }

    /// The same for a vendor that takes or refuses a call whole, without a word about which mail it did not like: nothing was sent,
    /// and each half is sent for itself.
    pub(crate) fn settle_whole(&mut self, mut part: Part<'a, T>, result: Result<Receipt, Fault>) {
        let blames_one =
            |fault: &Fault| matches!(fault.kind(), FaultKind::Recipient | FaultKind::Request);
        if part.len() == 1 || !result.as_ref().is_err_and(blames_one) {
            let results = vec![result; part.len()];
            return self.settle(part, results);
        }
        if self.calls >= MAX_CALLS {
            // Whoever it is among them: one by one they will show.
            let fault = Err(Fault::provider("refused_with_others"));
            let results = vec![fault; part.len()];
            return self.settle(part, results);
        }
        let second = part.split_off(part.len() / 2);
        self.parts.push_back(part);
        self.parts.push_back(second);
    }

    /// One result for each envelope, in order.
    pub(crate) fn into_results(self) -> Vec<Result<Receipt, Fault>> {
        self.results
    }
}

/// The envelopes of a part, for [`HttpClient::send`](crate::http::HttpClient::send).
pub(crate) fn envelopes<'a, T>(part: &[Item<'a, T>]) -> Vec<&'a Envelope> {
    part.iter().map(|item| item.envelope).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify_core::channel::EmailMessage;
    use notify_core::{Address, Message};

    fn batch(size: usize) -> Vec<Envelope> {
        let one = |no: usize| {
            let message = Message::new(EmailMessage::new("s", "t"));
            Envelope::new(
                no.to_string(),
                Address::email(format!("{no}@example.com")),
                message,
            )
        };
        (0..size).map(one).collect()
    }

    /// Sends all in parts of up to 100 by a vendor that refuses every call with one of `dead` in it.
    fn sent(batch: &[Envelope], dead: &[usize]) -> (Vec<Result<Receipt, Fault>>, usize) {
        let number = |envelope: &Envelope| envelope.key.parse().expect("a number");
        let mut work = Batch::of(
            batch,
            |envelope| Ok::<usize, Fault>(number(envelope)),
            |part, _| part.len() < 100,
        );
        let mut calls = 0;
        while let Some(part) = work.next() {
            calls += 1;
            let is_refused = part.iter().any(|item| dead.contains(&item.mail));
            let result = if is_refused {
                Err(Fault::recipient("dead"))
            } else {
                Ok(Receipt::new())
            };
            work.settle_whole(part, result);
        }
        (work.into_results(), calls)
    }

    #[test]
    fn one_dead_address_costs_nobody_else_the_mail() {
        let batch = batch(150);
        let (results, calls) = sent(&batch, &[3]);
        assert!(calls <= 16, "{calls}");
        for (no, result) in results.into_iter().enumerate() {
            let expected = if no == 3 {
                Err(Fault::recipient("dead"))
            } else {
                Ok(Receipt::new())
            };
            assert_eq!(result, expected, "{no}");
        }
    }

    #[test]
    fn a_list_of_dead_addresses_is_not_asked_one_by_one() {
        let batch = batch(100);
        let all: Vec<usize> = (0..100).collect();
        let (results, calls) = sent(&batch, &all);
        assert!((MAX_CALLS..=2 * MAX_CALLS).contains(&calls), "{calls}");
        let later = Err(Fault::provider("refused_with_others"));
        assert!(results.contains(&later));
        assert!(results.iter().all(Result::is_err));
    }

    #[test]
    fn what_cannot_be_prepared_and_what_has_no_answer_have_their_place() {
        let batch = batch(3);
        let prepare = |envelope: &Envelope| match &*envelope.key {
            "1" => Err(Fault::request("bad")),
            _ => Ok(()),
        };
        let mut work = Batch::of(&batch, prepare, |_, _| true);
        let part = work.next().expect("two are left");
        assert_eq!(envelopes(&part).len(), 2);
        work.settle(part, vec![Ok(Receipt::with_message_id("a"))]);
        assert!(work.next().is_none());
        let expected = [
            Ok(Receipt::with_message_id("a")),
            Err(Fault::request("bad")),
            Err(Fault::unknown("short_answer")),
        ];
        assert_eq!(work.into_results(), expected);
    }
}
