//! Groups with more members than are read at once: their answers are sent while they are read.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as _;
use http_body_util::BodyExt;
use scim_core::{Ingest, Origin, Profile, ResourceId, ResourceType};
use scim_server_adapters::{BackendError, Change, Limits, Precondition, ScimBody, Write};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::client::{Client, GROUP, over};
use crate::watched::{Then, Watched};

/// A service that reads so many members at once, over that backend.
fn client(backend: &Arc<Watched>, at_once: usize) -> Client {
    let limits = {
        let mut limits = Limits::default();
        limits.members_at_once = at_once;
        limits.page_members = 5;
        limits.time = Duration::from_secs(1);
        limits
    };
    Client::of(over(Arc::clone(backend) as _).limits(limits).build())
}

fn values(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("m{n}")).collect()
}

/// A group of that many members, who do not exist.
async fn group(client: &Client, name: &str, count: usize) -> String {
    let values = values(count);
    client.group(name, &values.iter().map(String::as_str).collect::<Vec<_>>()).await
}

/// The answer before anything of its body is taken.
async fn begun(client: &Client, method: &str, path: &str) -> Response<ScimBody> {
    let request = Request::builder().method(method).uri(format!("/v2{path}"));
    let request = request.header("authorization", "Bearer s3cret").body(Bytes::new()).unwrap();
    client.service.handle(request).await
}

async fn next(body: &mut ScimBody) -> Option<Result<Bytes, BackendError>> {
    body.frame().await.map(|frame| frame.map(|frame| frame.into_data().unwrap()))
}

fn member_values(group: &Value) -> Vec<&str> {
    let members = group["members"].as_array().unwrap();
    members.iter().map(|member| member["value"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn no_more_is_read_than_is_sent() {
    let backend = Arc::new(Watched::default());
    let client = client(&backend, 3);
    let id = group(&client, "Large", 10).await;
    let mut body = begun(&client, "GET", &format!("/Groups/{id}")).await.into_body();
    let reads = || backend.reads.lock().unwrap().clone();
    assert_eq!(body.as_bytes(), None);
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (None, false));
    assert_eq!(reads(), [3]);
    let mut sent = next(&mut body).await.unwrap().unwrap().to_vec();
    assert_eq!(reads(), [3], "what was read is sent first");
    for expected in [vec![3, 3], vec![3, 3, 3], vec![3, 3, 3, 1]] {
        sent.extend(next(&mut body).await.unwrap().unwrap());
        assert_eq!(reads(), expected);
    }
    // The end of the document.
    sent.extend(next(&mut body).await.unwrap().unwrap());
    assert!(next(&mut body).await.is_none());
    assert!(body.is_end_stream());
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    assert_eq!(member_values(&sent), values(10));
    assert_eq!(sent["meta"]["version"], "W/\"1\"");
}

#[tokio::test]
async fn a_part_holds_a_thousand_members_at_most() {
    let backend = Arc::new(Watched::default());
    let client = client(&backend, 2_500);
    let id = group(&client, "Large", 5_000).await;
    let got = client.get(&format!("/Groups/{id}")).await.json();
    assert_eq!(member_values(&got), values(5_000));
    assert_eq!(*backend.reads.lock().unwrap(), [2_500, 1_000, 1_000, 500]);
}

#[tokio::test]
async fn a_group_that_is_read_at_once_has_a_length() {
    let backend = Arc::new(Watched::default());
    let client = client(&backend, 3);
    let id = group(&client, "Small", 3).await;
    let answer = begun(&client, "GET", &format!("/Groups/{id}")).await;
    let length = answer.body().as_bytes().unwrap().len();
    assert_eq!(answer.body().size_hint().exact(), Some(length as u64));
    let head = begun(&client, "HEAD", &format!("/Groups/{id}")).await;
    assert_eq!(head.headers()["content-length"], length.to_string());
}

#[tokio::test]
async fn head_reads_no_more_than_the_beginning() {
    let backend = Arc::new(Watched::default());
    let client = client(&backend, 3);
    let id = group(&client, "Large", 10).await;
    let path = format!("/Groups/{id}");
    let mut got = begun(&client, "GET", &path).await;
    let mut head = begun(&client, "HEAD", &path).await;
    for answer in [&mut got, &mut head] {
        answer.headers_mut().remove("x-request-id").unwrap();
    }
    assert_eq!(head.status(), got.status());
    assert_eq!(head.headers(), got.headers());
    assert!(!head.headers().contains_key("content-length"));
    assert_eq!(head.body().size_hint().exact(), None, "the body to GET has some length");
    assert!(head.into_body().into_bytes().await.unwrap().is_empty());
    assert_eq!(*backend.reads.lock().unwrap(), [3, 3]);
}

#[tokio::test]
async fn a_read_that_fails_breaks_the_answer_off() {
    let backend = Arc::new(Watched::new(Some(Then::FailsAt(2))));
    let client = client(&backend, 3);
    let id = group(&client, "Large", 10).await;
    let answer = begun(&client, "GET", &format!("/Groups/{id}")).await;
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    let mut sent = Vec::new();
    let error = loop {
        match next(&mut body).await.expect("an error before the end") {
            Ok(bytes) => sent.extend(bytes),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, BackendError::Internal(_)), "{error}");
    assert!(next(&mut body).await.is_none());
    let sent = String::from_utf8(sent).unwrap();
    assert!(sent.contains("\"m8\"") && !sent.contains("\"m9\""), "{sent}");
    assert!(serde_json::from_str::<Value>(&sent).is_err(), "{sent}");
}

#[tokio::test]
async fn a_group_that_goes_meanwhile_breaks_the_answer_off() {
    let backend = Arc::new(Watched::default());
    let client = client(&backend, 3);
    let id = group(&client, "Large", 10).await;
    let mut body = begun(&client, "GET", &format!("/Groups/{id}")).await.into_body();
    next(&mut body).await.unwrap().unwrap();
    client.delete(&format!("/Groups/{id}")).await;
    assert!(matches!(next(&mut body).await, Some(Err(BackendError::NotFound))));
}

#[tokio::test]
async fn a_backend_that_hangs_or_turns_round_breaks_the_answer_off() {
    let (sender, given_up) = channel();
    for then in [Then::Waits(Arc::new(Semaphore::new(1)), sender), Then::GoesRoundInCircles] {
        let backend = Arc::new(Watched::new(Some(then)));
        let client = client(&backend, 3);
        let id = group(&client, "Large", 10).await;
        let body = begun(&client, "GET", &format!("/Groups/{id}")).await.into_body();
        body.into_bytes().await.unwrap_err();
    }
    given_up.try_recv().expect("the read that took too long is given up");
}

/// The limit of time is one of each part, not of the answer: whoever reads slowly is not late.
#[tokio::test]
async fn an_answer_may_take_longer_than_a_request() {
    let backend = Arc::new(Watched::default());
    let client = client(&backend, 3);
    let id = group(&client, "Large", 10).await;
    let mut body = begun(&client, "GET", &format!("/Groups/{id}")).await.into_body();
    let mut sent = Vec::new();
    while let Some(bytes) = next(&mut body).await {
        sent.extend(bytes.unwrap());
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(member_values(&serde_json::from_slice(&sent).unwrap()), values(10));
}

/// What the reader gets when the group changes under it, and how it finds out.
#[tokio::test]
async fn a_group_that_changes_meanwhile() {
    let backend = Arc::new(Watched::default());
    let client = client(&backend, 3);
    let id = group(&client, "Large", 10).await;
    let path = format!("/Groups/{id}");
    let answer = begun(&client, "GET", &path).await;
    let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let mut body = answer.into_body();
    let mut sent = next(&mut body).await.unwrap().unwrap().to_vec();
    let changes = json!([
        {"op": "remove", "path": "members[value eq \"m1\"]"},
        {"op": "remove", "path": "members[value eq \"m2\"]"},
        {"op": "remove", "path": "members[value eq \"m7\"]"},
        {"op": "add", "path": "members", "value": [{"value": "new"}]},
    ]);
    client.patch(&path, changes).await;
    sent.extend(body.into_bytes().await.unwrap());
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    assert_eq!(member_values(&sent), ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m8", "m9", "new"]);
    assert_eq!(sent["meta"]["version"], etag);
    let body = json!({"schemas": [GROUP], "displayName": "x"}).to_string();
    let headers = [("if-match", etag.as_str()), ("content-type", "application/scim+json")];
    client.send("PUT", &path, &headers, body).await.assert_error(412, None);
}

/// Where the version decides, the members are not read (RFC 9110 §13.2.1).
#[tokio::test]
async fn a_conditional_get_that_is_not_answered_with_the_group_reads_no_members() {
    let backend = Arc::new(Watched::default());
    let client = client(&backend, 3);
    let id = group(&client, "Large", 10).await;
    let path = format!("/Groups/{id}");
    for method in ["GET", "HEAD"] {
        for (header, status) in
            [(("if-none-match", "W/\"1\""), 304), (("if-match", "W/\"9\""), 412)]
        {
            let answer = client.send(method, &path, &[header], "").await;
            assert_eq!(answer.status, status, "{method} {header:?}");
            assert!(backend.reads.lock().unwrap().is_empty(), "{method} {header:?}");
        }
    }
    for header in [("if-none-match", "W/\"9\""), ("if-match", "W/\"1\"")] {
        let answer = client.send("GET", &path, &[header], "").await;
        assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, "W/\"1\""));
        assert_eq!(member_values(&answer.json()), values(10), "{header:?}");
    }
    let absent = client.send("GET", "/Groups/nobody", &[("if-none-match", "*")], "").await;
    absent.assert_error(404, None);
}

/// The version that is looked at first is not yet that of the answer.
#[tokio::test]
async fn a_group_that_changes_while_its_version_is_looked_at() {
    let group_type = ResourceType::group();
    for (header, status) in [
        (("if-match", "W/\"1\""), 412),
        (("if-none-match", "W/\"2\""), 304),
        (("if-none-match", "W/\"9\""), 200),
    ] {
        let backend = Arc::new(Watched::default());
        let client = client(&backend, 3);
        let id = group(&client, "Large", 10).await;
        let renamed = json!({"schemas": [GROUP], "displayName": "Renamed"});
        let mut ingest = Ingest::new(&group_type, &Profile::STRICT, Origin::Request);
        let resource = ingest.resource(renamed.to_string().as_bytes()).unwrap();
        *backend.after_get.lock().unwrap() = Some(Write {
            resource_type: Arc::clone(&group_type),
            change: Change::Replace {
                id: ResourceId::new(id.as_str()).unwrap(),
                resource,
                secret: None,
            },
            precondition: Precondition::NONE,
            returning: None,
            unique_display_name: false,
            must_exist: Vec::new(),
        });
        let answer = client.send("GET", &format!("/Groups/{id}"), &[header], "").await;
        assert!(backend.after_get.lock().unwrap().is_none());
        assert_eq!(answer.status, status, "{header:?}: {}", answer.text);
        if status != 412 {
            assert_eq!(answer.header("etag"), "W/\"2\"", "{header:?}");
        }
        if status == 200 {
            assert_eq!(answer.json()["displayName"], "Renamed");
        }
    }
}

/// A list of a group that is larger than a page may hold goes on with its members, then with what
/// follows them.
#[tokio::test]
async fn a_page_with_one_large_group() {
    let backend = Arc::new(Watched::default());
    let client = client(&backend, 3);
    let id = group(&client, "Large", 12).await;
    group(&client, "Small", 2).await;
    let alone = client.get(&format!("/Groups/{id}")).await.json();
    backend.reads.lock().unwrap().clear();
    for path in
        ["/Groups", "/Groups?sortBy=displayName", "/Groups?filter=members+eq+%22m11%22", "/"]
    {
        let page = client.get(path).await.json();
        assert_eq!(
            (&page["Resources"], &page["itemsPerPage"]),
            (&json!([alone]), &json!(1)),
            "{path}"
        );
    }
    assert_eq!(backend.reads.lock().unwrap()[..3], [3, 3, 1], "behind the five of the page");
}

/// RFC 7644 §3.5.2: whoever asks for attributes gets a 200 with them.
#[tokio::test]
async fn writes_that_answer_with_a_large_group() {
    let backend = Arc::new(Watched::default());
    let client = client(&backend, 3);
    let id = group(&client, "Large", 150).await;
    let path = format!("/Groups/{id}?attributes=members.value");
    let add = json!([{"op": "add", "path": "members", "value": [{"value": "new"}]}]);
    let patched = client.patch(&path, add).await;
    assert_eq!(patched.status, 200);
    let patched = patched.json();
    let members = member_values(&patched);
    assert_eq!((members.len(), members[149], members[150]), (151, "m149", "new"));
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Renamed"}]);
    let path = format!("/Groups/{id}");
    assert_eq!(client.patch(&path, rename).await.status, 204, "more than is worth sending");
    assert!(backend.reads.lock().unwrap().iter().all(|read| *read <= 3));
}

/// Some of the members are never taken for all, whoever evaluates the filter.
#[tokio::test]
async fn filters_see_all_members_or_none() {
    for has_no_filters in [false, true] {
        let backend = Arc::new(Watched { has_no_filters, ..Watched::default() });
        let client = client(&backend, 3);
        let large = group(&client, "Large", 12).await;
        let small = group(&client, "Small", 2).await;
        for (filter, found) in [
            ("members.value+eq+%22m11%22", vec![&large]),
            ("members[value+eq+%22m11%22]", vec![&large]),
            ("not+(members+eq+%22m11%22)", vec![&small]),
        ] {
            let answer = client.get(&format!("/Groups?filter={filter}")).await;
            if has_no_filters {
                answer.assert_error(400, Some("tooMany"));
            } else {
                let page = answer.json();
                assert_eq!(page["totalResults"], found.len(), "{filter}");
                assert_eq!(page["Resources"][0]["id"], **found[0], "{filter}");
            }
        }
        // A filter that does not look at them needs none.
        let page = client.get("/Groups?filter=displayName+sw+%22L%22").await.json();
        assert_eq!(member_values(&page["Resources"][0]), values(12));
        let page = client.get("/Groups?filter=displayName+pr").await.json();
        assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(2), &json!(1)));
    }
}

/// Frameworks want to send it between threads, and some to share it.
#[test]
fn a_body_is_send_and_sync() {
    fn sendable<T: Send + Sync + Unpin + 'static>() {}
    sendable::<ScimBody>();
    sendable::<Pin<Box<ScimBody>>>();
}
