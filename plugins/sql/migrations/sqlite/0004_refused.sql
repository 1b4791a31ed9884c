-- What was refused is few rows among many: they are listed without reading the others.
CREATE INDEX uploads_refused ON uploads (created, id) WHERE state = 'rejected';
