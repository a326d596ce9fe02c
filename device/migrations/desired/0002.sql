-- Records that the enterprise wants once more: of which epoch, after which number, as far as they have not arrived again yet.
CREATE TABLE resend (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    epoch TEXT NOT NULL,
    after INTEGER NOT NULL
);
