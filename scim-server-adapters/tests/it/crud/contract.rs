//! The contract of [`ProvisioningBackend`](scim_server_adapters::ProvisioningBackend), kept over
//! whatever table.

use scim_conformance::backend::{Contract, registry};
use scim_core::{Resource, ResourceId, User};
use scim_server_adapters::RequestContext;
use scim_server_adapters::crud::{CrudBackend, ListRequest, Listing, New, ResourceStore, Result};

use super::table::{Listed, Table};

/// The resources of one type in a table that holds several: values are unique over all of them.
struct OfType {
    name: &'static str,
    table: Table<Resource>,
}

impl OfType {
    fn is(&self, resource: &Resource) -> bool {
        &**resource.resource_type().name() == self.name
    }
}

impl ResourceStore<Resource> for OfType {
    async fn create(&self, cx: &RequestContext, new: New<Resource>) -> Result<Resource> {
        self.table.create(cx, new).await
    }

    async fn get(&self, cx: &RequestContext, id: &ResourceId) -> Result<Option<Resource>> {
        Ok(self.table.get(cx, id).await?.filter(|resource| self.is(resource)))
    }

    async fn list(&self, cx: &RequestContext, request: &ListRequest) -> Result<Listing<Resource>> {
        match self.table.list(cx, request).await? {
            Listing::All(all) => {
                Ok(Listing::All(all.into_iter().filter(|resource| self.is(resource)).collect()))
            }
            Listing::Page { .. } => unreachable!("the table is given as a whole"),
        }
    }

    async fn replace(
        &self,
        cx: &RequestContext,
        current: &Resource,
        new: New<Resource>,
    ) -> Result<Resource> {
        self.table.replace(cx, current, new).await
    }

    async fn delete(&self, cx: &RequestContext, id: &ResourceId, current: &Resource) -> Result<()> {
        self.table.delete(cx, id, current).await
    }
}

fn backend(listed: Listed) -> CrudBackend {
    let registry = registry();
    let devices = Table::new();
    let users: Table<User> = Table::listed(listed);
    let backend = CrudBackend::new().users(users).groups(Table::listed(listed));
    ["Phone", "Laptop"].into_iter().fold(backend, |backend, name| {
        let resource_type = registry.by_name(name).unwrap();
        backend.resources(resource_type, OfType { name, table: devices.clone() })
    })
}

/// With what [`CrudBackend`] says of itself: it knows of members what the product keeps of them.
fn run(listed: Listed) {
    let who = "what a member is that does not exist, the product would have to say";
    Contract::new(move || async move { backend(listed) })
        .except("membership::operations", who)
        .except("membership::operations_of_one_request", who)
        .except("references::members_show_what_they_name", "names of members are the product's")
        .except("members::", "a product gives its groups whole")
        .except(
            "references::must_exist_beside_deletes",
            "a product's stores of users and of groups share no transaction",
        )
        .except("pages::several_types", "each type has a list of its own")
        .run();
}

#[test]
fn is_kept_over_a_table_that_is_given_as_a_whole() {
    run(Listed::Whole);
}

#[test]
fn is_kept_over_a_table_that_is_given_in_pages() {
    run(Listed::Pages);
}

#[test]
fn is_kept_over_a_table_with_an_index() {
    run(Listed::Index);
}
