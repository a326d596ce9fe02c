-- The directory of everybody, and the ways to clock in without a face.
-- No badge, code or PIN stands here as it is: digests under a key of the device's, and hashes sealed with one.
ALTER TABLE person ADD COLUMN group_name TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN expires_at TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN supervisor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE person ADD COLUMN origin TEXT NOT NULL DEFAULT 'kiosk';
CREATE TABLE pin (
    person TEXT PRIMARY KEY REFERENCES person (person),
    sealed BLOB NOT NULL,
    must_change INTEGER NOT NULL,
    assigned BLOB NOT NULL,
    changed_at TEXT NOT NULL
);
CREATE TABLE code (
    digest BLOB PRIMARY KEY,
    person TEXT NOT NULL REFERENCES person (person),
    kind TEXT NOT NULL CHECK (kind IN ('badge', 'qr')),
    added_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX code_person ON code (person);
CREATE TABLE phone (
    phone TEXT PRIMARY KEY,
    person TEXT NOT NULL UNIQUE REFERENCES person (person),
    sealed BLOB NOT NULL,
    last_step INTEGER NOT NULL,
    issued_at TEXT NOT NULL
) WITHOUT ROWID;
-- Wrong PINs, by a digest of the number that was typed: the waiting survives a restart, and tells nobody which numbers exist.
CREATE TABLE attempt (
    subject BLOB PRIMARY KEY,
    failures INTEGER NOT NULL,
    at TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    monotonic_us INTEGER NOT NULL
) WITHOUT ROWID;
-- Whoever was erased: a late roster or a file from a backup brings none of them back.
CREATE TABLE tombstone (
    person TEXT PRIMARY KEY,
    erased_at TEXT NOT NULL
) WITHOUT ROWID;
