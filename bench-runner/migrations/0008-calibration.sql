-- Calibrations: what was concluded from an experiment of equal executables. It can be computed again.

CREATE TABLE calibration (
    experiment_id INTEGER PRIMARY KEY REFERENCES experiment,
    machine       TEXT NOT NULL,
    at_us         INTEGER NOT NULL,
    result_json   TEXT NOT NULL
) STRICT;
CREATE INDEX calibration_by_machine ON calibration (machine, at_us);

CREATE TRIGGER calibration_is_kept BEFORE DELETE ON calibration BEGIN
    SELECT RAISE(ABORT, 'immutable: calibrations are never deleted');
END;
CREATE TRIGGER calibration_is_closed BEFORE UPDATE ON calibration BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
