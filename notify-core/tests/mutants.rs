//! The suites notice every broken promise: a mutant that survives is a clause that is missing.

use notify_core::testkit::mutant::{Mutant, Mutation, killed_by};
use notify_core::testkit::{
    Clause, Memory, StoreHarness, delivery, digest, feedback, health, privacy, queue, schedule,
};
use std::cell::Cell;
use std::panic;

const SUITES: &[&[Clause<dyn StoreHarness>]] = &[
    queue::CLAUSES,
    delivery::CLAUSES,
    feedback::CLAUSES,
    privacy::CLAUSES,
    health::CLAUSES,
    digest::CLAUSES,
    schedule::CLAUSES,
];

thread_local! {
    /// Whether panics of this thread are expected.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

#[test]
fn the_wrapper_alone_breaks_nothing() {
    assert_eq!(killed_by(|| Mutant::faithful(Memory::new()), SUITES), None);
}

#[test]
fn every_mutant_is_killed() {
    let loud = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !QUIET.get() {
            loud(panic);
        }
    }));
    let mut survivors = Vec::new();
    for mutation in Mutation::ALL {
        QUIET.set(true);
        let killer = killed_by(|| Mutant::new(Memory::new(), *mutation), SUITES);
        QUIET.set(false);
        match killer {
            Some(clause) => println!("{mutation:?}: {clause}"),
            None => survivors.push(mutation),
        }
    }
    assert!(survivors.is_empty(), "no clause notices {survivors:?}");
}
