-- Since when the journal that is written now tells who clocked in: what was before it nobody knows, and it makes no template old.
CREATE TABLE journal_known (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    epoch TEXT NOT NULL,
    since TEXT NOT NULL
);
