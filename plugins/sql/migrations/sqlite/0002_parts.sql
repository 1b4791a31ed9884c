-- Uploads that come in parts, and work that somebody else goes on with.
ALTER TABLE uploads ADD COLUMN parts TEXT;                          -- JSON; only of what comes, or came, in parts
ALTER TABLE uploads ADD COLUMN duty TEXT NOT NULL DEFAULT 'sweep';  -- what to do when it is due: sweep, resume

DROP INDEX uploads_due;
CREATE INDEX uploads_duty ON uploads (duty, due) WHERE due IS NOT NULL;
