-- Up to which record `last_punch` is told; what follows is looked for in the records themselves. One page less for each punch to write.
CREATE TABLE last_punch_upto (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    seq INTEGER NOT NULL
);
INSERT INTO last_punch_upto SELECT 1, coalesce(max(seq), 0) FROM record;
