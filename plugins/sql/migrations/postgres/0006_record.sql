-- A record is one value: a row has it whole, and beside it only what is searched for. What was a column of its own becomes a part of
-- it. From this version of the table on, a new field of a record needs no column.
-- JSON as text, and not JSONB, which has no null characters and other numbers.
ALTER TABLE uploads ADD COLUMN record TEXT;

-- A null character within a text of the sender cannot be read as text, and is not asked for here.
UPDATE uploads SET known_as = coalesce(known_as, replace(pull, '\u0000', '\ufffd')::json ->> 'known_as'), record = json_build_object(
    'id', id,
    'revision', revision,
    'state', CASE state WHEN 'rejected' THEN json_build_object('rejected', rejection::json) ELSE to_json(state) END,
    'due', due,
    'created', created,
    'declared', declared::json,
    'options', json_build_object(
        'project', project,
        'retention', coalesce(
            replace(parts, '\u0000', '\ufffd')::json ->> 'wish', replace(pull, '\u0000', '\ufffd')::json ->> 'wish', 'default'
        ),
        'authorization', pass::json,
        'sender', sender,
        'metadata', metadata::json,
        'tags', coalesce(tags, '[]')::json,
        'source_key', coalesce(known_as, replace(pull, '\u0000', '\ufffd')::json ->> 'known_as')
    ),
    'facts', facts::json,
    'lifetime', CASE WHEN kept IS NOT NULL THEN json_build_object('kept', kept, 'expires', expires) END,
    'parts', parts::json,
    'fetch_job', pull::json,
    'location', coalesce(place, '{}')::json,
    'previous_location', left_at::json
)::text;

ALTER TABLE uploads ALTER COLUMN record SET NOT NULL;
ALTER TABLE uploads
    DROP COLUMN kept, DROP COLUMN expires, DROP COLUMN size, DROP COLUMN declared, DROP COLUMN facts, DROP COLUMN metadata,
    DROP COLUMN rejection, DROP COLUMN parts, DROP COLUMN pull, DROP COLUMN pass, DROP COLUMN place, DROP COLUMN left_at,
    DROP COLUMN tags, DROP COLUMN sender;

-- The newest file of a source key. Fetch jobs and their tries have the key too, and are not asked for.
DROP INDEX uploads_known_as;
CREATE INDEX uploads_known_as ON uploads (known_as, created) WHERE known_as IS NOT NULL AND state = 'ready';
