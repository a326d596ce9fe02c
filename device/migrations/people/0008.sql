-- The other kiosks of the site whose packages are believed and to whom templates may be sealed.
CREATE TABLE sister (
    device TEXT PRIMARY KEY,
    signing_key TEXT NOT NULL,
    sealing_key TEXT NOT NULL,
    latest TEXT NOT NULL
) WITHOUT ROWID;
-- When a consent was last taken back here: a package that was made before does not bring it back.
CREATE TABLE withdrawn (
    person TEXT NOT NULL,
    purpose TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (person, purpose)
) WITHOUT ROWID;
