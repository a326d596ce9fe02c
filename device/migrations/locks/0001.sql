-- How far each contract lock's log is on record here, and how many stamps of each grant its events have shown.
CREATE TABLE log (lock TEXT PRIMARY KEY, number INTEGER NOT NULL, hash BLOB NOT NULL, head INTEGER NOT NULL) STRICT;
CREATE TABLE used (grant_id BLOB PRIMARY KEY, stamps INTEGER NOT NULL) STRICT;
