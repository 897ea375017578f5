//! 100,000 deliveries with 300,000 events.

use mailglass::retention;

use super::history::{assert_cut, before, insert_history, options, remember_links};
use crate::support::connected;

#[test]
fn a_cut_of_100_000_deliveries_removes_half_of_them() {
    let (_database, mut conn) = connected();
    insert_history(&mut conn, 100_000);
    remember_links(&mut conn);
    let report = retention::cut(&mut conn, &options()).unwrap();
    assert_eq!(
        (report.deliveries_left, report.events_left, report.events_kept),
        (50_000, 150_000, 150_000)
    );
    assert_cut(&mut conn, &report.kept_as.unwrap(), before());
}
