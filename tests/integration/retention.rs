//! Retention: which rows leave, what a cut carries over, what it rejects, and what survives a crash at any step.

mod concurrency;
mod details;
mod history;
mod rejections;
mod rules;
mod scale;
mod steps;
mod structure;
