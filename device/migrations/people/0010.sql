-- Whose templates came into force without having been held against everybody else's: from another kiosk, or with a new consent. Until
-- they are, a face alone is not enough for them.
CREATE TABLE uncompared (
    person TEXT PRIMARY KEY REFERENCES person (person)
) WITHOUT ROWID;
INSERT INTO uncompared SELECT DISTINCT person FROM template WHERE source LIKE 'site:%';
