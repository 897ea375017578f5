use mailglass::{DeliveryChanges, DeliveryStatus};

fn main() {
    let _ = DeliveryChanges { status: DeliveryStatus::Sent, ..DeliveryChanges::default() }; //~ E0560
}
