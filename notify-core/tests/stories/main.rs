//! Stories about the front door and the worker: what happens around them, and what they make of it.

mod feedback;
mod front_door;
mod promises;
mod schedules;
mod worker;
mod world;
