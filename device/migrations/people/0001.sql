-- People of this kiosk. `person` is the opaque id that records use; a template exists only under a consent in force.
CREATE TABLE person (
    person TEXT PRIMARY KEY,
    number TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE TABLE consent (
    person TEXT PRIMARY KEY REFERENCES person (person),
    text_version TEXT NOT NULL,
    language TEXT NOT NULL,
    text_sha256 TEXT NOT NULL,
    basis TEXT NOT NULL,
    by TEXT NOT NULL,
    given_at TEXT NOT NULL
);
CREATE TABLE person_key (
    person TEXT PRIMARY KEY REFERENCES person (person),
    wrapped BLOB NOT NULL
);
CREATE TABLE template (
    id INTEGER PRIMARY KEY,
    person TEXT NOT NULL REFERENCES person (person),
    embedder TEXT NOT NULL,
    source TEXT NOT NULL,
    sealed BLOB NOT NULL,
    enrolled_at TEXT NOT NULL
);
CREATE INDEX template_person ON template (person);
