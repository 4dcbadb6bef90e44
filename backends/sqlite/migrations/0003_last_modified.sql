-- What changed since some time (`meta.lastModified gt …`), as clients ask that follow the changes.
CREATE INDEX scim_resource_by_last_modified ON scim_resource (tenant, type, last_modified);
