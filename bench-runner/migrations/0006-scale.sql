-- Scale: what each run contributes to a line of history, computed once when the run ends.
-- The rows follow from the launches and can be made again; `Store::check` does so and compares.

-- Executables by digest, as launches name them.
CREATE TABLE code (
    code_id INTEGER PRIMARY KEY,
    sha256  BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32)
) STRICT;

-- One point of a line: clustered by line, so that reading one is a range scan and joins nothing.
CREATE TABLE night (
    series_id INTEGER NOT NULL REFERENCES series,
    run_id    INTEGER NOT NULL REFERENCES run,
    ordinal   INTEGER NOT NULL,                      -- 0: from launches; from 1: stated without launches
    value     REAL NOT NULL,                         -- per iteration, in the unit of the metric
    log_sd    REAL,                                  -- of the logarithms of the launch medians, from two launches on
    launches  INTEGER NOT NULL,
    code_id   INTEGER REFERENCES code,
    PRIMARY KEY (series_id, run_id, ordinal)
) STRICT, WITHOUT ROWID;

-- What all points of a run share beyond its own row; it also says that the run's nights are all written.
CREATE TABLE night_run (
    run_id INTEGER PRIMARY KEY REFERENCES run,
    source TEXT,                                     -- the commit
    grade  TEXT
) STRICT;
CREATE INDEX series_by_machine ON series (machine, config, recipe);

-- A run of which only the nights remain: its measurements were folded into them.
CREATE TABLE folded_run (
    run_id INTEGER PRIMARY KEY REFERENCES run,
    at_us  INTEGER NOT NULL
) STRICT;
DROP TRIGGER measurement_is_kept;
CREATE TRIGGER measurement_is_kept BEFORE DELETE ON measurement
WHEN NOT EXISTS (SELECT 1 FROM launch JOIN folded_run USING (run_id) WHERE launch_id = OLD.launch_id) BEGIN
    SELECT RAISE(ABORT, 'immutable: measurements are never deleted');
END;
DROP TRIGGER pruned_sample_is_kept;
CREATE TRIGGER pruned_sample_is_kept BEFORE DELETE ON pruned_sample
WHEN NOT EXISTS (SELECT 1 FROM measurement JOIN launch USING (launch_id) JOIN folded_run USING (run_id)
                 WHERE measurement.measurement_id = OLD.measurement_id) BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;

CREATE TRIGGER night_of_closed_run BEFORE INSERT ON night
WHEN EXISTS (SELECT 1 FROM night_run WHERE run_id = NEW.run_id) BEGIN
    SELECT RAISE(ABORT, 'immutable: the run is finished');
END;
CREATE TRIGGER code_is_kept BEFORE DELETE ON code BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER code_is_closed BEFORE UPDATE ON code BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER night_is_kept BEFORE DELETE ON night BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER night_is_closed BEFORE UPDATE ON night BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER night_run_is_kept BEFORE DELETE ON night_run BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER night_run_is_closed BEFORE UPDATE ON night_run BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER folded_run_is_kept BEFORE DELETE ON folded_run BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER folded_run_is_closed BEFORE UPDATE ON folded_run BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
