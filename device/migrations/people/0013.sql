-- What an erasure that is owed has to be searched for, sealed: a disk that fails between the rows' end and the search forgets nothing.
-- A table of its own, since an earlier version writes rows of four columns into erasure_owed.
CREATE TABLE erasure_trace (
    person TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
