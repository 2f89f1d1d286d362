//! The store as a whole: what goes in comes out, whatever happens in between.

#[cfg(feature = "peers")]
mod bucket;
mod concurrency;
mod crash;
mod damage;
mod delete;
mod filters;
mod full_disk;
mod histograms;
mod job;
mod labels;
mod lens;
mod merge;
mod model;
mod offline;
mod repetition;
mod retention;
mod support;
mod versions;
