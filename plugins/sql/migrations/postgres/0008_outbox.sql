-- What changes of records mean to others: written in the transaction of the change. A number is never used twice.
CREATE TABLE events (
    number  BIGINT  NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id      TEXT    NOT NULL,             -- of the event, as receivers see it
    at      BIGINT  NOT NULL,
    xact    BIGINT  NOT NULL,             -- the transaction: those that begin later may commit earlier
    planned BIGINT  NOT NULL,             -- 0 or 1: whether its deliveries exist
    event   TEXT    NOT NULL,             -- JSON
    record  TEXT    NOT NULL              -- JSON: the record after the change
);

CREATE INDEX events_order ON events (xact, number);
CREATE INDEX events_unplanned ON events (number) WHERE planned = 0;
CREATE INDEX events_planned ON events (at) WHERE planned = 1;

-- One event for one target.
CREATE TABLE deliveries (
    number          BIGINT  NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event           BIGINT  NOT NULL,     -- the number of the event
    event_id        TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    upload          TEXT    NOT NULL,
    project         TEXT,
    notifier        TEXT    NOT NULL,
    target          TEXT    NOT NULL,
    lane            BIGINT  NOT NULL,     -- a number for the notifier and the target
    subscription    BIGINT ,
    state           TEXT    NOT NULL,     -- waiting, delivered, failed, cancelled
    attempts        BIGINT  NOT NULL,
    attempts_before BIGINT  NOT NULL,     -- when it was replayed last
    under_way       BIGINT  NOT NULL,     -- 0 or 1: whether a node has it, until it is due
    due             BIGINT, -- NULL once it has ended
    created         BIGINT  NOT NULL,
    ended           BIGINT ,
    answer          TEXT,
    body            BYTEA   NOT NULL
);

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
    number       BIGINT  NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project      TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    target       TEXT    NOT NULL,
    revision     BIGINT  NOT NULL,
    subscription TEXT    NOT NULL,        -- JSON: the rest
    UNIQUE (project, kind, target)
);

CREATE INDEX subscriptions_project ON subscriptions (project, number);
