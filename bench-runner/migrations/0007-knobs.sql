-- Trials of knobs: which experiment tried which knob, and with which others it is judged.
-- Verdicts are not stored: they are computed from the launches of the experiment.

CREATE TABLE knob_trial (
    experiment_id INTEGER PRIMARY KEY REFERENCES experiment,
    knob          TEXT NOT NULL,
    session       TEXT NOT NULL,                     -- the trials of one invocation are judged together
    trial_json    TEXT NOT NULL                      -- how its sides were made, and the words that repeat it
) STRICT;
CREATE INDEX knob_trial_by_session ON knob_trial (session);

CREATE TRIGGER knob_trial_is_kept BEFORE DELETE ON knob_trial BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
CREATE TRIGGER knob_trial_is_closed BEFORE UPDATE ON knob_trial BEGIN
    SELECT RAISE(ABORT, 'immutable: rows are only added');
END;
