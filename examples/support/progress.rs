//! A bar that grows in place on a terminal, and is silent elsewhere.

use std::io::{IsTerminal as _, Write as _, stdout};

const WIDTH: usize = 32;

/// Draws how much of `all` is `done`.
pub fn show(done: usize, all: usize) {
    if stdout().is_terminal() {
        let full = (done * WIDTH).checked_div(all).unwrap_or(WIDTH).min(WIDTH);
        print!(
            "\r  [{}{}] {} of {}",
            "#".repeat(full),
            ".".repeat(WIDTH - full),
            grouped(done),
            grouped(all)
        );
        // A bar that cannot be drawn is no reason to stop.
        let _ = stdout().flush();
    }
}

/// Takes the bar away.
pub fn clear() {
    if stdout().is_terminal() {
        print!("\r{:width$}\r", "", width = WIDTH + 28);
        let _ = stdout().flush();
    }
}

/// `10,000`.
#[must_use]
pub fn grouped(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
