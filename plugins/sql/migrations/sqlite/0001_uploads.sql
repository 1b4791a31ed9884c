-- One row for each upload that is remembered. Times are microseconds since 1970.
CREATE TABLE uploads (
    id        TEXT    NOT NULL PRIMARY KEY, -- hyphenated UUID, lower case
    revision  INTEGER NOT NULL,
    state     TEXT    NOT NULL,             -- open, assembling, waiting, pulling, pulled, staged, ready, rejected, deleting, gone
    duty      TEXT    NOT NULL,             -- what to do when it is due: sweep, resume, pull
    due       INTEGER,                      -- when somebody is to look at it
    created   INTEGER NOT NULL,
    project   TEXT,
    kept      INTEGER,                      -- 0 or 1; NULL until the upload has a lifetime
    expires   INTEGER,
    size      INTEGER,                      -- bytes, for sums; NULL until they were counted. The truth is in `facts`
    declared  TEXT    NOT NULL,             -- JSON from here on
    facts     TEXT,
    metadata  TEXT    NOT NULL,
    rejection TEXT,                         -- only of what is rejected
    parts     TEXT,                         -- only of what comes, or came, in parts
    pull      TEXT,                         -- only of orders to fetch something
    known_as  TEXT                          -- a name to find it by again
) STRICT;

-- What is due costs what is due: an upload that stays for good is not in it.
CREATE INDEX uploads_duty ON uploads (duty, due) WHERE due IS NOT NULL;

CREATE INDEX uploads_project ON uploads (project, created);

-- The newest upload of a name.
CREATE INDEX uploads_known_as ON uploads (known_as, created) WHERE known_as IS NOT NULL;

-- Orders are few at a time, and counted with each new one.
CREATE INDEX uploads_pulls ON uploads (project) WHERE duty = 'pull';
