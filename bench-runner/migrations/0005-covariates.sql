-- What was noticed about a launch beside its observations. NULL is "could not be read", never 0.

CREATE TABLE launch_covariates (
    launch_id            INTEGER PRIMARY KEY REFERENCES launch,
    cpu_user_seconds     REAL,
    cpu_system_seconds   REAL,
    voluntary_switches   INTEGER,
    involuntary_switches INTEGER,
    major_faults         INTEGER,
    peak_memory_bytes    INTEGER,
    steal_ticks          INTEGER,
    all_ticks            INTEGER,
    quota_stops          INTEGER,
    clock_ghz            REAL,
    contention           REAL,
    taints_json          TEXT NOT NULL,              -- why the launch is tainted, as judged when it ended
    repeated             INTEGER NOT NULL CHECK (repeated IN (0, 1))   -- another launch was made in its stead
) STRICT;

CREATE TRIGGER launch_covariates_are_kept BEFORE DELETE ON launch_covariates BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER launch_covariates_are_closed BEFORE UPDATE ON launch_covariates BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER launch_covariates_of_closed_run BEFORE INSERT ON launch_covariates
WHEN (SELECT run.status FROM launch JOIN run USING (run_id) WHERE launch_id = NEW.launch_id) <> 'running' BEGIN
    SELECT RAISE(ABORT, 'immutable: the run is finished');
END;
