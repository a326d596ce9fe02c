-- A digest that only the right device key makes: a wrong one is told before anything of anybody is touched.
CREATE TABLE device_key (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    digest BLOB NOT NULL
);
