-- A record is one value: a row has it whole, and beside it only what is searched for. What was a column of its own becomes a part of
-- it. From this version of the table on, a new field of a record needs no column.
CREATE TABLE uploads_whole (
    id       TEXT    NOT NULL PRIMARY KEY, -- hyphenated UUID, lower case
    revision INTEGER NOT NULL,
    state    TEXT    NOT NULL,             -- open, assembling, waiting, pulling, pulled, staged, ready, rejected, trashed, deleting, gone
    duty     TEXT    NOT NULL,             -- what to do when it is due: sweep, resume, pull
    due      INTEGER,                      -- when background work has to look at it
    created  INTEGER NOT NULL,
    project  TEXT,
    known_as TEXT,                         -- the source key
    record   TEXT    NOT NULL              -- JSON: all of it, these columns included
) STRICT;

INSERT INTO uploads_whole
SELECT
    id, revision, state, duty, due, created, project, coalesce(known_as, json_extract(pull, '$.known_as')),
    json_object(
        'id', id,
        'revision', revision,
        'state', json(CASE state WHEN 'rejected' THEN json_object('rejected', json(rejection)) ELSE json_quote(state) END),
        'due', due,
        'created', created,
        'declared', json(declared),
        'options', json_object(
            'project', project,
            'retention', coalesce(json_extract(parts, '$.wish'), json_extract(pull, '$.wish'), 'default'),
            'authorization', json(pass),
            'sender', sender,
            'metadata', json(metadata),
            'tags', json(coalesce(tags, '[]')),
            'source_key', coalesce(known_as, json_extract(pull, '$.known_as'))
        ),
        'facts', json(facts),
        'lifetime', json(CASE WHEN kept IS NOT NULL THEN
            json_object('kept', json(CASE kept WHEN 0 THEN 'false' ELSE 'true' END), 'expires', expires)
        END),
        'parts', json(parts),
        'fetch_job', json(pull),
        'location', json(coalesce(place, '{}')),
        'previous_location', json(left_at)
    )
FROM uploads;

DROP TABLE uploads;
ALTER TABLE uploads_whole RENAME TO uploads;

-- A record that is never due is not in it.
CREATE INDEX uploads_duty ON uploads (duty, due) WHERE due IS NOT NULL;
CREATE INDEX uploads_project ON uploads (project, created);
-- The newest file of a source key. Fetch jobs and their tries have the key too, and are not asked for.
CREATE INDEX uploads_known_as ON uploads (known_as, created) WHERE known_as IS NOT NULL AND state = 'ready';
-- These are few among many rows: they are listed without reading the others.
CREATE INDEX uploads_unfinished ON uploads (project, created, id) WHERE state IN ('open', 'assembling');
CREATE INDEX uploads_orders ON uploads (project, created, id) WHERE duty = 'pull';
CREATE INDEX uploads_refused_of ON uploads (coalesce(project, ''), created, id) WHERE state = 'rejected';
