-- First version of the store. Times are microseconds since 1970 in UTC; every other unit is in the name of its column.
-- A run and all that belongs to it can be added to while the run is `running`, and never changes after that.

CREATE TABLE store (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    store_id   TEXT NOT NULL,                        -- a ULID: tells two stores apart
    created_us INTEGER NOT NULL
) STRICT;

-- Dictionaries: what many rows share is written once.

CREATE TABLE identity (
    identity_id INTEGER PRIMARY KEY,
    recipe      INTEGER NOT NULL,                    -- version of the recipe that made the keys
    hw_class    TEXT NOT NULL,
    machine     TEXT NOT NULL,
    label       TEXT,
    config      TEXT NOT NULL,
    build       TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX identity_content
    ON identity (machine, config, build, hw_class, recipe, label IS NULL, ifnull(label, ''));

CREATE TABLE benchmark (
    benchmark_id INTEGER PRIMARY KEY,
    package      TEXT NOT NULL,
    target       TEXT NOT NULL,
    group_name   TEXT NOT NULL,
    function     TEXT,
    value        TEXT,
    occurrence   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX benchmark_content
    ON benchmark (group_name, target, package, occurrence, function IS NULL, ifnull(function, ''),
                  value IS NULL, ifnull(value, ''));

CREATE TABLE metric (
    metric_id INTEGER PRIMARY KEY,
    name      TEXT NOT NULL,
    unit      TEXT NOT NULL,
    UNIQUE (name, unit)
) STRICT;

-- One comparable line of history.
CREATE TABLE series (
    series_id    INTEGER PRIMARY KEY,
    benchmark_id INTEGER NOT NULL REFERENCES benchmark,
    metric_id    INTEGER NOT NULL REFERENCES metric,
    recipe       INTEGER NOT NULL,
    machine      TEXT NOT NULL,
    config       TEXT NOT NULL,
    UNIQUE (benchmark_id, metric_id, machine, config, recipe)
) STRICT;

-- How a harness measured: the same few combinations over and over.
CREATE TABLE protocol (
    protocol_id     INTEGER PRIMARY KEY,
    sampling        TEXT NOT NULL,
    settings_json   TEXT NOT NULL,                   -- `null` when the harness did not tell
    throughput_json TEXT NOT NULL,
    UNIQUE (settings_json, throughput_json, sampling)
) STRICT;

CREATE TABLE fact_text (
    fact_text_id INTEGER PRIMARY KEY,
    key          TEXT NOT NULL,
    value_json   TEXT NOT NULL,                      -- `null` when there is no value
    unit         TEXT NOT NULL,
    status       TEXT NOT NULL,
    source       TEXT NOT NULL,
    UNIQUE (key, value_json, unit, status, source)
) STRICT;

CREATE TABLE executable (
    executable_id INTEGER PRIMARY KEY,
    sha256        BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
    size_bytes    INTEGER NOT NULL
) STRICT;

-- Runs and what belongs to them.

CREATE TABLE run (
    run_id      INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE CHECK (length(id) = 26),   -- a ULID
    kind        TEXT NOT NULL CHECK (kind IN ('measured', 'imported', 'summary')),
    status      TEXT NOT NULL CHECK (status IN ('running', 'complete', 'partial')),
    started_us  INTEGER NOT NULL,
    finished_us INTEGER,
    suite       TEXT NOT NULL,
    title       TEXT,
    identity_id INTEGER NOT NULL REFERENCES identity,
    plan_json   TEXT NOT NULL,                       -- `null` when there was no plan
    profile     TEXT GENERATED ALWAYS AS (plan_json ->> '$.profile') VIRTUAL,
    set_name    TEXT GENERATED ALWAYS AS (plan_json ->> '$.set') VIRTUAL,
    written_by  TEXT NOT NULL                        -- version of bench-runner that wrote the row
) STRICT;
CREATE INDEX run_by_time ON run (started_us, id);
CREATE INDEX run_by_identity ON run (identity_id, started_us);
CREATE INDEX run_unfinished ON run (id) WHERE status = 'running';

CREATE TABLE inventory (
    run_id       INTEGER NOT NULL REFERENCES run,
    ordinal      INTEGER NOT NULL,
    benchmark_id INTEGER NOT NULL REFERENCES benchmark,
    PRIMARY KEY (run_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE fact (
    run_id       INTEGER NOT NULL REFERENCES run,
    ordinal      INTEGER NOT NULL,
    phase        TEXT NOT NULL CHECK (phase IN ('start', 'end', 'delta')),
    fact_text_id INTEGER NOT NULL REFERENCES fact_text,
    PRIMARY KEY (run_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_executable (
    run_id        INTEGER NOT NULL REFERENCES run,
    ordinal       INTEGER NOT NULL,
    executable_id INTEGER NOT NULL REFERENCES executable,
    package       TEXT NOT NULL,
    target        TEXT NOT NULL,
    PRIMARY KEY (run_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE launch (
    launch_id         INTEGER PRIMARY KEY,
    run_id            INTEGER NOT NULL REFERENCES run,
    ordinal           INTEGER NOT NULL,
    round             INTEGER NOT NULL,
    executable_sha256 BLOB NOT NULL CHECK (length(executable_sha256) = 32),
    package           TEXT NOT NULL,
    target            TEXT NOT NULL,
    status            TEXT NOT NULL CHECK (status IN ('running', 'complete', 'partial')),
    capture           TEXT,
    reason            TEXT,
    harness_version   TEXT,
    started_us        INTEGER NOT NULL,
    elapsed_seconds   REAL NOT NULL,
    exit_code         INTEGER,
    UNIQUE (run_id, ordinal)
) STRICT;

CREATE TABLE measurement (
    measurement_id INTEGER PRIMARY KEY,
    launch_id      INTEGER NOT NULL REFERENCES launch,
    position       INTEGER NOT NULL,                 -- in the launch, from 0, in the order of measuring
    series_id      INTEGER NOT NULL REFERENCES series,
    protocol_id    INTEGER NOT NULL REFERENCES protocol,
    observations   INTEGER NOT NULL,
    median         REAL NOT NULL,                    -- per iteration, in the unit of the metric
    minimum        REAL NOT NULL,                    -- per iteration, in the unit of the metric
    sha256         BLOB NOT NULL CHECK (length(sha256) = 32),   -- digest of this part of the run
    UNIQUE (launch_id, position),
    UNIQUE (series_id, launch_id)
) STRICT;

-- Apart from `measurement`, whose digest covers it, so that lists and lines of history never read past it.
CREATE TABLE sample (
    measurement_id INTEGER PRIMARY KEY REFERENCES measurement,
    packed         BLOB NOT NULL                     -- see docs/schema.md
) STRICT;

CREATE TABLE stated_estimate (
    run_id          INTEGER NOT NULL REFERENCES run,
    ordinal         INTEGER NOT NULL,
    series_id       INTEGER NOT NULL REFERENCES series,
    throughput_json TEXT NOT NULL,
    statistic       TEXT NOT NULL,
    value           REAL NOT NULL,                   -- per iteration, in the unit of the metric
    low             REAL,
    high            REAL,
    level           REAL,
    method          TEXT,
    launches        INTEGER NOT NULL,
    observations    INTEGER NOT NULL,
    PRIMARY KEY (run_id, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX stated_estimate_by_series ON stated_estimate (series_id, run_id);

CREATE TABLE finding (
    run_id   INTEGER NOT NULL REFERENCES run,
    ordinal  INTEGER NOT NULL,
    code     TEXT NOT NULL,
    severity TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'blocking')),
    subject  TEXT NOT NULL,
    evidence TEXT NOT NULL,
    effect   TEXT NOT NULL,
    remedy   TEXT NOT NULL,
    PRIMARY KEY (run_id, ordinal)
) STRICT, WITHOUT ROWID;

-- Digests of the parts that have no row of their own; written when the run ends.
CREATE TABLE part_digest (
    run_id INTEGER NOT NULL REFERENCES run,
    part   TEXT NOT NULL,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    PRIMARY KEY (run_id, part)
) STRICT, WITHOUT ROWID;

-- Words and decisions about runs: rows are added, the newest counts, none is changed.

CREATE TABLE annotation (
    annotation_id INTEGER PRIMARY KEY,
    target        TEXT NOT NULL CHECK (target IN ('store', 'run', 'benchmark', 'finding', 'machine')),
    target_id     TEXT NOT NULL,
    kind          TEXT NOT NULL,
    text          TEXT NOT NULL,
    at_us         INTEGER NOT NULL,
    UNIQUE (target, target_id, at_us, kind, text)
) STRICT;

CREATE TABLE segment (
    segment_id   INTEGER PRIMARY KEY,
    series_id    INTEGER NOT NULL REFERENCES series,
    first_run_id INTEGER NOT NULL REFERENCES run,
    state        TEXT NOT NULL,
    reason       TEXT NOT NULL,
    at_us        INTEGER NOT NULL
) STRICT;
CREATE INDEX segment_by_series ON segment (series_id, first_run_id);

CREATE TABLE baseline (
    baseline_id INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    run_id      INTEGER NOT NULL REFERENCES run,
    at_us       INTEGER NOT NULL
) STRICT;
CREATE INDEX baseline_by_name ON baseline (name, baseline_id);

CREATE TABLE alias (
    origin       TEXT NOT NULL,                      -- who uses the name
    name         TEXT NOT NULL,
    benchmark_id INTEGER NOT NULL REFERENCES benchmark,
    PRIMARY KEY (origin, name)
) STRICT, WITHOUT ROWID;

-- Immutability. A run takes rows while it is running; then it is closed. Nothing is ever deleted.

CREATE TRIGGER run_is_kept BEFORE DELETE ON run BEGIN
    SELECT RAISE(ABORT, 'immutable: runs are never deleted');
END;
CREATE TRIGGER run_is_closed BEFORE UPDATE ON run WHEN OLD.status <> 'running' BEGIN
    SELECT RAISE(ABORT, 'immutable: the run is finished');
END;
CREATE TRIGGER launch_is_kept BEFORE DELETE ON launch BEGIN
    SELECT RAISE(ABORT, 'immutable: launches are never deleted');
END;
CREATE TRIGGER launch_is_closed BEFORE UPDATE ON launch
WHEN OLD.status <> 'running' OR (SELECT status FROM run WHERE run_id = OLD.run_id) <> 'running' BEGIN
    SELECT RAISE(ABORT, 'immutable: the launch or its run is finished');
END;
CREATE TRIGGER launch_of_closed_run BEFORE INSERT ON launch
WHEN (SELECT status FROM run WHERE run_id = NEW.run_id) <> 'running' BEGIN
    SELECT RAISE(ABORT, 'immutable: the run is finished');
END;
CREATE TRIGGER measurement_is_kept BEFORE DELETE ON measurement BEGIN
    SELECT RAISE(ABORT, 'immutable: measurements are never deleted');
END;
CREATE TRIGGER measurement_is_closed BEFORE UPDATE ON measurement BEGIN
    SELECT RAISE(ABORT, 'immutable: measurements never change');
END;
CREATE TRIGGER measurement_of_closed_run BEFORE INSERT ON measurement
WHEN (SELECT run.status FROM launch JOIN run USING (run_id) WHERE launch_id = NEW.launch_id) <> 'running' BEGIN
    SELECT RAISE(ABORT, 'immutable: the run is finished');
END;
CREATE TRIGGER sample_is_kept BEFORE DELETE ON sample BEGIN
    SELECT RAISE(ABORT, 'immutable: samples are never deleted');
END;
CREATE TRIGGER sample_is_closed BEFORE UPDATE ON sample BEGIN
    SELECT RAISE(ABORT, 'immutable: samples never change');
END;
CREATE TRIGGER inventory_is_kept BEFORE DELETE ON inventory BEGIN
    SELECT RAISE(ABORT, 'immutable: rows of a run are never deleted');
END;
CREATE TRIGGER inventory_is_closed BEFORE UPDATE ON inventory BEGIN
    SELECT RAISE(ABORT, 'immutable: rows of a run never change');
END;
CREATE TRIGGER inventory_of_closed_run BEFORE INSERT ON inventory
WHEN (SELECT status FROM run WHERE run_id = NEW.run_id) <> 'running' BEGIN
    SELECT RAISE(ABORT, 'immutable: the run is finished');
END;
CREATE TRIGGER fact_is_kept BEFORE DELETE ON fact BEGIN
    SELECT RAISE(ABORT, 'immutable: rows of a run are never deleted');
END;
CREATE TRIGGER fact_is_closed BEFORE UPDATE ON fact BEGIN
    SELECT RAISE(ABORT, 'immutable: rows of a run never change');
END;
CREATE TRIGGER fact_of_closed_run BEFORE INSERT ON fact
WHEN (SELECT status FROM run WHERE run_id = NEW.run_id) <> 'running' BEGIN
    SELECT RAISE(ABORT, 'immutable: the run is finished');
END;
CREATE TRIGGER run_executable_is_kept BEFORE DELETE ON run_executable BEGIN
    SELECT RAISE(ABORT, 'immutable: rows of a run are never deleted');
END;
CREATE TRIGGER run_executable_is_closed BEFORE UPDATE ON run_executable BEGIN
    SELECT RAISE(ABORT, 'immutable: rows of a run never change');
END;
CREATE TRIGGER run_executable_of_closed_run BEFORE INSERT ON run_executable
WHEN (SELECT status FROM run WHERE run_id = NEW.run_id) <> 'running' BEGIN
    SELECT RAISE(ABORT, 'immutable: the run is finished');
END;
CREATE TRIGGER stated_estimate_is_kept BEFORE DELETE ON stated_estimate BEGIN
    SELECT RAISE(ABORT, 'immutable: rows of a run are never deleted');
END;
CREATE TRIGGER stated_estimate_is_closed BEFORE UPDATE ON stated_estimate BEGIN
    SELECT RAISE(ABORT, 'immutable: rows of a run never change');
END;
CREATE TRIGGER stated_estimate_of_closed_run BEFORE INSERT ON stated_estimate
WHEN (SELECT status FROM run WHERE run_id = NEW.run_id) <> 'running' BEGIN
    SELECT RAISE(ABORT, 'immutable: the run is finished');
END;
CREATE TRIGGER finding_is_kept BEFORE DELETE ON finding BEGIN
    SELECT RAISE(ABORT, 'immutable: rows of a run are never deleted');
END;
CREATE TRIGGER finding_is_closed BEFORE UPDATE ON finding BEGIN
    SELECT RAISE(ABORT, 'immutable: rows of a run never change');
END;
CREATE TRIGGER finding_of_closed_run BEFORE INSERT ON finding
WHEN (SELECT status FROM run WHERE run_id = NEW.run_id) <> 'running' BEGIN
    SELECT RAISE(ABORT, 'immutable: the run is finished');
END;
CREATE TRIGGER part_digest_is_kept BEFORE DELETE ON part_digest BEGIN
    SELECT RAISE(ABORT, 'immutable: rows of a run are never deleted');
END;
CREATE TRIGGER part_digest_is_closed BEFORE UPDATE ON part_digest BEGIN
    SELECT RAISE(ABORT, 'immutable: rows of a run never change');
END;
CREATE TRIGGER part_digest_of_closed_run BEFORE INSERT ON part_digest
WHEN (SELECT status FROM run WHERE run_id = NEW.run_id) <> 'running' BEGIN
    SELECT RAISE(ABORT, 'immutable: the run is finished');
END;
CREATE TRIGGER annotation_is_kept BEFORE DELETE ON annotation BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER annotation_is_closed BEFORE UPDATE ON annotation BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER segment_is_kept BEFORE DELETE ON segment BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER segment_is_closed BEFORE UPDATE ON segment BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER baseline_is_kept BEFORE DELETE ON baseline BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER baseline_is_closed BEFORE UPDATE ON baseline BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER alias_is_kept BEFORE DELETE ON alias BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER alias_is_closed BEFORE UPDATE ON alias BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
