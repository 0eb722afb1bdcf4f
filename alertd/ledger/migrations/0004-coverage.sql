-- Three facts that one column held: how far back a rule may alert (floor), what may have been forgotten, and how far back
-- a completed scan looked. Pruning raised the floor to what no scan had ever reached: the newest baseline knows better.
ALTER TABLE rules ADD COLUMN forgotten_before INTEGER;
ALTER TABLE rules ADD COLUMN searched_since INTEGER;
UPDATE rules SET searched_since = (
    SELECT s.started_at - s.reach FROM scans AS s
    WHERE s.rule_set = rules.rule_set AND s.kind = 'baseline' ORDER BY s.id DESC LIMIT 1
) WHERE covered_until IS NOT NULL;
UPDATE rules SET forgotten_before = floor WHERE floor > searched_since;
UPDATE rules SET floor = searched_since WHERE floor IS NOT NULL AND searched_since IS NOT NULL;
