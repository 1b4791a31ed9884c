-- The files of a project are listed by their status and by the time at which they became files. Both follow from the record; they are
-- NULL of what is no file.
ALTER TABLE uploads ADD COLUMN listed TEXT;      -- stored, unstored, removed
ALTER TABLE uploads ADD COLUMN uploaded INTEGER;

-- A record of an earlier version does not have this time; the one at which the upload began comes closest.
UPDATE uploads SET
    listed = CASE WHEN state = 'trashed' THEN 'removed' WHEN json_extract(record, '$.lifetime.kept') THEN 'stored' ELSE 'unstored' END,
    uploaded = created
WHERE state IN ('ready', 'trashed');

CREATE INDEX uploads_listed ON uploads (project, listed, uploaded, id) WHERE listed IS NOT NULL;

-- What was there before is counted as it would have been, so that what is taken off later was there.
INSERT INTO accounts (name, bytes, files)
SELECT 'files-' || listed || ':' || project, 0, COUNT(*) FROM uploads
WHERE project IS NOT NULL AND listed IS NOT NULL GROUP BY listed, project;
