//! The error names the first difference, and is reported at the assertion.

use mailglass::{DeliveryStatus, EventType, Stream, assert_closed_set};

assert_closed_set!(Stream, ["transactional", "operational", "bulk"]);
assert_closed_set!(Stream, ["transactional", "operatoinal", "bulk"]); //~ E0080 `Stream` has no label `operatoinal`: position 2 is `operational`
assert_closed_set!(Stream, ["transactional", "bulk"]); //~ E0080 position 2 of `Stream` is `operational`, which is missing here
assert_closed_set!(Stream, ["transactional", "operational"]); //~ E0080 position 3 of `Stream` is `bulk`, which is missing here
assert_closed_set!(Stream, []); //~ E0080 position 1 of `Stream` is `transactional`, which is missing here
assert_closed_set!(Stream, ["transactional", "bulk", "operational"]); //~ E0080 position 2 of `Stream` is `operational`, not `bulk`
assert_closed_set!(Stream, ["transactional", "operational", "bulk", "bulk"]); //~ E0080 `bulk` is listed twice; `Stream` has it once
assert_closed_set!(Stream, ["transactional", "operational", "bulk", "junk",]); //~ E0080 `Stream` has no label `junk`

mod in_a_module {
    pub(crate) const COLUMNS: &[&str] = &["queued", "sent", "dispatched", "failed"];
}

mailglass::assert_closed_set!(DeliveryStatus, *in_a_module::COLUMNS); //~ E0080 position 5 of `DeliveryStatus` is `suppressed`, which is missing here

fn main() {
    assert_closed_set!( //~ E0080 position 16 of `EventType` is `suppressed`, which is missing here
        EventType,
        [
            "queued",
            "sent",
            "rejected",
            "failed",
            "bounced",
            "deferred",
            "delivered",
            "autoresponded",
            "opened",
            "clicked",
            "complained",
            "unsubscribed",
            "subscribed",
            "unknown",
            "dispatched",
        ]
    );
}
