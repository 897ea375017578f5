//! Positions in a Rust file, and findings at them.

use std::sync::Arc;

use proc_macro2::Span;

use crate::code::Code;
use crate::finding::Finding;
use crate::place::Place;

/// The Rust file that is read.
pub(crate) struct RustSource {
    pub(crate) file: Arc<str>,
}

impl RustSource {
    pub(crate) fn place(&self, span: Span) -> Place {
        let start = span.start();
        Place::new(&self.file, start.line, start.column + 1)
    }

    pub(crate) fn not_understood(&self, at: Span, message: &str, help: &str) -> Finding {
        Finding::new(Code::Rust, &self.place(at), message, help)
    }
}
