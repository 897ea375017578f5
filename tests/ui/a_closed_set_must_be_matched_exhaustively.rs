use mailglass::Stream;

fn pool(stream: Stream) -> &'static str {
    match stream { //~ E0004
        Stream::Transactional => "fast",
        Stream::Operational => "fast",
    }
}

fn main() {
    let _ = pool(Stream::Bulk);
}
