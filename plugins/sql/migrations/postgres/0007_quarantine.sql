-- Uploads in quarantine (state quarantined; duty rescan while a scanner has to judge them) are listed over all projects, and so are
-- files that can be read, to scan them again.
CREATE INDEX uploads_ready ON uploads (created, id) WHERE state = 'ready';
CREATE INDEX uploads_quarantined ON uploads (created, id) WHERE state = 'quarantined';
