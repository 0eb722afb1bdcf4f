-- Times are INTEGER microseconds since 1970 UTC. Events and rules are JSON: they are read whole or not at all.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE events (
    event_key TEXT PRIMARY KEY,
    event_id TEXT NOT NULL,
    event_time INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    session TEXT,
    event TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_id ON events (event_id);
CREATE INDEX events_by_seen_at ON events (seen_at);
CREATE INDEX events_by_session ON events (session) WHERE session IS NOT NULL;

-- An event and the rule that took it: once in each rule set.
CREATE TABLE matches (
    event_key TEXT NOT NULL REFERENCES events ON DELETE CASCADE,
    rule_set TEXT NOT NULL,
    rule TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('alert', 'baseline', 'excepted')),
    facts TEXT NOT NULL,
    also TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    exception TEXT,
    CHECK ((kind = 'excepted') = (exception IS NOT NULL)),
    PRIMARY KEY (event_key, rule_set)
) STRICT;
CREATE INDEX matches_by_rule_set ON matches (rule_set, seen_at);

CREATE TABLE messages (
    delivery_id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL UNIQUE,
    destination TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('event', 'digest', 'session', 'baseline', 'echo', 'ops')),
    payload TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'unknown', 'sent', 'dead')),
    thread_of TEXT REFERENCES messages ON DELETE SET NULL,
    attempts INTEGER NOT NULL,
    not_before INTEGER,
    attempted_at INTEGER,
    unknown_since INTEGER,
    negative_reads INTEGER NOT NULL,
    plain INTEGER NOT NULL CHECK (plain IN (0, 1)),
    repeat_possible INTEGER NOT NULL CHECK (repeat_possible IN (0, 1)),
    sweeps INTEGER NOT NULL,
    channel TEXT,
    ts TEXT,
    permalink TEXT,
    sent_at INTEGER,
    last_error TEXT,
    CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
    CHECK (state NOT IN ('sending', 'unknown') OR attempted_at IS NOT NULL),
    CHECK (state <> 'unknown' OR unknown_since IS NOT NULL)
) STRICT;
CREATE INDEX messages_by_state ON messages (destination, state, seq);
CREATE INDEX messages_to_sweep ON messages (destination, not_before) WHERE state = 'sent' AND not_before IS NOT NULL;
CREATE INDEX messages_by_thread ON messages (thread_of) WHERE thread_of IS NOT NULL;

-- An event x a destination. Without a message it waits, unless it is closed (an echo where there are no threads).
CREATE TABLE notifications (
    id INTEGER PRIMARY KEY,
    event_key TEXT NOT NULL REFERENCES events ON DELETE CASCADE,
    destination TEXT NOT NULL,
    rule_set TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('message', 'session', 'baseline', 'echo')),
    event_time INTEGER NOT NULL,
    delivery_id TEXT REFERENCES messages,
    position INTEGER,
    closed INTEGER NOT NULL DEFAULT 0 CHECK (closed IN (0, 1)),
    UNIQUE (event_key, destination, rule_set),
    FOREIGN KEY (event_key, rule_set) REFERENCES matches ON DELETE CASCADE
) STRICT;
-- The event itself is told to a destination once, whatever rule sets take it.
CREATE UNIQUE INDEX told_once ON notifications (event_key, destination) WHERE kind <> 'echo';
CREATE INDEX notifications_waiting ON notifications (destination, kind, event_time, id)
    WHERE delivery_id IS NULL AND closed = 0;
CREATE INDEX notifications_by_message ON notifications (delivery_id) WHERE delivery_id IS NOT NULL;

CREATE TABLE attempts (
    delivery_id TEXT NOT NULL REFERENCES messages ON DELETE CASCADE,
    number INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT,
    detail TEXT,
    PRIMARY KEY (delivery_id, number)
) STRICT;

CREATE TABLE rules (
    rule_set TEXT NOT NULL,
    rule TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    covered_until INTEGER,
    floor INTEGER,
    PRIMARY KEY (rule_set, rule)
) STRICT;

-- The newest scan of each kind, and every scan that found something.
CREATE TABLE scans (
    id INTEGER PRIMARY KEY,
    rule_set TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('fast', 'sweep', 'baseline')),
    started_at INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    reach INTEGER NOT NULL,
    candidates INTEGER NOT NULL,
    new INTEGER NOT NULL
) STRICT;
CREATE INDEX scans_by_rule_set ON scans (rule_set, kind, finished_at);

-- Time that no complete scan has covered.
CREATE TABLE gaps (
    rule_set TEXT NOT NULL,
    began INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    PRIMARY KEY (rule_set, began)
) STRICT;

CREATE TABLE destinations (
    name TEXT PRIMARY KEY,
    condition TEXT NOT NULL CHECK (condition IN ('ok', 'paused', 'blocked')),
    reason TEXT,
    since INTEGER,
    paused_until INTEGER,
    failures INTEGER NOT NULL,
    next_post_at INTEGER,
    flooding INTEGER NOT NULL CHECK (flooding IN (0, 1))
) STRICT;
