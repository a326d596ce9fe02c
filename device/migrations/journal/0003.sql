-- What administrators read beside punches is rare and spread far: without an index a page of it would read the whole journal.
CREATE INDEX record_rare ON record (kind, seq) WHERE kind <> 'punch';
