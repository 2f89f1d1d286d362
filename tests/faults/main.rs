//! Faults: services are killed at every named point and at random, while numbered lines and samples go in and
//! answers are counted. Lost 0, doubled 0, out of order 0, each alert once.

mod alerts;
mod answers;
mod disk;
mod layout;
mod load;
mod points;
mod random;
mod seed;
mod site;
mod strike;
mod verdict;
mod verify;

#[path = "../e2e/basics.rs"]
mod basics;
