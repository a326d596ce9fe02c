-- Pairs of people whom a face alone does not tell apart; kept in both orders.
CREATE TABLE look_alike (
    person TEXT NOT NULL REFERENCES person (person),
    other TEXT NOT NULL REFERENCES person (person),
    PRIMARY KEY (person, other)
) WITHOUT ROWID;
-- What this site's own templates said when they were last measured: rates, no template and no score of anybody's.
CREATE TABLE site_measurement (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    measured_at TEXT NOT NULL,
    people INTEGER NOT NULL,
    rate REAL NOT NULL,
    most_people INTEGER NOT NULL,
    bounds TEXT NOT NULL
);
-- Templates that employees carry themselves: the card's number, so that it can be revoked. The template is on the card alone.
CREATE TABLE card (
    card TEXT PRIMARY KEY,
    person TEXT NOT NULL REFERENCES person (person),
    issued_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX card_person ON card (person);
