-- Evaluation reports that an auditor has brought: the file as it came. Its figures name nobody.
CREATE TABLE report (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('html', 'json')),
    at TEXT NOT NULL,
    by TEXT NOT NULL,
    content BLOB NOT NULL
);
