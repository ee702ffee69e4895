-- Changes of level that a gate found, and what people decided about them. Both are only ever added to.

CREATE TABLE sighting (
    sighting_id  INTEGER PRIMARY KEY,
    change_id    TEXT NOT NULL CHECK (length(change_id) = 12),  -- hash of series and first run
    series_id    INTEGER NOT NULL REFERENCES series,
    first_run_id INTEGER NOT NULL REFERENCES run,               -- first run of the new level
    seen_run_id  INTEGER NOT NULL REFERENCES run,               -- the run that was judged
    evidence     TEXT NOT NULL CHECK (evidence IN ('suspect', 'confirmed', 'refuted')),
    ratio        REAL NOT NULL,                                 -- new level over old
    experiment   TEXT,                                          -- the experiment that measured it again
    at_us        INTEGER NOT NULL
) STRICT;
CREATE INDEX sighting_by_change ON sighting (change_id, sighting_id);

CREATE TABLE decision (
    decision_id INTEGER PRIMARY KEY,
    subject     TEXT NOT NULL,                                  -- a change, a budget, or `target/full_id`
    kind        TEXT NOT NULL CHECK (kind IN ('accept', 'fix', 'noise', 'waive')),
    reason      TEXT NOT NULL CHECK (reason <> ''),
    until_us    INTEGER,
    at_us       INTEGER NOT NULL,
    CHECK ((kind = 'waive') = (until_us IS NOT NULL))
) STRICT;
CREATE INDEX decision_by_subject ON decision (subject, decision_id);

CREATE TRIGGER sighting_is_kept BEFORE DELETE ON sighting BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER sighting_is_closed BEFORE UPDATE ON sighting BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER decision_is_kept BEFORE DELETE ON decision BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER decision_is_closed BEFORE UPDATE ON decision BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
