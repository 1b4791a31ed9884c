-- Words that a sender put on an upload, as a list in JSON; NULL is none.
ALTER TABLE uploads ADD COLUMN tags TEXT;
