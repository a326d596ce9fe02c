-- Withdrawals whose record the journal does not have yet: a template is destroyed even while the disk takes no record.
CREATE TABLE withdrawal_owed (
    person TEXT PRIMARY KEY REFERENCES person (person),
    text_version TEXT NOT NULL,
    language TEXT NOT NULL,
    text_sha256 TEXT NOT NULL,
    basis TEXT NOT NULL,
    by TEXT NOT NULL
);
