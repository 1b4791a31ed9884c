-- Uploads in parts that are not completed are few among many rows: they are counted without reading the others.
CREATE INDEX uploads_unfinished ON uploads (created) WHERE state IN ('open', 'assembling');
