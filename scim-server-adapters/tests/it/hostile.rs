//! Input made to hurt: each a SCIM error, on a stack of 2 MiB.

use crate::client::{Client, PATCH_OP};

/// Runs on a thread with the stack that most servers give their workers.
fn on_a_small_stack(test: impl AsyncFnOnce(Client) + Send + 'static) {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { test(Client::new()).await });
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn json_nested_deep_or_broken() {
    on_a_small_stack(async |client: Client| {
        let deep = |open: &str, close: &str| {
            format!("{{\"userName\":{}{}}}", open.repeat(10_000), close.repeat(10_000))
        };
        for body in [
            deep("[", "]").into_bytes(),
            deep("{\"a\":", "}").into_bytes(),
            "[".repeat(500_000).into_bytes(),
            b"{\"userName\":\"\xff\xfe\"}".to_vec(),
            br#"{"userName":"\ud800"}"#.to_vec(),
            br#"{"userName":"a\u0000b"}"#.to_vec(),
            br#"{"user\u0000Name":"a"}"#.to_vec(),
            br#"{"userName":"a","USERNAME":"b"}"#.to_vec(),
            br#"{"userName":"a","userName":"b"}"#.to_vec(),
            br#"{"userName":"a","name":{"givenName":"x","givenname":"y"}}"#.to_vec(),
        ] {
            let answer = client.send("POST", "/Users", &[], body).await;
            answer.assert_error(400, Some("invalidSyntax"));
        }
    });
}

#[test]
fn patch_paths_made_to_overflow() {
    on_a_small_stack(async |client: Client| {
        let path = format!("/Users/{}", client.user("a").await);
        for hostile in [
            format!("emails[{}", "(".repeat(400_000)),
            format!("emails[{}", "not(".repeat(100_000)),
            format!("emails[{}]", "[".repeat(100_000)),
            "a.".repeat(100_000),
            "urn:".repeat(100_000),
        ] {
            let body = format!(
                r#"{{"schemas":["{PATCH_OP}"],"Operations":[{{"op":"remove","path":"{hostile}"}}]}}"#
            );
            let answer = client.send("PATCH", &path, &[], body).await;
            assert_eq!(answer.status, 400, "{}", answer.text);
        }
    });
}

#[test]
fn long_and_wide_filters() {
    on_a_small_stack(async |client: Client| {
        let long = format!("/Users?filter={}", "(".repeat(60_000));
        client.get(&long).await.assert_error(400, Some("invalidFilter"));
        let nots = format!("/Users?filter={}", "not(".repeat(15_000));
        client.get(&nots).await.assert_error(400, Some("invalidFilter"));
        let wide = format!("/Users?filter=title+pr{}", "+or+a+pr".repeat(7_000));
        client.get(&wide).await.assert_error(400, Some("invalidFilter"));
        let legal = format!("/Users?filter=title+pr{}", "+or+title+pr".repeat(1_000));
        assert_eq!(client.get(&legal).await.status, 200);
        client.get("/Users?filter=%ff").await.assert_error(400, Some("invalidSyntax"));
        client.get("/Users/%ff").await.assert_error(400, Some("invalidSyntax"));
        client
            .get("/Users?filter=userName+eq+%22%00%22")
            .await
            .assert_error(400, Some("invalidSyntax"));
        client.get(&format!("/Users/{}", "x".repeat(60_000))).await.assert_error(404, None);
    });
}
