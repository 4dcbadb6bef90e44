"""A whole life of users and groups through the Python package scim2-client: discovery first, then what
an identity provider does with what it found. Every answer is checked by that package against the
schemas that the server publishes; here it is what the server holds after each step.

Usage: scim2_client_lifecycle.py URL KEY, of an organisation that has nobody in it.
"""

import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import (
    BulkOperation,
    BulkRequest,
    Error,
    PatchOp,
    PatchOperation,
    ResponseParameters,
    SearchRequest,
)

url, key = sys.argv[1:]
http = Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False)
scim = SyncSCIMClient(http, raise_scim_errors=False)
steps = 0


def holds(is_so, expected, seen):
    """One check of the state."""
    global steps
    if not is_so:
        sys.exit(f"expected: {expected}\nseen:     {seen}")
    steps += 1


def same(what, seen, expected):
    holds(seen == expected, f"{what}: {expected!r}", repr(seen))


def refused(answer, status, scim_type):
    holds(isinstance(answer, Error), f"an error {status}", answer)
    same("the error", (answer.status, answer.scim_type), (status, scim_type))


def names(answer):
    """The user names or display names of a list."""
    resources = answer.resources or []
    return sorted(r.display_name if isinstance(r, Group) else r.user_name for r in resources)


def parts(values):
    return [(value.value, value.type, value.primary) for value in values or []]


def members(group_id):
    return sorted(member.value for member in scim.query(Group, group_id).members or [])


def patch(resource, *operations):
    operations = [PatchOperation[type(resource)](**operation) for operation in operations]
    return scim.modify(resource, PatchOp[type(resource)](operations=operations))


# What there is.
scim.discover()
User, Group = scim.get_resource_model("User"), scim.get_resource_model("Group")
Enterprise = User.get_extension_model("EnterpriseUser")
supported = scim.provider.config
for name in ["patch", "bulk", "filter", "sort", "etag"]:
    holds(getattr(supported, name).supported, f"`{name}` is supported", supported)
same("what there is", sorted(t.name for t in scim.provider.resource_types), ["Group", "User"])
same("who there is", scim.query(User).total_results, 0)

# Users: a look for nobody, made, read, found.
same("a look for nobody", names(scim.query(User, query_parameters=SearchRequest(
    filter='userName eq "bjensen"'))), [])
babs = User(
    user_name="bjensen",
    external_id="701984",
    display_name="Babs Jensen",
    active=True,
    name=User.Name(given_name="Barbara", family_name="Jensen"),
    emails=[
        User.Emails(value="bjensen@example.com", type="work", primary=True),
        User.Emails(value="babs@example.org", type="home"),
    ],
)
babs[Enterprise] = Enterprise(employee_number="701984", department="Tours")
babs = scim.create(babs)
holds(babs.id and babs.meta.location.endswith(f"/Users/{babs.id}"), "a location", babs)
john = scim.create(User(user_name="jsmith", active=True))
same("it read back", scim.query(User, babs.id), babs)
refused(scim.create(User(user_name="BJENSEN")), 409, "uniqueness")
for text, found in [
    ('userName eq "BJensen"', ["bjensen"]),
    ('emails[type eq "home" and value co "@example.org"]', ["bjensen"]),
    (f'{Enterprise.__schema__}:department eq "tours"', ["bjensen"]),
    ('not (externalId pr)', ["jsmith"]),
    ('active eq true', ["bjensen", "jsmith"]),
]:
    same(text, names(scim.query(User, query_parameters=SearchRequest(filter=text))), found)
    request = SearchRequest(filter=text, sort_by="userName", count=10)
    same(f"{text} by POST", names(scim.search(User, request)), found)
page = scim.query(User, query_parameters=SearchRequest(start_index=2, count=1, sort_by="userName"))
same("the second page", (names(page), page.total_results, page.start_index), (["jsmith"], 2, 2))

# Replaced: what is left out is cleared.
before = babs.meta.version
babs.title, babs.display_name, babs.emails = "Tour Guide", None, babs.emails[:1]
babs = scim.replace(babs)
holds(babs.meta.version != before, "a new version", babs.meta)
stored = scim.query(User, babs.id)
same("after a PUT", (stored.title, stored.display_name), ("Tour Guide", None))
same("the addresses", parts(stored.emails), [("bjensen@example.com", "work", True)])
same("what a PUT keeps", (stored.active, stored[Enterprise].department), (True, "Tours"))
same("the same PUT again", scim.replace(stored).meta.version, babs.meta.version)

# Changed by parts.
stale = scim.query(User, babs.id)
manager = f"{Enterprise.__schema__}:manager"
changed = patch(
    babs,
    {"op": "replace", "path": "name.familyName", "value": "Smith"},
    {"op": "add", "path": "emails", "value": [{"value": "b@example.net", "type": "other"}]},
    {"op": "replace", "path": 'emails[type eq "work"].value', "value": "bsmith@example.com"},
    {"op": "add", "path": manager, "value": {"value": john.id}},
    {"op": "remove", "path": "title"},
    {"op": "replace", "value": {"active": False}},
)
stored = scim.query(User, babs.id)
same("the answer", changed, stored)
same("the name", (stored.name.given_name, stored.name.family_name), ("Barbara", "Smith"))
same("the addresses", parts(stored.emails), [
    ("bsmith@example.com", "work", True), ("b@example.net", "other", None)])
same("the manager", stored[Enterprise].manager.value, john.id)
holds(str(stored[Enterprise].manager.ref).endswith(f"/Users/{john.id}"), "where", stored)
same("the others", (stored.title, stored.active), (None, False))
stale.title = "Lost update"
refused(scim.replace(stale), 412, None)
same("nothing was lost", scim.query(User, babs.id).title, None)
maybe = [{"op": "add", "path": "title", "value": "Lost"},
         {"op": "replace", "path": "active", "value": "maybe"}]
refused(patch(stored, *maybe), 400, "invalidValue")
same("nothing changed", scim.query(User, babs.id), stored)

# Groups.
guides = scim.create(Group(display_name="Tour Guides", members=[Group.Members(value=babs.id)]))
same("the members", members(guides.id), [babs.id])
same("of whom", scim.query(User, babs.id).groups[0].value, guides.id)
for again in range(2):
    patch(scim.query(Group, guides.id), {"op": "add", "path": "members", "value": [{"value": john.id}]})
    same("both", members(guides.id), sorted([babs.id, john.id]))
patch(
    scim.query(Group, guides.id),
    {"op": "remove", "path": f'members[value eq "{babs.id}"]'},
    {"op": "replace", "path": "displayName", "value": "Guides"},
)
same("one left", members(guides.id), [john.id])
same("of what", names(scim.query(Group, query_parameters=SearchRequest(
    filter=f'members.value eq "{john.id}"'))), ["Guides"])
short = scim.query(Group, guides.id,
                   query_parameters=ResponseParameters(excluded_attributes=["members"]))
same("without members", (short.display_name, short.members), ("Guides", None))
same("by id", names(scim.query(query_parameters=SearchRequest(filter=f'id eq "{guides.id}"'))),
     ["Guides"])

# In one request: a user, and a group that refers to it.
done = scim.bulk(BulkRequest[User | Group](operations=[
    BulkOperation[User](
        method="POST", path="/Users", bulk_id="u", data=User(user_name="tjones")),
    BulkOperation[Group](
        method="POST", path="/Groups", bulk_id="g",
        data=Group(display_name="Drivers", members=[Group.Members(value="bulkId:u")])),
]))
same("how it went", [operation.status for operation in done.operations], [201, 201])
tom, drivers = (operation.location.rsplit("/", 1)[1] for operation in done.operations)
same("who drives", members(drivers), [tom])

# Gone.
same("a deletion", scim.delete(User, john.id), None)
refused(scim.query(User, john.id), 404, None)
same("nobody in it", members(guides.id), [])
refused(scim.delete(User, john.id), 404, None)
for group in [guides.id, drivers]:
    same("a deletion", scim.delete(Group, group), None)
for user in [babs.id, tom]:
    same("a deletion", scim.delete(User, user), None)
same("who is left", (scim.query(User).total_results, scim.query(Group).total_results), (0, 0))

print(f"{steps} checks")
