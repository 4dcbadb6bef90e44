-- One index does for both: whether a group has a member, and which groups have one. Each member row is in
-- one tree less.
DROP INDEX scim_member_by_value;
DROP INDEX scim_member_by_tenant_and_value;
CREATE UNIQUE INDEX scim_member_by_value ON scim_member (tenant, value, group_key);
