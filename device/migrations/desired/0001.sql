-- What the enterprise wants of this kiosk, as far as it was applied: its place, and its content without the roster.
CREATE TABLE desired (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    generation INTEGER NOT NULL,
    version INTEGER NOT NULL,
    content BLOB NOT NULL
);
-- Pages of a later one that is not whole yet; as they came, signed and sealed.
CREATE TABLE page (
    generation INTEGER NOT NULL,
    version INTEGER NOT NULL,
    page INTEGER NOT NULL,
    message BLOB NOT NULL,
    PRIMARY KEY (generation, version, page)
) WITHOUT ROWID;
-- People of the roster who were known here before it came: the roster's id, and the one that records of this kiosk use.
CREATE TABLE alias (
    person TEXT PRIMARY KEY,
    here TEXT NOT NULL
) WITHOUT ROWID;
-- Commands that are done once, whatever version repeats them.
CREATE TABLE done (
    id TEXT PRIMARY KEY
) WITHOUT ROWID;
