-- Integrity: a chain of signed statements about runs and words, the pruning of samples, and dictionaries that never change.

CREATE TABLE chain (
    chain_id INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE                    -- `machine/KEY` for runs, `words` for everything else
) STRICT;

-- One signed statement. Its position and the digest of the statement before it are inside the signed payload.
CREATE TABLE link (
    link_id    INTEGER PRIMARY KEY,
    chain_id   INTEGER NOT NULL REFERENCES chain,
    position   INTEGER NOT NULL CHECK (position > 0),
    run_id     INTEGER UNIQUE REFERENCES run,        -- of a statement about a run
    last_word  INTEGER,                              -- of a statement about words: the last that it covers
    payload    BLOB NOT NULL,                        -- an in-toto Statement, JSON
    key_id     TEXT NOT NULL,
    signature  BLOB NOT NULL CHECK (length(signature) = 64),   -- over the DSSE encoding of the payload
    UNIQUE (chain_id, position)
) STRICT;

-- What another store signed about a run before this one took it in.
CREATE TABLE origin_link (
    run_id    INTEGER NOT NULL REFERENCES run,
    ordinal   INTEGER NOT NULL,
    payload   BLOB NOT NULL,
    key_id    TEXT NOT NULL,
    signature BLOB NOT NULL CHECK (length(signature) = 64),
    PRIMARY KEY (run_id, ordinal)
) STRICT, WITHOUT ROWID;

-- The order in which words and decisions were added, so that the next statement knows what it covers.
CREATE TABLE word (
    word_id INTEGER PRIMARY KEY,
    kind    TEXT NOT NULL,                           -- the table
    row_key TEXT NOT NULL                            -- its key there
) STRICT;
INSERT INTO word (kind, row_key) SELECT 'annotation', annotation_id FROM annotation ORDER BY annotation_id;
INSERT INTO word (kind, row_key) SELECT 'segment', segment_id FROM segment ORDER BY segment_id;
INSERT INTO word (kind, row_key) SELECT 'baseline', baseline_id FROM baseline ORDER BY baseline_id;
INSERT INTO word (kind, row_key) SELECT 'alias', json_array(origin, name) FROM alias ORDER BY origin, name;
INSERT INTO word (kind, row_key)
    SELECT 'experiment', experiment_id FROM experiment WHERE finished_us IS NOT NULL ORDER BY experiment_id;
INSERT INTO word (kind, row_key) SELECT 'sighting', sighting_id FROM sighting ORDER BY sighting_id;
INSERT INTO word (kind, row_key) SELECT 'decision', decision_id FROM decision ORDER BY decision_id;
CREATE TRIGGER annotation_is_a_word AFTER INSERT ON annotation BEGIN
    INSERT INTO word (kind, row_key) VALUES ('annotation', NEW.annotation_id);
END;
CREATE TRIGGER sighting_is_a_word AFTER INSERT ON sighting BEGIN
    INSERT INTO word (kind, row_key) VALUES ('sighting', NEW.sighting_id);
END;
CREATE TRIGGER decision_is_a_word AFTER INSERT ON decision BEGIN
    INSERT INTO word (kind, row_key) VALUES ('decision', NEW.decision_id);
END;
CREATE TRIGGER segment_is_a_word AFTER INSERT ON segment BEGIN
    INSERT INTO word (kind, row_key) VALUES ('segment', NEW.segment_id);
END;
CREATE TRIGGER baseline_is_a_word AFTER INSERT ON baseline BEGIN
    INSERT INTO word (kind, row_key) VALUES ('baseline', NEW.baseline_id);
END;
CREATE TRIGGER alias_is_a_word AFTER INSERT ON alias BEGIN
    INSERT INTO word (kind, row_key) VALUES ('alias', json_array(NEW.origin, NEW.name));
END;
CREATE TRIGGER experiment_ends_with_a_word AFTER UPDATE OF finished_us ON experiment
WHEN OLD.finished_us IS NULL AND NEW.finished_us IS NOT NULL BEGIN
    INSERT INTO word (kind, row_key) VALUES ('experiment', NEW.experiment_id);
END;
CREATE TRIGGER experiment_is_a_word AFTER INSERT ON experiment WHEN NEW.finished_us IS NOT NULL BEGIN
    INSERT INTO word (kind, row_key) VALUES ('experiment', NEW.experiment_id);
END;

-- Pruning: the observations go, their digest stays, and with it the measurement's can still be made.
CREATE TABLE pruned_run (
    run_id INTEGER PRIMARY KEY REFERENCES run,
    at_us  INTEGER NOT NULL
) STRICT;
CREATE TABLE pruned_sample (
    measurement_id INTEGER PRIMARY KEY REFERENCES measurement,
    sha256         BLOB NOT NULL CHECK (length(sha256) = 32)
) STRICT;
DROP TRIGGER sample_is_kept;
CREATE TRIGGER sample_is_kept BEFORE DELETE ON sample
WHEN NOT EXISTS (SELECT 1 FROM pruned_sample WHERE measurement_id = OLD.measurement_id) BEGIN
    SELECT RAISE(ABORT, 'immutable: samples are only pruned');
END;
CREATE TRIGGER sample_was_pruned BEFORE INSERT ON sample
WHEN EXISTS (SELECT 1 FROM pruned_sample WHERE measurement_id = NEW.measurement_id) BEGIN
    SELECT RAISE(ABORT, 'immutable: the sample was pruned');
END;
CREATE TRIGGER pruned_sample_of_running_run BEFORE INSERT ON pruned_sample
WHEN (SELECT run.status FROM measurement JOIN launch USING (launch_id) JOIN run USING (run_id)
      WHERE measurement_id = NEW.measurement_id) = 'running' BEGIN
    SELECT RAISE(ABORT, 'immutable: the run is not finished');
END;

-- What is shared by many rows must not change under them.
CREATE TRIGGER store_is_kept BEFORE DELETE ON store BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER store_is_closed BEFORE UPDATE ON store BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER identity_is_kept BEFORE DELETE ON identity BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER identity_is_closed BEFORE UPDATE ON identity BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER benchmark_is_kept BEFORE DELETE ON benchmark BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER benchmark_is_closed BEFORE UPDATE ON benchmark BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER metric_is_kept BEFORE DELETE ON metric BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER metric_is_closed BEFORE UPDATE ON metric BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER series_is_kept BEFORE DELETE ON series BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER series_is_closed BEFORE UPDATE ON series BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER protocol_is_kept BEFORE DELETE ON protocol BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER protocol_is_closed BEFORE UPDATE ON protocol BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER fact_text_is_kept BEFORE DELETE ON fact_text BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER fact_text_is_closed BEFORE UPDATE ON fact_text BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER executable_is_kept BEFORE DELETE ON executable BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER executable_is_closed BEFORE UPDATE ON executable BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER chain_is_kept BEFORE DELETE ON chain BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER chain_is_closed BEFORE UPDATE ON chain BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER link_is_kept BEFORE DELETE ON link BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER link_is_closed BEFORE UPDATE ON link BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER origin_link_is_kept BEFORE DELETE ON origin_link BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER origin_link_is_closed BEFORE UPDATE ON origin_link BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER word_is_kept BEFORE DELETE ON word BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER word_is_closed BEFORE UPDATE ON word BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER pruned_run_is_kept BEFORE DELETE ON pruned_run BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER pruned_run_is_closed BEFORE UPDATE ON pruned_run BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER pruned_sample_is_kept BEFORE DELETE ON pruned_sample BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER pruned_sample_is_closed BEFORE UPDATE ON pruned_sample BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
