-- alertd's own troubles: open ones, so that a new start tells none of them again; those that are over, for the daily line.
CREATE TABLE episodes (
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    told_at INTEGER NOT NULL,
    told_by TEXT REFERENCES messages ON DELETE SET NULL,
    over_at INTEGER,
    PRIMARY KEY (subject, began_at)
) STRICT;
CREATE UNIQUE INDEX episodes_open ON episodes (subject) WHERE over_at IS NULL;
CREATE INDEX episodes_by_message ON episodes (told_by) WHERE told_by IS NOT NULL;
