// scimmy-routers over a Map, with a handler each for reading, writing and deleting. A userName is
// unique, as RFC 7643 has it; filters are evaluated by the library over all resources, as its
// documentation shows it.
import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const [port, key] = process.argv.slice(2);

function declare(Resource, uniqueName) {
    const stored = new Map();
    const byName = new Map();
    SCIMMY.Resources.declare(Resource)
        .ingress((resource, instance) => {
            const now = new Date();
            const { id = randomUUID() } = resource;
            const before = stored.get(id);
            if (resource.id && !before) throw new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
            const name = uniqueName && String(instance[uniqueName]).toLowerCase();
            if (uniqueName && byName.has(name) && byName.get(name) !== id) {
                throw new SCIMMY.Types.Error(409, "uniqueness", `${uniqueName} is already in use`);
            }
            const after = { ...JSON.parse(JSON.stringify(instance)), id };
            after.meta = { created: before?.meta.created ?? now, lastModified: now };
            if (uniqueName) {
                if (before) byName.delete(String(before[uniqueName]).toLowerCase());
                byName.set(name, id);
            }
            stored.set(id, after);
            return after;
        })
        .egress((resource) => {
            if (resource.id) {
                const found = stored.get(resource.id);
                if (!found) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
                return found;
            }
            const all = [...stored.values()];
            return resource.filter ? resource.filter.match(all) : all;
        })
        .degress((resource) => {
            const found = stored.get(resource.id);
            if (!found) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
            if (uniqueName) byName.delete(String(found[uniqueName]).toLowerCase());
            stored.delete(resource.id);
        });
}

declare(SCIMMY.Resources.User.extend(SCIMMY.Schemas.EnterpriseUser, false), "userName");
declare(SCIMMY.Resources.Group);

const app = express();
app.disable("x-powered-by");
app.use("/scim", new SCIMMYRouters({
    type: "bearer",
    handler: (request) => {
        if (request.header("Authorization") !== `Bearer ${key}`) throw new Error("Authorization not detected!");
        return "bench";
    },
}));
app.listen(Number(port), "127.0.0.1");
