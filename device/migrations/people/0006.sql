-- A consent for each purpose, with the kiosks that it names; texts that the enterprise published; and one place that says what is in force.
CREATE TABLE consent_version (
    number INTEGER PRIMARY KEY,
    purpose TEXT NOT NULL,
    version TEXT NOT NULL,
    asks_again INTEGER NOT NULL,
    by TEXT NOT NULL,
    published_at TEXT NOT NULL,
    UNIQUE (purpose, version)
);
CREATE TABLE consent_text (
    number INTEGER NOT NULL REFERENCES consent_version (number),
    language TEXT NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (number, language)
) WITHOUT ROWID;
ALTER TABLE consent RENAME TO consent_before;
CREATE TABLE consent (
    person TEXT NOT NULL REFERENCES person (person),
    purpose TEXT NOT NULL,
    text_version TEXT NOT NULL,
    language TEXT NOT NULL,
    text_sha256 TEXT NOT NULL,
    basis TEXT NOT NULL,
    by TEXT NOT NULL,
    kiosks TEXT NOT NULL DEFAULT '',
    reference TEXT NOT NULL DEFAULT '',
    given_at TEXT NOT NULL,
    PRIMARY KEY (person, purpose)
);
INSERT INTO consent (person, purpose, text_version, language, text_sha256, basis, by, given_at)
SELECT person, 'face_recognition', text_version, language, text_sha256, basis, by, given_at FROM consent_before;
-- Until now a face card was issued under the one consent that there was.
INSERT INTO consent (person, purpose, text_version, language, text_sha256, basis, by, given_at)
SELECT person, 'face_card', text_version, language, text_sha256, basis, by, given_at FROM consent_before
WHERE person IN (SELECT person FROM card);
DROP TABLE consent_before;
ALTER TABLE withdrawal_owed RENAME TO withdrawal_owed_before;
CREATE TABLE withdrawal_owed (
    person TEXT NOT NULL,
    purpose TEXT NOT NULL,
    text_version TEXT NOT NULL,
    language TEXT NOT NULL,
    text_sha256 TEXT NOT NULL,
    basis TEXT NOT NULL,
    by TEXT NOT NULL,
    kiosks TEXT NOT NULL,
    reference TEXT NOT NULL,
    PRIMARY KEY (person, purpose)
);
INSERT INTO withdrawal_owed
SELECT person, 'face_recognition', text_version, language, text_sha256, basis, by, '', '' FROM withdrawal_owed_before;
DROP TABLE withdrawal_owed_before;
-- The one place: a consent counts while no later text of its purpose was published that asks everybody again.
CREATE VIEW consent_in_force AS
SELECT given.* FROM consent given
WHERE coalesce((SELECT number FROM consent_version agreed WHERE agreed.purpose = given.purpose AND agreed.version = given.text_version), 0)
   >= coalesce((SELECT max(number) FROM consent_version asking WHERE asking.purpose = given.purpose AND asking.asks_again), 0);
