//! The small trait for products that just have CRUD, and the backend that is made of it.

mod changes;
mod contract;
mod laws;
mod membership;
mod queries;
mod table;

use std::sync::Arc;

use scim_core::{
    DateTime, Group, Registry, Resource, ResourceId, ResourceType, ScimError, Secret, User,
};
use scim_server_adapters::crud::{
    CrudBackend, ListRequest, Listing, New, ResourceStore, Result, View,
};
use scim_server_adapters::{
    Change, Precondition, ProvisioningBackend, RequestContext, Write, WriteUnit,
};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::client::{BASE, Client, ENTERPRISE, GROUP, PATCH_OP, USER, over};
use table::Table;

/// A service over tables of users and groups.
fn client(users: Table<User>, groups: Table<Group>) -> Client {
    Client::of(over(Arc::new(CrudBackend::new().users(users).groups(groups))).build())
}

#[tokio::test]
async fn a_resource_goes_through_its_life() {
    let client = client(Table::new(), Table::new());
    let body = json!({
        "schemas": [USER, ENTERPRISE], "userName": "bjensen", "externalId": "701984",
        "name": {"givenName": "Barbara", "familyName": "Jensen"},
        "emails": [{"value": "bjensen@example.com", "type": "work", "primary": true}],
        ENTERPRISE: {"employeeNumber": "701984"},
    });
    let created = client.post("/Users", body.clone()).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let path = format!("/Users/{}", created.id());
    assert_eq!(created.header("location"), format!("https://example.com/scim/v2{path}"));
    let mut expected = body;
    expected["id"] = created.id().into();
    expected["meta"] = created.json()["meta"].clone();
    assert_eq!(created.json(), expected);
    let meta = expected["meta"].clone();
    assert_eq!(
        (&meta["resourceType"], &meta["location"], &meta["version"], &meta["lastModified"]),
        (
            &json!("User"),
            &json!(created.header("location")),
            &json!(created.header("etag")),
            &meta["created"]
        ),
    );
    let read = client.get(&path).await;
    assert_eq!((read.status.as_u16(), read.json()), (200, expected));
    assert_eq!(read.header("etag"), created.header("etag"));

    let put = json!({"schemas": [USER], "userName": "babs", "title": "Guide"});
    let replaced = client.put(&path, put).await;
    assert_eq!(replaced.status, 200, "{}", replaced.text);
    assert_ne!(replaced.header("etag"), created.header("etag"));
    let replaced = replaced.json();
    assert_eq!((&replaced["userName"], &replaced["title"]), (&json!("babs"), &json!("Guide")));
    assert!(replaced.get("emails").is_none() && replaced.get(ENTERPRISE).is_none());
    assert_eq!(replaced["meta"]["created"], meta["created"]);

    let operations = json!([{"op": "replace", "path": "active", "value": false},
        {"op": "add", "path": "emails", "value": [{"value": "b@example.com"}]}]);
    let patched = client.patch(&path, operations).await;
    assert_eq!(patched.status, 200, "{}", patched.text);
    assert_eq!(patched.json()["active"], false);
    assert_eq!(client.get(&path).await.json(), patched.json());

    assert_eq!(client.delete(&path).await.status, 204);
    client.get(&path).await.assert_error(404, None);
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_by_any_method() {
    let client = client(Table::new(), Table::new());
    let user = client.user("a").await;
    for path in ["/Users/absent".to_owned(), format!("/Groups/{user}")] {
        client.get(&path).await.assert_error(404, None);
        client.delete(&path).await.assert_error(404, None);
        client
            .patch(&path, json!([{"op": "remove", "path": "externalId"}]))
            .await
            .assert_error(404, None);
    }
    let put = json!({"schemas": [USER], "userName": "b"});
    client.put("/Users/absent", put).await.assert_error(404, None);
}

#[tokio::test]
async fn a_conflict_that_the_product_sees_is_409_uniqueness() {
    let client = client(Table::new(), Table::new());
    client.user("bjensen").await;
    let other = format!("/Users/{}", client.user("other").await);
    let taken = json!({"schemas": [USER], "userName": "BJensen"});
    let rename = json!([{"op": "replace", "path": "userName", "value": "bjensen"}]);
    for answer in [
        client.post("/Users", taken.clone()).await,
        client.put(&other, taken).await,
        client.patch(&other, rename).await,
    ] {
        answer.assert_error(409, Some("uniqueness"));
        assert!(answer.text.contains("`userName`"), "{}", answer.text);
    }
    assert_eq!(client.get(&other).await.json()["userName"], "other");
}

#[tokio::test]
async fn unique_group_names_are_asked_of_the_product_where_the_profile_demands_them() {
    use scim_core::{Profile, Validation};
    for (profile, status) in
        [(Profile::INTEROP, 201), (Profile::INTEROP.validating(Validation::UniqueGroupNames), 409)]
    {
        let groups: Table<Group> = Table::new();
        let backend = CrudBackend::new().groups(groups);
        let client = Client::of(over(Arc::new(backend)).profile(profile).build());
        client.group("Guides", &[]).await;
        let body = json!({"schemas": [GROUP], "displayName": "guides"});
        assert_eq!(client.post("/Groups", body).await.status, status);
    }
}

#[tokio::test]
async fn tenants_are_apart() {
    let backend = CrudBackend::new().users(Table::new()).groups(Table::new());
    let (acme, globex) = Client::acme_and_globex_of(over(Arc::new(backend)));
    let id = acme.user("bjensen").await;
    globex.user("bjensen").await;
    let path = format!("/Users/{id}");
    globex.get(&path).await.assert_error(404, None);
    globex.delete(&path).await.assert_error(404, None);
    assert_eq!(globex.get("/Users").await.json()["totalResults"], 1);
    let group = globex.group("Guides", &[&id]).await;
    let members = globex.get(&format!("/Groups/{group}")).await.json()["members"].clone();
    assert_eq!(members, json!([{"value": id}]), "a stranger");
    assert_eq!(acme.get(&path).await.json()["userName"], "bjensen");
}

#[tokio::test]
async fn only_the_types_that_have_a_store_are_offered() {
    let backend = CrudBackend::new().users(Table::new());
    let registry = backend.registry().unwrap();
    let backend = Arc::new(backend);
    let service = over(Arc::<CrudBackend>::clone(&backend)).registry(registry).build();
    let client = Client::of(service);
    client.user("a").await;
    client.get("/Groups").await.assert_error(404, None);
    assert_eq!(client.get("/ResourceTypes").await.json()["totalResults"], 1);

    // Offered all the same, they are none.
    let client = Client::of(over(backend).build());
    assert_eq!(client.get("/Groups").await.json()["totalResults"], 0);
    client.get("/Groups/1").await.assert_error(404, None);
    let group = json!({"schemas": [GROUP], "displayName": "Guides"});
    client.post("/Groups", group).await.assert_error(501, None);
    assert_eq!(client.get("/?count=5").await.json()["totalResults"], 1);
}

#[tokio::test]
async fn discovery_tells_what_the_backend_can_do() {
    let config = client(Table::new(), Table::new()).get("/ServiceProviderConfig").await.json();
    for (feature, supported) in [
        ("patch", true),
        ("filter", true),
        ("sort", true),
        ("etag", true),
        ("bulk", true),
        ("changePassword", false),
    ] {
        assert_eq!(config[feature]["supported"], supported, "{feature}");
    }
    assert_eq!(config["pagination"]["cursor"], true);
}

/// Keeps one user, with the password in the same row, and all passwords that came.
struct Passwords {
    user: Mutex<Option<User>>,
    seen: Arc<Mutex<Vec<Option<String>>>>,
}

impl Passwords {
    async fn put(&self, new: New<User>) -> Result<User> {
        assert!(new.resource.password.is_none(), "a password is no part of the resource");
        let password = new.password.map(|secret| secret.expose_secret().to_owned());
        self.seen.lock().await.push(password.clone());
        let user = User { password, ..new.resource };
        Ok(self.user.lock().await.insert(user).clone())
    }
}

impl ResourceStore<User> for Passwords {
    const KEEPS_PASSWORDS: bool = true;

    async fn create(&self, _: &RequestContext, new: New<User>) -> Result<User> {
        self.put(new).await
    }

    async fn get(&self, _: &RequestContext, _: &ResourceId) -> Result<Option<User>> {
        Ok(self.user.lock().await.clone())
    }

    async fn list(&self, _: &RequestContext, _: &ListRequest) -> Result<Listing<User>> {
        Ok(Listing::All(self.user.lock().await.iter().cloned().collect()))
    }

    async fn replace(&self, _: &RequestContext, _: &User, new: New<User>) -> Result<User> {
        self.put(new).await
    }

    async fn delete(&self, _: &RequestContext, _: &ResourceId, _: &User) -> Result<()> {
        *self.user.lock().await = None;
        Ok(())
    }
}

#[tokio::test]
async fn passwords_come_beside_the_resource_where_they_are_kept() {
    let seen = Arc::default();
    let store = Passwords { user: Mutex::default(), seen: Arc::clone(&seen) };
    let client = Client::of(over(Arc::new(CrudBackend::new().users(store))).build());
    let config = client.get("/ServiceProviderConfig").await.json();
    assert_eq!(config["changePassword"], json!({"supported": true}));
    let body = json!({"schemas": [USER], "userName": "a", "password": "t1meMa$heen"});
    let created = client.post("/Users", body).await;
    let path = format!("/Users/{}", created.id());
    let patch = json!([{"op": "replace", "path": "password", "value": "other"}]);
    let patched = client.patch(&path, patch).await;
    let put = json!({"schemas": [USER], "userName": "b"});
    let replaced = client.put(&path, put).await;
    for answer in [&created, &patched, &replaced] {
        assert!(answer.status.is_success(), "{}", answer.text);
        assert!(!answer.text.contains("t1me") && !answer.text.contains("other"));
    }
    let seen = seen.lock().await;
    assert_eq!(*seen, [Some("t1meMa$heen".to_owned()), Some("other".to_owned()), None]);
}

#[tokio::test]
async fn a_store_that_keeps_no_passwords_never_sees_one() {
    let users = Table::new();
    let log = users.log();
    let client = client(users, Table::new());
    let body = json!({"schemas": [USER], "userName": "a", "password": "t1meMa$heen"});
    let created = client.post("/Users", body).await;
    assert_eq!(created.status, 201);
    let path = format!("/Users/{}", created.id());
    let patch = json!([{"op": "replace", "path": "password", "value": "other"}]);
    let patched = client.patch(&path, patch).await;
    assert_eq!(patched.status, 200);
    assert_eq!(patched.header("etag"), created.header("etag"));
    assert_eq!((log.passwords(), log.replaces()), (0, 0));
}

#[tokio::test]
async fn a_product_may_choose_ids_and_versions() {
    let client = client(Table::numbered(), Table::new());
    let first = client.user("a").await;
    assert_eq!((first.as_str(), client.user("b").await.as_str()), ("u1", "u2"));
    let path = "/Users/u1";
    assert_eq!(client.get(path).await.header("etag"), "W/\"1\"");
    let answer = client.patch(path, json!([{"op": "add", "path": "title", "value": "x"}])).await;
    assert_eq!(answer.header("etag"), "W/\"2\"");
    assert_eq!(answer.json()["meta"]["version"], "W/\"2\"");
    assert_eq!(client.get(path).await.header("etag"), "W/\"2\"");
}

#[tokio::test]
async fn dates_are_those_the_product_keeps() {
    let client = client(Table::new(), Table::new());
    let created = client.post("/Users", json!({"schemas": [USER], "userName": "a"})).await;
    let path = format!("/Users/{}", created.id());
    let before: DateTime = date(&created.json(), "created");
    std::thread::sleep(std::time::Duration::from_millis(2));
    let changed = client.patch(&path, json!([{"op": "add", "path": "title", "value": "x"}])).await;
    assert_eq!(date(&changed.json(), "created"), before);
    assert!(date(&changed.json(), "lastModified") > before);
    let found = client.get(&format!("/Users?filter=meta.lastModified+gt+%22{before}%22")).await;
    assert_eq!(found.json()["totalResults"], 1);
}

fn date(resource: &Value, name: &str) -> DateTime {
    resource["meta"][name].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn bulk_requests_refer_in_every_direction_to_ids_that_the_product_chose() {
    let client = client(Table::numbered(), Table::new());
    let request = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {
                "schemas": [GROUP], "displayName": "All",
                "members": [{"value": "bulkId:a"}, {"value": "bulkId:b"}]}},
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": {
                "schemas": [USER, ENTERPRISE], "userName": "a",
                ENTERPRISE: {"manager": {"value": "bulkId:b"}}}},
            {"method": "POST", "path": "/Users", "bulkId": "b", "data": {
                "schemas": [USER, ENTERPRISE], "userName": "b",
                ENTERPRISE: {"manager": {"value": "bulkId:a"}}}},
            {"method": "PATCH", "path": "/Users/bulkId:a", "data": {"schemas": [PATCH_OP],
                "Operations": [{"op": "add", "path": "title", "value": "x"}]}},
        ],
    });
    let answer = client.post("/Bulk", request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let statuses: Vec<_> = answer.json()["Operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["status"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(statuses, ["201", "201", "201", "200"], "{}", answer.text);
    let (a, b) = (client.get("/Users/u1").await.json(), client.get("/Users/u2").await.json());
    assert_eq!(a[ENTERPRISE]["manager"]["$ref"], format!("{BASE}/Users/u2"));
    assert_eq!(b[ENTERPRISE]["manager"]["$ref"], format!("{BASE}/Users/u1"));
    let group = client.get("/Groups").await.json()["Resources"][0].clone();
    assert_eq!(group["members"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn units_of_writes_are_done_in_order_and_those_of_several_not_at_all() {
    let backend = CrudBackend::new().users(Table::new());
    let cx = RequestContext {
        tenant: "".into(),
        principal: "tests".into(),
        request_id: "1".into(),
        now: DateTime::now(),
    };
    let unit = |names: &[&str], depends_on: &[usize]| {
        let write = |name: &&str| {
            let user = User { user_name: (*name).to_owned(), ..User::default() };
            Write {
                resource_type: ResourceType::user(),
                change: Change::Create {
                    id: None,
                    resource: user.to_resource().unwrap(),
                    secret: None::<Secret>,
                },
                precondition: Precondition::NONE,
                returning: None,
                unique_display_name: false,
                must_exist: Vec::new(),
            }
        };
        WriteUnit { writes: names.iter().map(write).collect(), depends_on: depends_on.to_vec() }
    };
    let units = || {
        vec![
            unit(&["a"], &[]),
            unit(&["a"], &[]),
            unit(&["b", "c"], &[]),
            unit(&["d"], &[1]),
            unit(&["e"], &[0]),
        ]
    };
    let results = backend.write_all(&cx, units(), None).await.unwrap();
    let shown: Vec<_> = results
        .iter()
        .map(|r| r.as_ref().map(Vec::len).map_err(|f| f.error.to_scim("x").status()))
        .collect();
    assert_eq!(shown, [Ok(1), Err(409), Err(501), Err(409), Ok(1)]);
    assert_eq!(backend.write_all(&cx, units(), Some(1)).await.unwrap().len(), 1);
}

/// A form that a product has of its own resource type.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Device {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<ResourceId>,
    serial_number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<i64>,
}

impl View for Device {
    fn id(&self) -> Option<&ResourceId> {
        self.id.as_ref()
    }

    fn from_resource(resource: &Resource) -> Result<Self, ScimError> {
        serde_json::from_value(Value::Object(resource.to_json()))
            .map_err(|e| ScimError::invalid_value(e.to_string()))
    }

    fn to_resource_of(&self, resource_type: &Arc<ResourceType>) -> Result<Resource, ScimError> {
        let Ok(Value::Object(mut json)) = serde_json::to_value(self) else { unreachable!() };
        json.insert("schemas".to_owned(), json!([resource_type.schema().id()]));
        Resource::from_json(resource_type, json)
    }
}

impl table::Row for Device {
    fn version(&self) -> u64 {
        0
    }

    fn identified(self, id: ResourceId, _: u64) -> Self {
        Self { id: Some(id), ..self }
    }

    fn unique(&self, _: bool) -> Vec<(String, String)> {
        vec![("serialNumber".to_owned(), self.serial_number.clone())]
    }
}

/// Devices as a type of the product's own, and as documents of whatever type.
#[tokio::test]
async fn resource_types_of_the_products_own_are_served_in_forms_of_its_own_or_as_documents() {
    let mut registry = Registry::builtin();
    registry
        .add_schema_json(
            r#"{"id": "urn:example:Device", "attributes": [
                {"name": "serialNumber", "required": true, "uniqueness": "server"},
                {"name": "age", "type": "integer"}]}"#,
        )
        .unwrap();
    let device = registry
        .add_resource_type_json(
            r#"{"name": "Device", "endpoint": "/Devices", "schema": "urn:example:Device"}"#,
        )
        .unwrap();
    for backend in [
        CrudBackend::new().resources(&device, Table::<Device>::new()),
        CrudBackend::new().resources(&device, Table::<Resource>::new()),
    ] {
        let registry = backend.registry().unwrap();
        let client = Client::of(over(Arc::new(backend)).registry(registry).build());
        let body = |serial: &str, age: i64| json!({"schemas": ["urn:example:Device"], "serialNumber": serial, "age": age});
        let created = client.post("/Devices", body("A1", 3)).await;
        assert_eq!(created.status, 201, "{}", created.text);
        client.post("/Devices", body("B2", 10)).await;
        client.post("/Devices", body("A1", 1)).await.assert_error(409, Some("uniqueness"));
        let found = client.get("/Devices?filter=age+gt+5&sortBy=age").await.json();
        assert_eq!(
            (&found["totalResults"], &found["Resources"][0]["serialNumber"]),
            (&json!(1), &json!("B2"))
        );
        let path = format!("/Devices/{}", created.id());
        let patched =
            client.patch(&path, json!([{"op": "replace", "path": "age", "value": 4}])).await;
        assert_eq!((patched.status.as_u16(), &patched.json()["age"]), (200, &json!(4)));
        assert_eq!(client.delete(&path).await.status, 204);
    }
}

#[tokio::test]
async fn what_a_product_gives_in_breach_of_its_contract_is_a_fault_of_the_server() {
    /// Gives one user, as it is.
    struct Given(User, bool);

    impl ResourceStore<User> for Given {
        async fn create(&self, _: &RequestContext, _: New<User>) -> Result<User> {
            Ok(self.0.clone())
        }

        async fn get(&self, _: &RequestContext, _: &ResourceId) -> Result<Option<User>> {
            Ok(Some(self.0.clone()))
        }

        async fn list(&self, _: &RequestContext, request: &ListRequest) -> Result<Listing<User>> {
            let again = vec![self.0.clone(); request.limit];
            Ok(if self.1 {
                Listing::Page { resources: again, total: None }
            } else {
                Listing::All(vec![self.0.clone()])
            })
        }

        async fn replace(&self, _: &RequestContext, _: &User, _: New<User>) -> Result<User> {
            Ok(User { id: Some(ResourceId::new("another").unwrap()), ..self.0.clone() })
        }

        async fn delete(&self, _: &RequestContext, _: &ResourceId, _: &User) -> Result<()> {
            Ok(())
        }
    }

    let served = |user: User, endless: bool| {
        Client::of(over(Arc::new(CrudBackend::new().users(Given(user, endless)))).build())
    };
    let user = |id: &str| User {
        id: Some(ResourceId::new(id).unwrap()),
        user_name: "a".to_owned(),
        ..User::default()
    };
    let create = json!({"schemas": [USER], "userName": "a"});
    let nameless = served(User { id: None, ..user("1") }, false);
    nameless.post("/Users", create.clone()).await.assert_error(500, None);
    nameless.get("/Users").await.assert_error(500, None);
    let mut unknown = user("1");
    unknown.other.insert("shoeSize".to_owned(), 42.into());
    served(unknown, false).get("/Users/1").await.assert_error(500, None);
    served(user("1"), false).get("/Users/2").await.assert_error(500, None);
    let put = json!({"schemas": [USER], "userName": "b"});
    served(user("1"), false).put("/Users/1", put).await.assert_error(500, None);
    // A list that never goes on does not keep the server busy for ever.
    served(user("1"), true).get("/Users?filter=title+pr").await.assert_error(500, None);
    let healthy = served(user("1"), false).get("/Users/1").await;
    assert_eq!(healthy.json()["meta"]["created"], "1970-01-01T00:00:00Z");
}
