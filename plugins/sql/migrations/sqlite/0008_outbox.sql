-- What changes of records mean to others: written in the transaction of the change. A number is never used twice.
CREATE TABLE events (
    number  INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id      TEXT    NOT NULL,             -- of the event, as receivers see it
    at      INTEGER NOT NULL,
    planned INTEGER NOT NULL,             -- 0 or 1: whether its deliveries exist
    event   TEXT    NOT NULL,             -- JSON
    record  TEXT    NOT NULL              -- JSON: the record after the change
) STRICT;

CREATE INDEX events_unplanned ON events (number) WHERE planned = 0;
CREATE INDEX events_planned ON events (at) WHERE planned = 1;

-- One event for one target.
CREATE TABLE deliveries (
    number          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    event           INTEGER NOT NULL,     -- the number of the event
    event_id        TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    upload          TEXT    NOT NULL,
    project         TEXT,
    notifier        TEXT    NOT NULL,
    target          TEXT    NOT NULL,
    lane            INTEGER NOT NULL,     -- a number for the notifier and the target
    subscription    INTEGER,
    state           TEXT    NOT NULL,     -- waiting, delivered, failed, cancelled
    attempts        INTEGER NOT NULL,
    attempts_before INTEGER NOT NULL,     -- when it was replayed last
    under_way       INTEGER NOT NULL,     -- 0 or 1: whether a node has it, until it is due
    due             INTEGER,              -- NULL once it has ended
    created         INTEGER NOT NULL,
    ended           INTEGER,
    answer          TEXT,
    body            BLOB    NOT NULL
) STRICT;

-- What waits for one target costs the others nothing.
CREATE INDEX deliveries_due ON deliveries (lane, due) WHERE due IS NOT NULL;
CREATE INDEX deliveries_under_way ON deliveries (lane, due) WHERE under_way = 1;
CREATE INDEX deliveries_file ON deliveries (lane, upload, event) WHERE due IS NOT NULL;
CREATE INDEX deliveries_of ON deliveries (subscription, number);
CREATE INDEX deliveries_waiting_of ON deliveries (subscription) WHERE due IS NOT NULL;
CREATE INDEX deliveries_failed ON deliveries (number) WHERE state = 'failed';
CREATE INDEX deliveries_failed_of ON deliveries (subscription, number) WHERE state = 'failed';
CREATE INDEX deliveries_ended ON deliveries (ended) WHERE state IN ('delivered', 'cancelled');
CREATE INDEX deliveries_given_up ON deliveries (ended) WHERE state = 'failed';

-- Who is told of what. There are secrets in them.
CREATE TABLE subscriptions (
    number       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    project      TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    target       TEXT    NOT NULL,
    revision     INTEGER NOT NULL,
    subscription TEXT    NOT NULL,        -- JSON: the rest
    UNIQUE (project, kind, target)
) STRICT;

CREATE INDEX subscriptions_project ON subscriptions (project, number);
