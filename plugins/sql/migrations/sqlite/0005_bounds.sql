-- Who sends an upload that is not finished, such as a client's address.
ALTER TABLE uploads ADD COLUMN sender TEXT;

-- Unfinished uploads and orders are few among many rows: they are listed without reading the others.
CREATE INDEX uploads_unfinished ON uploads (project, created, id) WHERE state IN ('open', 'assembling');
CREATE INDEX uploads_orders ON uploads (project, created, id) WHERE duty = 'pull';
DROP INDEX uploads_pulls;

-- What was there before is booked as it would have been, so that what is given back later was there.
INSERT INTO accounts (name, bytes, files)
SELECT 'unfinished:' || project, 0, COUNT(*) FROM uploads
WHERE project IS NOT NULL AND state IN ('open', 'assembling') GROUP BY project;

INSERT INTO accounts (name, bytes, files)
SELECT 'orders:' || project, 0, COUNT(*) FROM uploads
WHERE project IS NOT NULL AND duty = 'pull' GROUP BY project;

-- When a group leaves by itself; NULL is never.
ALTER TABLE file_groups ADD COLUMN expires INTEGER;

CREATE INDEX file_groups_project ON file_groups (project, created, id);
CREATE INDEX file_groups_expires ON file_groups (expires) WHERE expires IS NOT NULL;

INSERT INTO accounts (name, bytes, files)
SELECT 'groups:' || project, SUM(LENGTH(CAST(members AS BLOB))), COUNT(*) FROM file_groups GROUP BY project;

-- Notes of refusals are bounded, and the oldest of a project, or of none, go first.
CREATE INDEX uploads_refused_of ON uploads (coalesce(project, ''), created, id) WHERE state = 'rejected';
DROP INDEX uploads_refused;

INSERT INTO accounts (name, bytes, files)
SELECT 'refused:' || coalesce(project, ''), 0, COUNT(*) FROM uploads
WHERE state = 'rejected' GROUP BY coalesce(project, '');
