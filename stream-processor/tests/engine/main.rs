//! The engine without a broker: events in, outputs out.

mod alert_schema;
mod case;
mod determinism;
mod evidence;
mod histograms;
mod limits;
mod logs;
mod restart;
mod scenarios;
mod silence;
