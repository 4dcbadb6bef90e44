// A whole life of users and groups in the shapes in which identity providers send their requests,
// through node's `fetch`. The npm registry has no SCIM client that speaks to any server (scim-node is
// for Gluu's, behind its UMA); it has SCIMMY, which models resources and messages for both sides. So
// every answer is read by SCIMMY, which throws at what its schemas do not allow, and what a PATCH
// leads to is compared with what SCIMMY makes of it.
//
// Usage: node lifecycle.mjs URL KEY, of an organisation that has nobody in it.

import assert from "node:assert/strict";
import process from "node:process";

import SCIMMY from "scimmy";

const [url, key] = process.argv.slice(2);
const { Messages, Schemas } = SCIMMY;

const USER = Schemas.User.id;
const GROUP = Schemas.Group.id;
const ENTERPRISE = Schemas.EnterpriseUser.id;
const PATCH_OP = Messages.PatchOp.id;
Schemas.User.definition.extend(Schemas.EnterpriseUser.definition);

let requests = 0;

/** Sends a request; the answer has the status expected, and SCIMMY can read it. */
async function send(method, path, expected, body, headers = {}) {
    const response = await fetch(url + path, {
        method,
        headers: {
            authorization: `Bearer ${key}`,
            accept: "application/scim+json",
            ...(body === undefined ? {} : { "content-type": "application/scim+json; charset=utf-8" }),
            ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    requests += 1;
    const about = `${method} ${path} ${JSON.stringify(body) ?? ""}\n${text}`;
    assert.equal(response.status, expected, about);
    if (text === "") return { headers: response.headers };
    assert.equal(response.headers.get("content-type"), "application/scim+json", about);
    const json = JSON.parse(text);
    read(json, !path.includes("excludedAttributes"), about);
    return { headers: response.headers, json };
}

/** Lets SCIMMY read a resource, a list, or an error. A group has `members`, unless they are excluded. */
function read(json, whole, about) {
    const { schemas } = json;
    if (schemas.includes(Messages.ListResponse.id)) {
        const list = new Messages.ListResponse(json);
        assert.equal(list.Resources.length, json.Resources.length, about);
        json.Resources.forEach((resource) => read(resource, whole, about));
    } else if (schemas.includes("urn:ietf:params:scim:api:messages:2.0:Error")) {
        assert.equal(typeof json.status, "string", about);
        assert.equal(typeof json.detail, "string", about);
    } else if (schemas.includes(USER)) {
        assert.equal(new Schemas.User(json).userName, json.userName, about);
    } else if (schemas.includes(GROUP)) {
        assert.equal(new Schemas.Group(json).displayName, json.displayName, about);
        assert.equal(Array.isArray(json.members), whole, about);
    }
}

/** What a resource holds beside what a server says of it, and of whom it refers to. */
function content(resource) {
    const { schemas, id, meta, groups, ...rest } = JSON.parse(JSON.stringify(resource));
    const references = [...(rest.members ?? []), rest[ENTERPRISE]?.manager].filter(Boolean);
    for (const reference of references) {
        delete reference.$ref;
        delete reference.type;
        delete reference.display;
        delete reference.displayName;
    }
    if (rest.members?.length === 0) delete rest.members;
    return rest;
}

async function get(path) {
    return (await send("GET", path, 200)).json;
}

async function find(path, filter) {
    const list = await get(`${path}?filter=${encodeURIComponent(filter)}`);
    assert.equal(list.totalResults, list.Resources.length);
    return list.Resources.map((resource) => resource.id);
}

async function create(path, body) {
    const { headers, json } = await send("POST", path, 201, body);
    assert.equal(headers.get("location"), json.meta.location);
    assert.deepEqual(await get(`${path}/${json.id}`), json);
    return json.id;
}

/** Sends a PATCH and looks at what became of it: what is to be there, and nothing else changed. */
async function patch(path, body, edit) {
    const wanted = content(await get(path));
    edit(wanted);
    const { json } = await send("PATCH", path, 200, body);
    assert.deepEqual(await get(path), json);
    assert.deepEqual(content(json), wanted);
}

/** The same for what RFC 7644 §3.5.2 provides for: SCIMMY comes to the same result. */
async function patchAsScimmy(path, operations) {
    const body = { schemas: [PATCH_OP], Operations: operations };
    const before = await get(path);
    const Model = before.schemas.includes(USER) ? Schemas.User : Schemas.Group;
    const patched = await new Messages.PatchOp(body).apply(new Model(before));
    const { json } = await send("PATCH", path, 200, body);
    assert.deepEqual(await get(path), json);
    assert.deepEqual(content(json), content(patched ?? before));
    return json;
}

async function members(path) {
    return (await get(path)).members.map((member) => member.value);
}

async function gone(...paths) {
    for (const path of paths) {
        await send("DELETE", path, 204);
        await send("GET", path, 404);
    }
}

const message = (...operations) => ({ schemas: [PATCH_OP], Operations: operations });

async function discovery() {
    const config = await get("/ServiceProviderConfig");
    for (const name of ["patch", "bulk", "filter", "sort", "etag"]) {
        assert.equal(config[name].supported, true, name);
    }
    assert.equal(config.authenticationSchemes[0].type, "oauthbearertoken");
    const types = await get("/ResourceTypes");
    assert.deepEqual(types.Resources.map((type) => type.endpoint).sort(), ["/Groups", "/Users"]);
    const schemas = await get("/Schemas");
    for (const definition of [Schemas.User.definition, Schemas.Group.definition]) {
        const schema = schemas.Resources.find((schema) => schema.id === definition.id);
        const names = schema.attributes.map((attribute) => attribute.name);
        const known = definition.attributes
            .filter((attribute) => attribute instanceof SCIMMY.Types.Attribute)
            .map((attribute) => attribute.name)
            .filter((name) => !["schemas", "id", "externalId", "meta"].includes(name));
        const missing = known.filter((name) => !names.includes(name));
        assert.deepEqual(missing, [], definition.id);
    }
}

async function correct() {
    const boss = await create("/Users", { schemas: [USER], userName: "boss@example.com" });
    const id = await create("/Users", {
        schemas: [USER, ENTERPRISE],
        userName: "ada@example.com",
        name: { givenName: "Ada", familyName: "Byron" },
        emails: [{ value: "ada@example.com", type: "work", primary: true }],
        [ENTERPRISE]: { department: "Engines" },
    });
    const path = `/Users/${id}`;
    await patchAsScimmy(path, [{ op: "replace", path: "name.familyName", value: "Lovelace" }]);
    await patchAsScimmy(path, [{ op: "add", value: { title: "Countess", active: true } }]);
    await patchAsScimmy(path, [
        { op: "add", path: "emails", value: [{ value: "ada@home.example", type: "home" }] },
        { op: "replace", path: 'emails[type eq "work"].value', value: "countess@example.com" },
        { op: "replace", path: `${ENTERPRISE}:department`, value: "Mathematics" },
        { op: "add", path: `${ENTERPRISE}:manager`, value: { value: boss } },
    ]);
    await patchAsScimmy(path, [
        { op: "remove", path: 'emails[type eq "home"]' },
        { op: "remove", path: "title" },
        { op: "replace", path: "active", value: false },
    ]);
    const group = await create("/Groups", { schemas: [GROUP], displayName: "Engineers" });
    await patchAsScimmy(`/Groups/${group}`, [
        { op: "add", path: "members", value: [{ value: id }, { value: boss }] },
    ]);
    await patchAsScimmy(`/Groups/${group}`, [
        { op: "remove", path: `members[value eq "${boss}"]` },
        { op: "replace", path: "displayName", value: "Analysts" },
    ]);
    assert.deepEqual(await members(`/Groups/${group}`), [id]);
    assert.deepEqual((await get(path)).groups.map((group) => group.value), [group]);
    await gone(path, `/Users/${boss}`);
    assert.deepEqual(await members(`/Groups/${group}`), []);
    await gone(`/Groups/${group}`);
}

async function entra() {
    assert.deepEqual(await find("/Users", 'userName eq "0b4cbd0b-6a3c-4f0e-8a36-2d1c2a1e5a77"'), []);
    const user = {
        schemas: [USER, ENTERPRISE],
        externalId: "grace",
        userName: "grace@example.com",
        active: true,
        displayName: "Grace Hopper",
        emails: [{ primary: true, type: "work", value: "grace@example.com" }],
        meta: { resourceType: "User" },
        name: { formatted: "Grace Hopper", familyName: "Hopper", givenName: "Grace" },
        roles: [],
    };
    const id = await create("/Users", user);
    const path = `/Users/${id}`;
    assert.deepEqual(await find("/Users", 'userName eq "GRACE@example.com"'), [id]);
    assert.deepEqual(await find("/Users", "externalId eq grace"), [id]);
    assert.equal((await send("POST", "/Users", 409, user)).json.scimType, "uniqueness");
    await patch(path, message(
        { op: "Replace", path: 'emails[type eq "work"].value', value: "rear.admiral@example.com" },
        { op: "Replace", path: "name.familyName", value: "Murray" },
        { op: "Add", path: 'phoneNumbers[type eq "mobile"].value', value: "+1 201 555 0123" },
        { op: "Add", path: `${ENTERPRISE}:employeeNumber`, value: "1906" },
        { op: "Replace", path: "active", value: "False" },
    ), (user) => {
        user.emails[0].value = "rear.admiral@example.com";
        user.name.familyName = "Murray";
        user.phoneNumbers = [{ type: "mobile", value: "+1 201 555 0123" }];
        user[ENTERPRISE] = { employeeNumber: "1906" };
        user.active = false;
    });
    await patch(path, message({
        op: "replace",
        value: { displayName: "Amazing Grace", "name.givenName": "G.", [`${ENTERPRISE}:department`]: "Navy" },
    }), (user) => {
        user.displayName = "Amazing Grace";
        user.name.givenName = "G.";
        user[ENTERPRISE].department = "Navy";
    });
    const role = JSON.stringify({ id: "25", value: "25", displayName: "Admiral" });
    await patch(path, message({ op: "Add", path: "roles", value: [{ value: role }] }), (user) => {
        user.roles = [{ value: "25", display: "Admiral" }];
    });
    const boss = await create("/Users", { schemas: [USER], userName: "boss@example.com" });
    await patch(path, message({ op: "Add", path: "manager", value: boss }), (user) => {
        user[ENTERPRISE].manager = { value: boss };
    });
    assert.deepEqual(await find("/Users", `id eq "${id}" and manager eq "${boss}"`), [id]);
    await patch(path, message({ op: "Replace", path: "manager", value: "" }), (user) => {
        delete user[ENTERPRISE].manager;
    });
    const group = await create("/Groups", {
        schemas: [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        externalId: "8aa1a0c0",
        displayName: "Sailors",
        meta: { resourceType: "Group" },
    });
    assert.deepEqual(await find("/Groups", 'displayName eq "sailors"'), [group]);
    const add = (id) => ({ op: "Add", path: "members", value: [{ $ref: null, value: id }] });
    const sailors = `/Groups/${group}`;
    await send("PATCH", sailors, 200, message(add(id), add(boss)));
    await send("PATCH", sailors, 200, message(add(id)));
    assert.deepEqual(await members(sailors), [id, boss]);
    const remove = { op: "Remove", path: "members", value: [{ $ref: null, value: id }] };
    for (let again = 0; again < 2; again += 1) {
        await send("PATCH", sailors, 200, message(remove));
        assert.deepEqual(await members(sailors), [boss]);
    }
    assert.equal((await get(`${sailors}?excludedAttributes=members`)).displayName, "Sailors");
    await gone(sailors, path, `/Users/${boss}`);
}

async function okta() {
    const agent = { "user-agent": "Okta SCIM Client 1.0.0" };
    const user = {
        schemas: [USER],
        userName: "alan@example.com",
        name: { givenName: "Alan", familyName: "Turing" },
        emails: [{ primary: true, value: "alan@example.com", type: "work" }],
        displayName: "Alan Turing",
        locale: "en-US",
        externalId: "00ujl29u0le5T6Aj10h7",
        groups: [],
        password: "1mz050nq",
        active: true,
    };
    assert.deepEqual(await find("/Users", 'userName eq "alan@example.com"'), []);
    const { json } = await send("POST", "/Users", 201, user, agent);
    const path = `/Users/${json.id}`;
    assert.equal(JSON.stringify(json).includes(user.password), false);
    const page = await get("/Users?startIndex=1&count=2");
    assert.deepEqual([page.startIndex, page.itemsPerPage], [1, 1]);
    await send("PUT", path, 200, { ...json, nickName: "Prof", displayName: undefined }, agent);
    const put = await get(path);
    assert.deepEqual([put.nickName, put.displayName], ["Prof", undefined]);
    await patch(path, message({ op: "replace", value: { active: false } }), (user) => {
        user.active = false;
    });
    const group = await create("/Groups", { schemas: [GROUP], displayName: "Bombes", members: [] });
    const joins = { op: "add", path: "members", value: [{ value: json.id, display: user.userName }] };
    await send("PATCH", `/Groups/${group}`, 200, message(
        { op: "replace", value: { id: group, displayName: "Codebreakers" } },
        { op: "remove", path: 'members[value eq "nobody"]' },
        joins,
    ), agent);
    const after = await get(`/Groups/${group}`);
    assert.deepEqual([after.displayName, after.members[0].value], ["Codebreakers", json.id]);
    await send("PATCH", `/Groups/${group}`, 200, message(
        { op: "replace", path: "members", value: [] },
    ), agent);
    assert.deepEqual(await members(`/Groups/${group}`), []);
    await gone(`/Groups/${group}`, path);
}

async function onelogin() {
    const { json } = await send("POST", "/Users", 201, {
        schemas: ["urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"],
        userName: "Edith Clarke",
        name: { givenName: "Edith", familyName: "Clarke" },
        emails: { value: "edith@example.com", primary: true },
        "urn:scim:schemas:extension:enterprise:2.0": { department: "Power" },
    });
    assert.deepEqual(json.emails, [{ value: "edith@example.com", primary: true }]);
    assert.equal(json[ENTERPRISE].department, "Power");
    const found = await get('/Users?filter=userName+eq+"Edith+Clarke"&'.replaceAll('"', "%22"));
    assert.equal(found.Resources[0].id, json.id);
    const { json: put } = await send("PUT", `/Users/${json.id}?`, 200, {
        schemas: ["urn:scim:schemas:core:2.0"],
        userName: "Edith Clarke",
        name: { givenName: "Edith", familyName: "C." },
    });
    assert.deepEqual([put.name.familyName, put.emails], ["C.", undefined]);
    const group = await create("/Groups", { schemas: [GROUP], displayName: "Engineers" });
    const change = (...members) => ({ schemas: ["urn:scim:schemas:core:1.0"], members });
    await send("PATCH", `/Groups/${group}`, 200, change({ value: json.id }));
    assert.deepEqual(await members(`/Groups/${group}`), [json.id]);
    await send("PATCH", `/Groups/${group}`, 200, change({ value: json.id, operation: "delete" }));
    assert.deepEqual(await members(`/Groups/${group}`), []);
    await gone(`/Groups/${group}`, `/Users/${json.id}`);
}

async function others() {
    // JumpCloud: the id echoed, and what has no value as null or an empty array.
    const id = await create("/Users", { schemas: [USER], userName: "hedy", title: "Inventor" });
    await send("PUT", `/Users/${id}`, 200, {
        schemas: [USER, ENTERPRISE],
        id,
        userName: "hedy",
        name: { givenName: "Hedy", familyName: "Lamarr" },
        active: true,
        emails: null,
        phoneNumbers: [],
        addresses: [],
    });
    const hedy = await get(`/Users/${id}`);
    assert.deepEqual(content(hedy), {
        userName: "hedy", name: { givenName: "Hedy", familyName: "Lamarr" }, active: true,
    });
    // authentik: one operation a member, and a change without `schemas` that carries the `id`.
    const group = await create("/Groups", { schemas: [GROUP], displayName: "a", externalId: "7" });
    const path = `/Groups/${group}`;
    await send("PATCH", path, 200, message(
        { op: "add", path: "members", value: [{ value: id }] },
    ));
    await patch(path, {
        Operations: [{ op: "replace", value: { id: group, schemas: [GROUP], displayName: "b" } }],
    }, (group) => {
        group.displayName = "b";
    });
    // Keycloak's plug-ins: a boolean as text, an emptied group, a PUT of the version that was read.
    await patch(`/Users/${id}`, message({ op: "replace", path: "active", value: "false" }), (user) => {
        user.active = false;
    });
    await send("PATCH", path, 200, message({ op: "remove", path: "members", value: null }));
    assert.deepEqual(await members(path), []);
    const { version } = (await get(`/Users/${id}`)).meta;
    const put = { schemas: [USER], userName: "hedy", active: true };
    await send("PUT", `/Users/${id}`, 200, put, { "if-match": version });
    await send("PUT", `/Users/${id}`, 412, { ...put, title: "Lost" }, { "if-match": version });
    assert.equal((await get(`/Users/${id}`)).title, undefined);
    await gone(path, `/Users/${id}`);
}

for (const part of [discovery, correct, entra, okta, onelogin, others]) {
    try {
        await part();
    } catch (error) {
        console.error(`${part.name}: ${error.stack}`);
        process.exit(1);
    }
    for (const path of ["/Users", "/Groups"]) {
        assert.equal((await get(path)).totalResults, 0, `${part.name} leaves ${path}`);
    }
}
console.log(`${requests} requests`);
