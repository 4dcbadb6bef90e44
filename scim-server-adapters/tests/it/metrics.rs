//! Metrics through the `metrics` facade.

use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use crate::client::{Client, USER};

#[test]
fn requests_errors_and_quirks_are_counted_without_ids() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let client = Client::new();
            let body = serde_json::json!({"schemas": [USER], "userName": "a", "active": "True"});
            let id = client.post("/Users", body.clone()).await.id();
            client.post("/Users", body).await;
            client.get(&format!("/Users/{id}")).await;
            client.send("BREW", "/nowhere", &[], "").await;
        });
    });
    let mut counted: Vec<(String, u64)> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .filter_map(|(key, _, _, value)| {
            let labels: Vec<String> =
                key.key().labels().map(|l| format!("{}={}", l.key(), l.value())).collect();
            let DebugValue::Counter(count) = value else { return None };
            Some((format!("{} {}", key.key().name(), labels.join(" ")), count))
        })
        .collect();
    counted.sort();
    let expected = [
        ("scim_backend_calls_total call=get result=ok", 1),
        ("scim_backend_calls_total call=write result=conflict", 1),
        ("scim_backend_calls_total call=write result=ok", 1),
        ("scim_errors_total scim_type=uniqueness", 1),
        ("scim_quirks_total quirk=BooleanStrings", 2),
        ("scim_requests_total method=GET endpoint=/Users/{id} status=200", 1),
        ("scim_requests_total method=POST endpoint=/Users status=201", 1),
        ("scim_requests_total method=POST endpoint=/Users status=409", 1),
        ("scim_requests_total method=other endpoint=none status=404", 1),
    ];
    let expected: Vec<(String, u64)> =
        expected.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
    assert_eq!(counted, expected);
}
