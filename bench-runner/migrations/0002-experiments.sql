-- Experiments: which run is an arm of what, and which launch belongs to which block.
-- Rows are added as the experiment goes on; only its end is ever filled in.

CREATE TABLE experiment (
    experiment_id INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE CHECK (length(id) = 26),   -- a ULID
    purpose       TEXT NOT NULL,
    started_us    INTEGER NOT NULL,
    finished_us   INTEGER,
    seed          TEXT NOT NULL,                     -- 64 bits do not fit into a signed integer
    result_json   TEXT,                              -- what was concluded when it ended; can be computed again
    written_by    TEXT NOT NULL
) STRICT;
CREATE INDEX experiment_by_time ON experiment (started_us, id);

-- The run of an arm is no night of a history: lists and lines of history leave it out.
CREATE TABLE experiment_arm (
    experiment_id INTEGER NOT NULL REFERENCES experiment,
    ordinal       INTEGER NOT NULL,
    run_id        INTEGER NOT NULL UNIQUE REFERENCES run,
    variant_json  TEXT NOT NULL,
    PRIMARY KEY (experiment_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE experiment_launch (
    experiment_id INTEGER NOT NULL REFERENCES experiment,
    position      INTEGER NOT NULL,
    block         INTEGER NOT NULL,
    arm           INTEGER NOT NULL,
    side          INTEGER NOT NULL,
    role          TEXT NOT NULL CHECK (role IN ('test', 'control')),
    launch        INTEGER NOT NULL,                  -- ordinal of the launch in the run of the arm
    contaminated  TEXT,
    PRIMARY KEY (experiment_id, position)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER experiment_is_kept BEFORE DELETE ON experiment BEGIN
    SELECT RAISE(ABORT, 'immutable: experiments are never deleted');
END;
CREATE TRIGGER experiment_is_closed BEFORE UPDATE ON experiment WHEN OLD.finished_us IS NOT NULL BEGIN
    SELECT RAISE(ABORT, 'immutable: the experiment is finished');
END;
CREATE TRIGGER experiment_arm_is_kept BEFORE DELETE ON experiment_arm BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER experiment_arm_is_closed BEFORE UPDATE ON experiment_arm BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER experiment_launch_is_kept BEFORE DELETE ON experiment_launch BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER experiment_launch_is_closed BEFORE UPDATE ON experiment_launch BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
