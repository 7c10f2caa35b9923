//! Stories about the front door and the worker: what happens around them, and what they make of it.

mod digest;
mod doubt;
mod feedback;
mod front_door;
mod gather;
mod health;
mod law;
mod promises;
mod schedules;
mod worker;
mod world;
