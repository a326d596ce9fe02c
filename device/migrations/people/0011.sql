-- Whose enrolled face the office removed here, until they are enrolled here anew: the other kiosks of the site give it up as well.
CREATE TABLE face_removed (
    person TEXT PRIMARY KEY REFERENCES person (person),
    at TEXT NOT NULL
) WITHOUT ROWID;
