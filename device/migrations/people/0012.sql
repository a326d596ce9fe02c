-- Whose employee numbers were erased here while other kiosks of the site were believed, as digests under the device's key: such a
-- kiosk may know the person under another id, which no stone names.
CREATE TABLE erased_number (
    digest BLOB PRIMARY KEY,
    erased_at TEXT NOT NULL
) WITHOUT ROWID;
