-- SPDX-License-Identifier: Apache-2.0
-- schema-3.sql - what version 3 of the results database adds (docs/database.md explains it): who
-- made a run, so that runs are found again and databases can be merged; and tunables kept once.

-- What the tunables were; runs with the same ones share a set.
CREATE TABLE parameter_set (
  id INTEGER PRIMARY KEY, -- number of the set
  hash TEXT UNIQUE        -- BLAKE2b-256 of its values, hex; NULL: of a run of an earlier version
) STRICT;

-- The tunables of a set. The view parameter has them by run.
CREATE TABLE parameter_value (
  set_id INTEGER NOT NULL REFERENCES parameter_set (id) ON DELETE CASCADE, -- the set
  side TEXT NOT NULL,  -- client, server, or '' for both
  name TEXT NOT NULL,  -- as in a scenario file: ping-timeout, ...
  value TEXT NOT NULL, -- in that unit
  unit TEXT NOT NULL,  -- ns, bytes, bit/s, ... or ''
  PRIMARY KEY (set_id, side, name)
) STRICT, WITHOUT ROWID;

ALTER TABLE campaign ADD COLUMN
  plan TEXT /* hash of what was to be run; campaigns of one name and plan are one; NULL: no plan */;

ALTER TABLE run ADD COLUMN
  build_id TEXT /* identity of the binary that ran it; NULL: not known */;
ALTER TABLE run ADD COLUMN
  origin TEXT /* names this run among all databases, also when it is merged into another one */;
ALTER TABLE run ADD COLUMN
  process TEXT /* which process runs or ran it: PID, start and boot; NULL: not known */;
ALTER TABLE run ADD COLUMN
  parameter_set INTEGER REFERENCES parameter_set (id) /* its tunables; NULL: none recorded */;

-- A copy of an older database must come to the same names.
UPDATE run SET origin = printf ('%s/%d/%d', host, id, started_us);

INSERT INTO parameter_set (id) SELECT DISTINCT run_id FROM parameter;
INSERT INTO parameter_value SELECT run_id, side, name, value, unit FROM parameter;
UPDATE run SET parameter_set = id WHERE id IN (SELECT id FROM parameter_set);
DROP TABLE parameter;

CREATE UNIQUE INDEX run_by_origin ON run (origin);
CREATE INDEX run_by_key ON run (scenario_hash, seed);
CREATE INDEX run_by_parameters ON run (parameter_set);

-- The tunables as resolved for each run.
CREATE VIEW parameter AS
SELECT run.id AS run_id, side, name, value, unit
FROM run JOIN parameter_value ON set_id = run.parameter_set;
