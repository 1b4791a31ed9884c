-- One row for each upload that is remembered. Times are microseconds since 1970.
-- Texts are compared by their bytes, so that no index depends on the languages that a machine knows.
CREATE TABLE uploads (
    id        TEXT    COLLATE "C" NOT NULL PRIMARY KEY, -- hyphenated UUID, lower case
    revision  BIGINT  NOT NULL,
    state     TEXT    COLLATE "C" NOT NULL, -- open, assembling, waiting, pulling, pulled, staged, ready, rejected, deleting, gone
    duty      TEXT    COLLATE "C" NOT NULL, -- what to do when it is due: sweep, resume, pull
    due       BIGINT,                       -- when somebody is to look at it
    created   BIGINT  NOT NULL,
    project   TEXT    COLLATE "C",
    kept      BOOLEAN,                      -- NULL until the upload has a lifetime
    expires   BIGINT,
    size      BIGINT,                       -- bytes, for sums; NULL until they were counted. The truth is in `facts`
    declared  TEXT    NOT NULL,             -- JSON from here on, and not JSONB, which has no null characters and other numbers
    facts     TEXT,
    metadata  TEXT    NOT NULL,
    rejection TEXT,                         -- only of what is rejected
    parts     TEXT,                         -- only of what comes, or came, in parts
    pull      TEXT,                         -- only of orders to fetch something
    known_as  TEXT COLLATE "C"                          -- a name to find it by again
);

-- What is due costs what is due: an upload that stays for good is not in it.
CREATE INDEX uploads_duty ON uploads (duty, due) WHERE due IS NOT NULL;

CREATE INDEX uploads_project ON uploads (project, created);

-- The newest upload of a name.
CREATE INDEX uploads_known_as ON uploads (known_as, created) WHERE known_as IS NOT NULL;

-- Orders are few at a time, and counted with each new one.
CREATE INDEX uploads_pulls ON uploads (project) WHERE duty = 'pull';
