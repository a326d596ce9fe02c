-- What the server has signed for beyond the present cursor: it goes back with a server that was restored, and what was pruned before
-- that was signed for all the same.
CREATE TABLE signed_before (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    upto INTEGER NOT NULL,
    head TEXT NOT NULL,
    message TEXT NOT NULL
);
