-- SPDX-License-Identifier: Apache-2.0
-- schema-5.sql - what version 5 of the results database adds (docs/database.md explains it): how far
-- the simulator is from the lab.

-- A metric of a scenario in the simulator and in the lab, each the median of a campaign's runs; made
-- by caiman validate.
CREATE TABLE validation (
  campaign_id INTEGER NOT NULL REFERENCES campaign (id) ON DELETE CASCADE, -- whose runs were compared
  seq INTEGER NOT NULL,           -- order, from 0
  scenario_name TEXT NOT NULL,    -- the file's base name
  subject_kind TEXT NOT NULL,     -- as in table metric
  subject TEXT NOT NULL,          -- as in table metric
  name TEXT NOT NULL,             -- of the metric
  unit TEXT NOT NULL,             -- of the values
  random_loss INTEGER NOT NULL,   -- 1: a link loses packets at random in this scenario
  n_sim INTEGER NOT NULL,         -- runs of the simulator
  n_lab INTEGER NOT NULL,         -- runs of the lab; those that could not keep up do not count
  sim REAL,                       -- median; NULL: most of the runs do not have it, or there are none
  lab REAL,                       -- likewise
  sim_min REAL,                   -- least of the runs that have it
  sim_max REAL,                   -- greatest
  lab_min REAL,                   -- likewise, of the lab
  lab_max REAL,                   -- likewise
  tolerance REAL,                 -- how far sim may be from lab, in the unit; NULL: lab is not known
  held INTEGER NOT NULL,          -- 1: it is no farther, 0: it is, or one of the two is not known
  PRIMARY KEY (campaign_id, seq)
) STRICT, WITHOUT ROWID;

-- The same with the relative error of the simulator, and how much of the tolerance it takes.
CREATE VIEW validation_error AS
SELECT v.campaign_id, campaign.name AS campaign, v.scenario_name,
       CASE v.subject WHEN '' THEN v.name ELSE v.subject || '.' || v.name END AS metric, v.unit,
       v.random_loss, v.n_sim, v.n_lab, v.sim, v.lab, (v.sim - v.lab) / nullif (v.lab, 0) AS error,
       v.tolerance, abs (v.sim - v.lab) / nullif (v.tolerance, 0) AS used, v.held
FROM validation AS v JOIN campaign ON campaign.id = v.campaign_id;
