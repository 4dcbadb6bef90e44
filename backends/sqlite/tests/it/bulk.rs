//! Units of writes (RFC 7644 §3.7): each whole or not at all, in one request.

use scim_core::ResourceId;
use scim_server_adapters::{BackendError, Change, MemoryBackend, Precondition, Write, WriteUnit};
use serde_json::{Value, json};

use crate::fixture::{Client, group, in_memory, resource, user};

fn create_user(name: &str) -> Write {
    let resource = resource(&user(), json!({"userName": name}));
    write(Change::Create { id: None, resource, secret: None })
}

fn create_group(id: &ResourceId, member: &ResourceId) -> Write {
    let body = json!({"displayName": id.as_str(), "members": [{"value": member.as_str()}]});
    let resource = resource(&group(), body);
    let change = Change::Create { id: Some(id.clone()), resource, secret: None };
    Write { resource_type: group(), ..write(change) }
}

fn write(change: Change) -> Write {
    Write {
        resource_type: user(),
        change,
        precondition: Precondition::NONE,
        returning: None,
        unique_display_name: false,
    }
}

fn unit(writes: Vec<Write>, depends_on: &[usize]) -> WriteUnit {
    WriteUnit { writes, depends_on: depends_on.to_vec() }
}

/// Each unit's outcome in short.
async fn perform(store: &Client, units: Vec<WriteUnit>, max_errors: Option<usize>) -> Vec<String> {
    let outcomes = store.backend.write_all(&store.cx, units, max_errors).await.unwrap();
    let outcomes = outcomes.into_iter().map(|outcome| match outcome {
        Ok(written) => format!("{} done", written.len()),
        Err(failure) => match failure.error {
            BackendError::Conflict { .. } => format!("write {} conflicts", failure.write),
            BackendError::Dependency => "depends on a failure".to_owned(),
            BackendError::NotFound => format!("write {} finds nothing", failure.write),
            error => panic!("{error}"),
        },
    });
    outcomes.collect()
}

async fn user_names(store: &Client) -> Vec<Value> {
    let page = store.query(&crate::fixture::query(&user(), None)).await.unwrap();
    page.resources.iter().map(|r| r.attributes().unwrap()["userName"].clone()).collect()
}

#[tokio::test]
async fn a_unit_that_fails_is_undone_and_those_that_depend_on_it_are_not_tried() {
    for store in [in_memory(), Client::new(MemoryBackend::new())] {
        let units = vec![
            unit(vec![create_user("a")], &[]),
            unit(vec![create_user("b"), create_user("A")], &[]),
            unit(vec![create_user("c")], &[1]),
            unit(vec![create_user("d")], &[0]),
            unit(vec![create_user("e")], &[2]),
            unit(vec![create_user("b")], &[0, 3]),
        ];
        assert_eq!(
            perform(&store, units, None).await,
            [
                "1 done",
                "write 1 conflicts",
                "depends on a failure",
                "1 done",
                "depends on a failure",
                "1 done",
            ],
        );
        assert_eq!(user_names(&store).await, ["a", "d", "b"]);
    }
}

#[tokio::test]
async fn after_so_many_errors_nothing_further_is_tried() {
    for store in [in_memory(), Client::new(MemoryBackend::new())] {
        let nobody = ResourceId::new("nobody").unwrap();
        let failing = || unit(vec![write(Change::Delete { id: nobody.clone() })], &[]);
        let units = vec![
            failing(),
            unit(vec![create_user("a")], &[]),
            failing(),
            unit(vec![create_user("b")], &[]),
        ];
        let outcomes = perform(&store, units, Some(2)).await;
        assert_eq!(outcomes, ["write 0 finds nothing", "1 done", "write 0 finds nothing"]);
        assert_eq!(user_names(&store).await, ["a"]);
    }
}

#[tokio::test]
async fn resources_with_ids_that_were_chosen_before_may_refer_to_each_other() {
    for store in [in_memory(), Client::new(MemoryBackend::new())] {
        let [a, b] = ["a", "b"].map(|id| ResourceId::new(id).unwrap());
        let circle = unit(vec![create_group(&a, &b), create_group(&b, &a)], &[]);
        assert_eq!(perform(&store, vec![circle], None).await, ["2 done"]);
        for (id, member) in [(&a, &b), (&b, &a)] {
            let stored = store.get(&group(), id).await.unwrap();
            let [found] = stored.members.as_deref().unwrap() else { panic!("one member") };
            assert!(found.exists && *found.value == *member.as_str());
        }
    }
}
