-- The journal: one epoch a file, one row a record. `text` is the canonical JSON that `hash` covers; `sig` covers `hash`.
CREATE TABLE epoch (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    epoch TEXT NOT NULL,
    device TEXT NOT NULL,
    key TEXT NOT NULL
);
CREATE TABLE record (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    hash BLOB NOT NULL,
    sig TEXT NOT NULL,
    text BLOB NOT NULL
);
-- What the server has signed for; `message` is its acknowledgement as it came.
CREATE TABLE acknowledged (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    upto INTEGER NOT NULL,
    head TEXT NOT NULL,
    message TEXT NOT NULL
);
-- The last punch of each person, kept with the record in one transaction.
CREATE TABLE last_punch (
    person TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    at TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    monotonic_us INTEGER NOT NULL,
    direction TEXT NOT NULL
) WITHOUT ROWID;
