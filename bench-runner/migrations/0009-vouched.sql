-- What was not a word yet becomes one: prunings, foldings, calibrations, trials of knobs, and what other stores signed.

-- What is there already is a word too. Nobody signed that it was added: the next signed transaction signs it as found.
INSERT INTO word (kind, row_key) SELECT 'pruned_run', run_id FROM pruned_run ORDER BY run_id;
INSERT INTO word (kind, row_key) SELECT 'folded_run', run_id FROM folded_run ORDER BY run_id;
INSERT INTO word (kind, row_key) SELECT 'calibration', experiment_id FROM calibration ORDER BY experiment_id;
INSERT INTO word (kind, row_key) SELECT 'knob_trial', experiment_id FROM knob_trial ORDER BY experiment_id;
INSERT INTO word (kind, row_key)
    SELECT 'origin_link', run_id || '/' || ordinal FROM origin_link ORDER BY run_id, ordinal;
-- Prunings before this word are older than their signatures. After it one without a signature is a deletion.
INSERT INTO word (kind, row_key) VALUES ('store', '1');

CREATE TRIGGER pruned_run_is_a_word AFTER INSERT ON pruned_run BEGIN
    INSERT INTO word (kind, row_key) VALUES ('pruned_run', NEW.run_id);
END;
CREATE TRIGGER folded_run_is_a_word AFTER INSERT ON folded_run BEGIN
    INSERT INTO word (kind, row_key) VALUES ('folded_run', NEW.run_id);
END;
CREATE TRIGGER calibration_is_a_word AFTER INSERT ON calibration BEGIN
    INSERT INTO word (kind, row_key) VALUES ('calibration', NEW.experiment_id);
END;
CREATE TRIGGER knob_trial_is_a_word AFTER INSERT ON knob_trial BEGIN
    INSERT INTO word (kind, row_key) VALUES ('knob_trial', NEW.experiment_id);
END;
CREATE TRIGGER origin_link_is_a_word AFTER INSERT ON origin_link BEGIN
    INSERT INTO word (kind, row_key) VALUES ('origin_link', NEW.run_id || '/' || NEW.ordinal);
END;
