-- What has let an upload in, where its bytes are, and where they were before. JSON.
ALTER TABLE uploads ADD COLUMN pass TEXT;
ALTER TABLE uploads ADD COLUMN place TEXT;
ALTER TABLE uploads ADD COLUMN left_at TEXT;

-- What projects have, and how often tokens were used; written in the transaction that changes an upload.
CREATE TABLE accounts (
    name  TEXT   COLLATE "C" NOT NULL PRIMARY KEY, -- project:KEY, or token:KEY:ID
    bytes BIGINT NOT NULL,
    files BIGINT NOT NULL,
    until BIGINT                       -- when nobody asks for it any more
);

CREATE INDEX accounts_until ON accounts (until) WHERE until IS NOT NULL;

-- What came and went, by day.
CREATE TABLE flows (
    day            BIGINT NOT NULL,    -- days since 1970
    project        TEXT COLLATE "C" NOT NULL,
    asked          BIGINT NOT NULL,
    received       BIGINT NOT NULL,
    received_bytes BIGINT NOT NULL,
    removed        BIGINT NOT NULL,
    removed_bytes  BIGINT NOT NULL,
    PRIMARY KEY (project, day)
);

-- Projects that are managed while the program runs. There are secrets in their settings.
CREATE TABLE projects (
    public_key TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    revision   BIGINT NOT NULL,
    settings   TEXT    NOT NULL         -- JSON
);

CREATE TABLE file_groups (
    id      TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    project TEXT    NOT NULL,
    created BIGINT NOT NULL,
    members TEXT    NOT NULL            -- JSON
);

-- What was there before is booked as it would have been, so that what is given back later was there.
INSERT INTO accounts (name, bytes, files)
SELECT 'project:' || project, SUM(COALESCE(size, (parts::json ->> 'size')::bigint, (declared::json ->> 'size')::bigint, 0)), COUNT(*)
FROM uploads
WHERE project IS NOT NULL AND pull IS NULL AND state IN ('open', 'assembling', 'staged', 'ready', 'deleting')
GROUP BY project;

INSERT INTO flows (day, project, asked, received, received_bytes, removed, removed_bytes)
SELECT created / 86400000000, project, COUNT(*), COUNT(*), SUM(COALESCE(size, 0)), 0, 0
FROM uploads
WHERE project IS NOT NULL AND state = 'ready' AND created >= 0
GROUP BY created / 86400000000, project;
