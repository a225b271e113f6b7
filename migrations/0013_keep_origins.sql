-- migrate:up

ALTER TABLE resources
-- Who manages it: 'manual', 'import', or 'scim:' with the id of a connection. It says so also when
-- the connection is switched off or gone, hence no foreign key.
ADD COLUMN origin text COLLATE "C" NOT NULL DEFAULT 'manual',
-- Since when that connection does.
ADD COLUMN synced_time timestamptz;

ALTER TABLE members
ADD COLUMN origin text COLLATE "C" NOT NULL DEFAULT 'manual',
ADD COLUMN synced_time timestamptz;

-- migrate:down

-- Filters may read the views as they are: this release makes them anew.
ALTER TABLE members DROP COLUMN synced_time CASCADE, DROP COLUMN origin CASCADE;
ALTER TABLE resources DROP COLUMN synced_time CASCADE, DROP COLUMN origin CASCADE;
CREATE VIEW tenant_resources AS SELECT * FROM resources WHERE tenant_id = served_tenant();
CREATE VIEW tenant_members AS SELECT * FROM members WHERE tenant_id = served_tenant();
