//! How long it takes to parse a filter: ours, as it is used (by the letter of the RFC, within the
//! default limits, borrowing), beside the published crates. One group a filter.
//!
//! `scan` reads every byte once and classifies it, which no parser can do without: the floor that
//! the others stand on. `ours, resolved` goes on to look the attributes up in the schemas of a user
//! and to fold the operands, which none of the peers does.

use std::hint::black_box;
use std::str::FromStr as _;

use criterion::{Criterion, criterion_group, criterion_main};
use scim_core::{Profile, ResourceType};

const FILTERS: [(&str, &str); 3] = [
    ("comparison", r#"userName eq "bjensen""#),
    (
        "grouping",
        r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#,
    ),
    (
        "value_paths",
        r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]"#,
    ),
];

/// Reads every byte once: what quotes, brackets, spaces and letters there are.
fn scan(text: &str) -> [u32; 4] {
    let mut counts = [0; 4];
    for byte in text.bytes() {
        let class = match byte {
            b'"' => 0,
            b'(' | b')' | b'[' | b']' => 1,
            b' ' => 2,
            _ => 3,
        };
        counts[class] += 1;
    }
    counts
}

fn filter_parse(criterion: &mut Criterion) {
    let user = ResourceType::user();
    for (name, text) in FILTERS {
        let mut group = criterion.benchmark_group(format!("filter_parse/{name}"));
        group.bench_function("scan", |b| b.iter(|| scan(black_box(text))));
        group.bench_function("ours", |b| {
            b.iter(|| scim_filter::Filter::parse(black_box(text)).unwrap())
        });
        group.bench_function("ours, resolved", |b| {
            b.iter(|| {
                scim_filter::Filter::parse(black_box(text))
                    .unwrap()
                    .resolve(&user, &Profile::STRICT)
                    .unwrap()
            })
        });
        group.bench_function("scim_proto", |b| {
            b.iter(|| scim_proto::filter::ScimFilter::from_str(black_box(text)).unwrap())
        });
        group.bench_function("scim-filter", |b| {
            b.iter(|| peer_scim_filter::parser::filter(black_box(text)).unwrap())
        });
        group.bench_function("scim_v2", |b| {
            b.iter(|| scim_v2::filter::Filter::from_str(black_box(text)).unwrap())
        });
        group.finish();
    }
}

criterion_group!(benches, filter_parse);
criterion_main!(benches);
