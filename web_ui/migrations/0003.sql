-- Where an account has signed in from of late: guessing from elsewhere does not make that address wait.
CREATE TABLE known (
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (account, source)
) WITHOUT ROWID;
