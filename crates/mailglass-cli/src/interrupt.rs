//! Ctrl-C and SIGTERM: the first one ends the command after the current step, the second one at once.

use std::io::Write as _;
use std::process;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::failure::{Failure, Kind};

#[derive(Clone, Copy)]
struct State {
    /// Whether the command checks for an interrupt between its steps. If not, the first signal ends it.
    works_in_steps: bool,
    is_requested: bool,
}

static STATE: Mutex<State> = Mutex::new(State {
    works_in_steps: false,
    is_requested: false,
});

static REQUESTED: Condvar = Condvar::new();

/// No code panics while it holds the lock, so a poisoned lock is still consistent.
fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn install(is_json: bool) -> Result<(), Failure> {
    ctrlc::set_handler(move || {
        let mut state = state();
        if !state.works_in_steps || state.is_requested {
            let failure = Failure::new(Kind::Interrupted, "interrupted; the server rolls back the current step");
            failure.report(is_json);
            process::exit(failure.kind.exit_code().into());
        }
        state.is_requested = true;
        REQUESTED.notify_all();
        if !is_json {
            let notice = "mailglass: finishing the current step; press Ctrl-C again to exit at once";
            let _ = writeln!(anstream::stderr(), "{notice}");
        }
    })
    .map_err(|error| Failure::failed(format!("can't handle signals: {error}")))
}

/// Announces that the command calls [`is_requested`] between its steps.
pub(crate) fn work_in_steps() {
    state().works_in_steps = true;
}

pub(crate) fn is_requested() -> bool {
    state().is_requested
}

/// Waits for a duration or until an interrupt.
pub(crate) fn wait(duration: Duration) {
    let state = state();
    // The caller checks `is_requested` next.
    let _ = REQUESTED.wait_timeout_while(state, duration, |state| !state.is_requested);
}
