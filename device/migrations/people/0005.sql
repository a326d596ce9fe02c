-- Erasures whose record the journal does not have yet: a person is erased even while the disk takes no record.
CREATE TABLE erasure_owed (
    person TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    by TEXT NOT NULL,
    templates INTEGER NOT NULL
) WITHOUT ROWID;
