-- Whoever was erased, beyond the life of the record that says so: a people database from a backup brings nobody back.
CREATE TABLE erased (
    person TEXT PRIMARY KEY,
    at TEXT NOT NULL
) WITHOUT ROWID;
