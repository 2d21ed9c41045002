-- SPDX-License-Identifier: Apache-2.0
-- schema-6.sql - what version 6 of the results database adds (docs/database.md explains it): what
-- was measured is named once for all runs alike, and a run has the values.

-- What is measured in a run, in the order in which reports show it; runs with the same share a set.
CREATE TABLE metric_set (
  id INTEGER PRIMARY KEY, -- number of the set
  hash TEXT UNIQUE        -- BLAKE2b-256 of its texts, hex; NULL: of a run of an earlier version
) STRICT;

-- The metrics of a set (docs/metrics.md defines each). The view metric has them by run.
CREATE TABLE metric_name (
  set_id INTEGER NOT NULL REFERENCES metric_set (id) ON DELETE CASCADE, -- the set
  seq INTEGER NOT NULL,       -- order in which a report shows them
  subject_kind TEXT NOT NULL, -- run, connection, flow or link
  subject TEXT NOT NULL,      -- the flow or link (wifi, wifi.up); '', client or server else
  name TEXT NOT NULL,         -- goodput, longest-gap, ...
  unit TEXT NOT NULL,         -- ns, bytes, bit/s, ratio (1 = 100 %), count
  PRIMARY KEY (set_id, seq),
  UNIQUE (set_id, subject_kind, subject, name)
) STRICT, WITHOUT ROWID;

-- What was measured, a value per run and metric. The view metric has their names.
CREATE TABLE metric_value (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE, -- the run it belongs to
  seq INTEGER NOT NULL, -- which metric, as in table metric_name
  value REAL,           -- in its unit; integers are exact up to 2^53; NULL: not defined here
  PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

ALTER TABLE run ADD COLUMN
  metric_set INTEGER REFERENCES metric_set (id) /* names of its metrics; NULL: none recorded */;

-- Runs in which the same was measured, in the same order, get one set: the first one's number.
CREATE TEMP TABLE measured AS
SELECT run_id, group_concat (text, char (10)) AS texts
FROM (SELECT run_id, printf ('%d %s %s %s %s', seq, subject_kind, quote (subject), quote (name),
                             quote (unit)) AS text
      FROM metric ORDER BY run_id, seq)
GROUP BY run_id;
CREATE TEMP TABLE shared AS
SELECT run_id, min (run_id) OVER (PARTITION BY texts) AS set_id FROM measured;
INSERT INTO metric_set (id) SELECT DISTINCT set_id FROM shared;
INSERT INTO metric_name SELECT run_id, seq, subject_kind, subject, name, unit
FROM metric WHERE run_id IN (SELECT set_id FROM shared);
INSERT INTO metric_value SELECT run_id, seq, value FROM metric ORDER BY run_id, seq;
UPDATE run SET metric_set = shared.set_id FROM shared WHERE shared.run_id = run.id;
DROP TABLE shared;
DROP TABLE measured;
DROP TABLE metric;

-- What was measured, by run.
CREATE VIEW metric AS
SELECT run.id AS run_id, n.subject_kind, n.subject, n.name, v.value, n.unit, n.seq
FROM run JOIN metric_name AS n ON n.set_id = run.metric_set
JOIN metric_value AS v ON v.run_id = run.id AND v.seq = n.seq;
