-- The web UI's own: who may use it, who is using it, and what the journal does not know yet. Nobody's name but the administrators' own.
CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    role TEXT NOT NULL CHECK (role IN ('administrator', 'operator', 'auditor')),
    password TEXT NOT NULL,
    password_changed_at TEXT NOT NULL,
    must_change INTEGER NOT NULL DEFAULT 0,
    totp TEXT NOT NULL DEFAULT '',
    totp_last INTEGER NOT NULL DEFAULT 0,
    language TEXT NOT NULL DEFAULT '',
    theme TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    last_login_at TEXT NOT NULL DEFAULT ''
);
-- A session is known by the hash of its token alone; it holds for one password.
CREATE TABLE session (
    token_sha256 TEXT PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    password_changed_at TEXT NOT NULL,
    created_at TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    address TEXT NOT NULL,
    browser TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_account ON session (account);
-- Wrong passwords by what they were for and where they came from; each makes the next wait.
CREATE TABLE failure (
    source TEXT PRIMARY KEY,
    count INTEGER NOT NULL,
    last_at TEXT NOT NULL
) WITHOUT ROWID;
-- Audit records that the kiosk daemon has not taken yet.
CREATE TABLE owed_audit (
    id INTEGER PRIMARY KEY,
    action TEXT NOT NULL,
    by TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL
);
-- Notices of a new policy version that an account has read.
CREATE TABLE notice_read (
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    notice TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (account, notice)
) WITHOUT ROWID;
-- What people asked about their data; `person` is the opaque id, so nothing here names anybody after an erasure.
CREATE TABLE request (
    id INTEGER PRIMARY KEY,
    person TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('access', 'correction', 'erasure', 'objection')),
    opened_at TEXT NOT NULL,
    opened_by TEXT NOT NULL,
    due_at TEXT NOT NULL,
    closed_at TEXT NOT NULL DEFAULT '',
    closed_by TEXT NOT NULL DEFAULT '',
    outcome TEXT NOT NULL DEFAULT '' CHECK (outcome IN ('', 'granted', 'partly', 'refused'))
);
