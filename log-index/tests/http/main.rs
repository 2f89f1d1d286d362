//! The query service over a real index, asked as clients ask it.

mod delete;
mod drilldown;
mod errors;
mod freshness;
mod grafana;
mod loki;
mod prometheus;
mod site;
mod tail;
mod tenants;
