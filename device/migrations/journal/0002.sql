-- Each boot by its first record, and each trusted time that came: what the correction of times needs when the records themselves are gone.
CREATE TABLE boot (
    boot_id TEXT PRIMARY KEY,
    first_seq INTEGER NOT NULL,
    first_at TEXT NOT NULL,
    first_monotonic_us INTEGER NOT NULL,
    first_quality TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE anchor (
    seq INTEGER PRIMARY KEY,
    boot_id TEXT NOT NULL,
    monotonic_us INTEGER NOT NULL,
    utc TEXT NOT NULL,
    source TEXT NOT NULL,
    uncertainty_us INTEGER NOT NULL
);
-- A bare column beside min() is that row's (sqlite.org/lang_select.html#bareagg).
INSERT INTO boot
    SELECT json_extract(CAST(text AS TEXT), '$.boot_id'), min(seq), at, json_extract(CAST(text AS TEXT), '$.monotonic_us'),
           json_extract(CAST(text AS TEXT), '$.time_quality')
    FROM record GROUP BY 1;
