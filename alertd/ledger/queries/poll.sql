-- unseen
-- Which of the keys (a JSON array) the rule set has no match for.
SELECT keys.value FROM json_each(:keys) AS keys
WHERE NOT EXISTS (SELECT 1 FROM matches WHERE event_key = keys.value AND rule_set = :rule_set);

-- insert_event
-- An event is kept as it was first seen.
INSERT INTO events (event_key, event_id, event_time, seen_at, session, event)
VALUES (:event_key, :event_id, :event_time, :now, :session, :event)
ON CONFLICT (event_key) DO NOTHING;

-- insert_match
-- Once in each rule set; the row count tells whether it is new.
INSERT INTO matches (event_key, rule_set, rule, kind, facts, also, seen_at, exception)
VALUES (:event_key, :rule_set, :rule, :kind, :facts, :also, :now, :exception)
ON CONFLICT (event_key, rule_set) DO NOTHING;

-- is_told
-- Whether the event itself has a notification for the destination.
SELECT 1 FROM notifications WHERE event_key = :event_key AND destination = :destination AND kind <> 'echo';

-- insert_notification
-- The unique indices refuse what would tell an event twice.
INSERT INTO notifications (event_key, destination, rule_set, kind, event_time, urgency)
VALUES (:event_key, :destination, :rule_set, :kind, :event_time, :urgency);

-- open_baseline
-- A look into the past that has found something and is not complete.
INSERT INTO baselines (rule_set) VALUES (:rule_set) ON CONFLICT (rule_set) DO NOTHING;

-- close_baseline
-- It is complete.
DELETE FROM baselines WHERE rule_set = :rule_set;

-- release_past
-- Nobody completes the looks of rule sets that are not searched any more.
DELETE FROM baselines WHERE rule_set NOT IN (SELECT value FROM json_each(:searched));

-- rule_states
-- All rules of a rule set that ever ran, or some of them.
SELECT * FROM rules
WHERE rule_set = :rule_set AND (:rules IS NULL OR rule IN (SELECT value FROM json_each(:rules)));

-- begin_rules
-- When each rule first ran, and as what.
INSERT INTO rules (rule_set, rule, fingerprint, started_at)
SELECT :rule_set, key, value, :started_at FROM json_each(:rules) WHERE true
ON CONFLICT (rule_set, rule) DO NOTHING;

-- correct_start
-- Noted by a clock of which nobody knew whether it was right: only rules that have not been looked for yet.
UPDATE rules SET started_at = :began
WHERE rule_set = :rule_set AND started_at = :noted AND covered_until IS NULL;

-- heal
-- What lies in the future was noted by a clock that was ahead. What was searched then is not known; what was told then
-- may be forgotten, so that everything from before is listed at most.
UPDATE rules SET
    started_at = CASE WHEN started_at > :latest THEN :began ELSE started_at END,
    covered_until = CASE WHEN covered_until > :latest THEN :now ELSE covered_until END,
    searched_since = CASE WHEN covered_until > :latest OR searched_since > :latest THEN :now ELSE searched_since END,
    floor = CASE WHEN floor <= :latest THEN floor WHEN covered_until <= :latest THEN covered_until
        WHEN floor IS NOT NULL THEN :began END,
    forgotten_before = CASE WHEN forgotten_before <= :latest THEN forgotten_before
        WHEN forgotten_before IS NULL THEN NULL WHEN covered_until <= :latest THEN covered_until ELSE :began END
WHERE rule_set = :rule_set
    AND (started_at > :latest OR covered_until > :latest OR searched_since > :latest OR floor > :latest
        OR forgotten_before > :latest);

-- forget_future_gaps
-- Nobody can know of them.
DELETE FROM gaps WHERE rule_set = :rule_set AND ended > :latest;

-- cover_rules
-- What is covered never shrinks, at either end; the floor stays, once it is there.
INSERT INTO rules (rule_set, rule, fingerprint, started_at, covered_until, floor, searched_since)
SELECT :rule_set, key, value, :until, :until, :since, :since FROM json_each(:covered) WHERE true
ON CONFLICT (rule_set, rule) DO UPDATE SET
    fingerprint = excluded.fingerprint,
    covered_until = max(coalesce(covered_until, excluded.covered_until), excluded.covered_until),
    floor = coalesce(floor, excluded.floor),
    searched_since = min(coalesce(searched_since, excluded.searched_since), excluded.searched_since);

-- covered_until
-- How far the rules of a scan, as a whole, were covered before it.
SELECT min(covered_until) AS covered_until FROM rules
WHERE rule_set = :rule_set AND covered_until IS NOT NULL AND rule IN (SELECT key FROM json_each(:covered));

-- insert_gap
-- A scan that did not reach back to what was covered leaves a gap.
INSERT INTO gaps (rule_set, began, ended) VALUES (:rule_set, :began, :ended)
ON CONFLICT (rule_set, began) DO UPDATE SET ended = max(ended, excluded.ended);

-- forget_quiet_scan
-- Of the scans that found nothing only the newest of each kind is kept.
DELETE FROM scans WHERE rule_set = :rule_set AND kind = :kind AND new = 0;

-- insert_scan
-- One completed search.
INSERT INTO scans (rule_set, kind, started_at, finished_at, reach, candidates, new)
VALUES (:rule_set, :kind, :started_at, :finished_at, :reach, :candidates, :new);
