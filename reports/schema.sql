-- SPDX-License-Identifier: Apache-2.0
-- schema.sql - version 1 of the results database (docs/database.md explains it).
--
-- Units are the last part of a column's name: _ns nanoseconds, _us microseconds, _bps bits per
-- second, _bytes bytes. t_ns counts from the client's first connect. NULL: not known, not defined.

-- One invocation of a tool, or a name that several share.
CREATE TABLE campaign (
  id INTEGER PRIMARY KEY,      -- number, as the tools print it
  name TEXT NOT NULL,          -- chosen by the user or made from the time; need not be unique
  command TEXT NOT NULL,       -- the command line that began it
  host TEXT NOT NULL,          -- the machine that began it
  started_us INTEGER NOT NULL, -- real time, since 1970-01-01 UTC
  ended_us INTEGER             -- real time; NULL: still running, or killed
) STRICT;

-- Scenario texts, each kept once however many runs it had.
CREATE TABLE scenario (
  text_hash TEXT PRIMARY KEY, -- BLAKE2b-256 of text, hex
  text TEXT NOT NULL          -- the resolved scenario: reading it again gives the same run
) STRICT, WITHOUT ROWID;

-- A run; while its state is unfinished only this row of it is there.
CREATE TABLE run (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again, also not after a prune
  campaign_id INTEGER NOT NULL REFERENCES campaign (id) ON DELETE CASCADE, -- its campaign
  scenario_name TEXT NOT NULL,          -- the file's base name
  scenario_hash TEXT NOT NULL, -- of the resolved scenario, hex: equal means the same scenario
  text_hash TEXT NOT NULL REFERENCES scenario (text_hash), -- where its text is
  variant TEXT, -- what a sweep has set, "link lte.delay=20ms"; NULL: no sweep
  seed INTEGER NOT NULL,                -- all randomness of the run follows from it
  policy TEXT NOT NULL,                 -- scheduling policy: adaptive, min-rtt, ...
  testbed TEXT NOT NULL,                -- sim, tcp or lab
  git_id TEXT NOT NULL,                 -- of the build
  host TEXT NOT NULL,                   -- the machine that ran it
  state TEXT NOT NULL CHECK (state IN ('unfinished', 'finished')), -- unfinished: runs, or killed
  started_us INTEGER NOT NULL,          -- real time, since 1970-01-01 UTC
  outcome TEXT,                         -- how the connection ended: survives, all-links-failed, ...
  exit_class INTEGER, -- 0 all held, 1 expectation, 3 safety, 4 liveness, 77 skipped, ...
  digest TEXT,                          -- rolling BLAKE2b over all trace events, hex
  wall_ns INTEGER,                      -- real time that the run took
  simulated_ns INTEGER,                 -- virtual time that it covers
  n_events INTEGER                      -- trace events in the digest
) STRICT;
CREATE INDEX run_by_campaign ON run (campaign_id);
CREATE INDEX run_by_scenario ON run (scenario_name, policy);
CREATE INDEX run_by_text ON run (text_hash);

-- The tunables as resolved for this run.
CREATE TABLE parameter (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE, -- the run it belongs to
  side TEXT NOT NULL,  -- client, server, or '' for both
  name TEXT NOT NULL,  -- as in a scenario file: ping-timeout, ...
  value TEXT NOT NULL, -- in that unit
  unit TEXT NOT NULL,  -- ns, bytes, bit/s, ... or ''
  PRIMARY KEY (run_id, side, name)
) STRICT, WITHOUT ROWID;

-- The links as the scenario gives them at its start; up is client to server.
CREATE TABLE link (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE, -- the run it belongs to
  link INTEGER NOT NULL,          -- index from 0, in the scenario's order
  name TEXT NOT NULL,             -- as in the scenario file
  carrier TEXT NOT NULL,          -- pipe or tcp
  up_rate_bps INTEGER,            -- NULL: unlimited
  up_delay_ns INTEGER NOT NULL,   -- propagation delay, one way
  up_jitter TEXT NOT NULL,        -- as in a scenario file; none
  up_loss TEXT NOT NULL,          -- as in a scenario file; none
  up_queue TEXT NOT NULL,         -- as in a scenario file: a time, bytes or packets
  down_rate_bps INTEGER,          -- NULL: unlimited
  down_delay_ns INTEGER NOT NULL, -- propagation delay, one way
  down_jitter TEXT NOT NULL,      -- as in a scenario file; none
  down_loss TEXT NOT NULL,        -- as in a scenario file; none
  down_queue TEXT NOT NULL,       -- as in a scenario file: a time, bytes or packets
  weight INTEGER NOT NULL,        -- share of what is sent when several links could take it
  cost INTEGER NOT NULL,          -- a link of higher cost is used when the cheaper ones fall short
  quota_bytes INTEGER,            -- per period; NULL: none
  PRIMARY KEY (run_id, link)
) STRICT, WITHOUT ROWID;

-- The flows; each has one direction.
CREATE TABLE flow (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE, -- the run it belongs to
  flow INTEGER NOT NULL,            -- index from 0, in the scenario's order
  name TEXT NOT NULL,               -- as in the scenario file
  from_side TEXT NOT NULL,          -- the side that sends: client or server
  kind TEXT NOT NULL,               -- bulk, rate, request, on-off or messages
  offered_bytes INTEGER NOT NULL,   -- payload given to the connection by the end of the run
  delivered_bytes INTEGER NOT NULL, -- payload taken from it at the other side
  complete INTEGER NOT NULL,        -- 1: all that the scenario asked for was delivered
  PRIMARY KEY (run_id, flow)
) STRICT, WITHOUT ROWID;

-- What was measured, a value per run (docs/metrics.md defines each).
CREATE TABLE metric (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE, -- the run it belongs to
  subject_kind TEXT NOT NULL, -- run, connection, flow or link
  subject TEXT NOT NULL,      -- the flow or link (wifi, wifi.up); '', client or server else
  name TEXT NOT NULL,         -- goodput, longest-gap, ...
  value REAL,                 -- in that unit; integers are exact up to 2^53; NULL: not defined here
  unit TEXT NOT NULL,         -- ns, bytes, bit/s, ratio (1 = 100 %), count
  seq INTEGER NOT NULL,       -- order in which a report shows them
  PRIMARY KEY (run_id, subject_kind, subject, name)
) STRICT, WITHOUT ROWID;

-- What a side knew of a link, at each sampling instant. Totals count from the run's start.
CREATE TABLE link_sample (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE, -- the run it belongs to
  link INTEGER NOT NULL,            -- index, as in table link
  side TEXT NOT NULL,               -- client or server
  t_ns INTEGER NOT NULL,            -- when
  state TEXT NOT NULL,              -- of the link: working, ...
  rtt_ns INTEGER,                   -- smoothed round-trip time
  in_flight_bytes INTEGER NOT NULL, -- sent and not acknowledged
  limit_bytes INTEGER NOT NULL,     -- the link's window
  sent_bytes INTEGER NOT NULL,      -- total
  delivered_bytes INTEGER NOT NULL, -- total that was acknowledged
  resent_bytes INTEGER NOT NULL,    -- total that was sent before, here or on another link
  queue_bytes INTEGER NOT NULL,     -- waiting in the link's outbox and the path's queue
  PRIMARY KEY (run_id, link, side, t_ns)
) STRICT, WITHOUT ROWID;

-- How far a flow was, at each sampling instant.
CREATE TABLE flow_sample (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE, -- the run it belongs to
  flow INTEGER NOT NULL,            -- index, as in table flow
  t_ns INTEGER NOT NULL,            -- when
  offered_bytes INTEGER NOT NULL,   -- total
  delivered_bytes INTEGER NOT NULL, -- total
  reorder_bytes INTEGER NOT NULL,   -- held by the receiver until what is before them arrives
  PRIMARY KEY (run_id, flow, t_ns)
) STRICT, WITHOUT ROWID;

-- Changes of state, faults, and what a side reported.
CREATE TABLE event (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE, -- the run it belongs to
  seq INTEGER NOT NULL,  -- from 0, in the order in which they happened
  t_ns INTEGER NOT NULL, -- when
  side TEXT NOT NULL,    -- client, server or harness
  link INTEGER,          -- index, as in table link; NULL: not about a link
  kind TEXT NOT NULL,    -- link-state, fault-start, ...
  reason TEXT NOT NULL,  -- ping-timeout, ... or none
  a INTEGER NOT NULL,    -- two numbers; the kind says what they mean, 0 where nothing
  b INTEGER NOT NULL,    -- see a
  text TEXT NOT NULL,    -- for people
  PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

-- The rolling digest every 1 000 trace events: where two runs part, the interval is known.
CREATE TABLE checkpoint (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE, -- the run it belongs to
  n_events INTEGER NOT NULL, -- trace events so far
  t_ns INTEGER NOT NULL,     -- of the last of them
  digest BLOB NOT NULL,      -- 32 bytes
  PRIMARY KEY (run_id, n_events)
) STRICT, WITHOUT ROWID;

-- What the scenario expects, and whether it held.
CREATE TABLE expectation (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE, -- the run it belongs to
  seq INTEGER NOT NULL,  -- from 0, in the file's order
  name TEXT NOT NULL,    -- upload.efficiency, integrity, ...
  bound TEXT NOT NULL,   -- ">= 95%"
  actual TEXT,           -- for people, in the bound's unit; NULL: not defined in this run
  held INTEGER NOT NULL, -- 1 or 0
  line INTEGER NOT NULL, -- in the scenario file; 0: every run has it (the oracle's)
  PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

-- Runs as a person lists them.
CREATE VIEW run_list AS
SELECT run.id AS run_id, campaign.name AS campaign,
       datetime (run.started_us / 1000000, 'unixepoch') AS started_utc,
       scenario_name, variant, seed, policy, testbed, state, outcome, exit_class,
       (SELECT count (*) FROM expectation AS e WHERE e.run_id = run.id AND held) AS n_held,
       (SELECT count (*) FROM expectation AS e WHERE e.run_id = run.id AND NOT held) AS n_failed,
       simulated_ns / 1e9 AS simulated_s, wall_ns / 1e9 AS wall_s, git_id
FROM run JOIN campaign ON campaign.id = run.campaign_id;

-- The latest finished run of each scenario, variant and policy, on each testbed.
CREATE VIEW last_run AS
SELECT run_list.* FROM run_list
WHERE run_id IN (SELECT max (id) FROM run WHERE state = 'finished'
                 GROUP BY scenario_name, variant, policy, testbed);

-- Each expectation that did not hold, and each run that failed without one.
CREATE VIEW failure AS
SELECT run.id AS run_id, scenario_name, variant, seed, policy, testbed, outcome, exit_class,
       e.name AS expectation, e.bound, e.actual, e.line
FROM run LEFT JOIN expectation AS e ON e.run_id = run.id AND NOT e.held
WHERE e.name IS NOT NULL OR exit_class NOT IN (0, 77) OR state = 'unfinished';

-- Link samples with names, in the units of people; rates are those since the sample before.
CREATE VIEW link_timeline AS
SELECT s.run_id, link.name AS link, s.side, s.t_ns / 1e9 AS t_s, s.state, s.rtt_ns / 1e6 AS rtt_ms,
       s.in_flight_bytes, s.limit_bytes, s.queue_bytes,
       round ((s.sent_bytes - lag (s.sent_bytes) OVER w) * 8e3 / (s.t_ns - lag (s.t_ns) OVER w), 3)
         AS sent_mbps,
       round ((s.delivered_bytes - lag (s.delivered_bytes) OVER w) * 8e3
              / (s.t_ns - lag (s.t_ns) OVER w), 3) AS delivered_mbps,
       s.resent_bytes - lag (s.resent_bytes) OVER w AS resent_bytes
FROM link_sample AS s JOIN link ON link.run_id = s.run_id AND link.link = s.link
WINDOW w AS (PARTITION BY s.run_id, s.link, s.side ORDER BY s.t_ns);

-- Events with the names of their links.
CREATE VIEW event_timeline AS
SELECT e.run_id, e.seq, e.t_ns / 1e9 AS t_s, e.side, link.name AS link, e.kind, e.reason, e.a, e.b,
       e.text
FROM event AS e LEFT JOIN link ON link.run_id = e.run_id AND link.link = e.link;

-- Each metric over all finished runs that differ in their seed alone. Percentiles by nearest rank.
CREATE VIEW metric_summary AS
WITH ranked AS (
  SELECT scenario_name, scenario_hash, variant, policy, testbed, git_id,
         subject_kind, subject, name, unit, value,
         row_number () OVER w AS rank, count (*) OVER (PARTITION BY
           scenario_hash, scenario_name, variant, policy, testbed, git_id,
           subject_kind, subject, name, unit) AS n
  FROM metric JOIN run ON run.id = metric.run_id
  WHERE state = 'finished' AND value IS NOT NULL
  WINDOW w AS (PARTITION BY scenario_hash, scenario_name, variant, policy, testbed, git_id,
                            subject_kind, subject, name, unit ORDER BY value))
SELECT scenario_name, scenario_hash, variant, policy, testbed, git_id, subject_kind, subject, name,
       unit, n AS n_runs, min (value) AS min,
       max (CASE WHEN rank = (n * 50 + 99) / 100 THEN value END) AS p50,
       max (CASE WHEN rank = (n * 90 + 99) / 100 THEN value END) AS p90,
       max (CASE WHEN rank = (n * 99 + 99) / 100 THEN value END) AS p99,
       max (value) AS max, avg (value) AS mean
FROM ranked
GROUP BY scenario_hash, scenario_name, variant, policy, testbed, git_id, subject_kind, subject,
         name, unit;

-- How long each flow went without a delivery.
CREATE VIEW gap AS
SELECT run.id AS run_id, scenario_name, variant, seed, policy, subject AS flow,
       max (CASE WHEN m.name = 'longest-gap' THEN value END) / 1e6 AS longest_gap_ms,
       max (CASE WHEN m.name = 'failover-gap' THEN value END) / 1e6 AS failover_gap_ms,
       max (CASE WHEN m.name = 'recovery' THEN value END) / 1e6 AS recovery_ms
FROM metric AS m JOIN run ON run.id = m.run_id
WHERE subject_kind = 'flow' AND m.name IN ('longest-gap', 'failover-gap', 'recovery')
GROUP BY run.id, subject;

-- Where each flow's lost time went.
CREATE VIEW lost_time AS
SELECT run.id AS run_id, scenario_name, variant, seed, policy, subject AS flow,
       substr (m.name, 6) AS cause, value / 1e6 AS lost_ms
FROM metric AS m JOIN run ON run.id = m.run_id
WHERE subject_kind = 'flow' AND m.name LIKE 'lost-%' AND m.unit = 'ns';
