//! Ctrl-C and SIGTERM: the first one lets the step at hand be finished, the second one ends the process at once.

use std::io::Write as _;
use std::process;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::failure::{Failure, Kind};

#[derive(Clone, Copy)]
struct State {
    /// Whether the command looks between its steps; else there is nothing to wait for.
    works_in_steps: bool,
    is_requested: bool,
}

static STATE: Mutex<State> = Mutex::new(State {
    works_in_steps: false,
    is_requested: false,
});

static REQUESTED: Condvar = Condvar::new();

/// Nobody panics while holding it.
fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn install(is_json: bool) -> Result<(), Failure> {
    ctrlc::set_handler(move || {
        let mut state = state();
        if !state.works_in_steps || state.is_requested {
            let failure = Failure::new(Kind::Interrupted, "interrupted; the server rolls back what was at hand");
            failure.report(is_json);
            process::exit(failure.kind.exit_code().into());
        }
        state.is_requested = true;
        REQUESTED.notify_all();
        if !is_json {
            let notice = "mailglass: finishing the step at hand; press again to stop at once";
            let _ = writeln!(anstream::stderr(), "{notice}");
        }
    })
    .map_err(|error| Failure::failed(format!("can't handle signals: {error}")))
}

/// From here on the command asks [`is_requested`] between its steps.
pub(crate) fn work_in_steps() {
    state().works_in_steps = true;
}

pub(crate) fn is_requested() -> bool {
    state().is_requested
}

/// Waits, and ends early where an end is requested.
pub(crate) fn wait(duration: Duration) {
    let state = state();
    // Whoever waits looks again afterwards.
    let _ = REQUESTED.wait_timeout_while(state, duration, |state| !state.is_requested);
}
