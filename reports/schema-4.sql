-- SPDX-License-Identifier: Apache-2.0
-- schema-4.sql - what version 4 of the results database adds (docs/database.md explains it): why a
-- link carried nothing new, what was sent again and why, and when flows stood still.

ALTER TABLE link_sample ADD COLUMN
  hold TEXT /* what kept new data off the link at that instant: peer-window, suspected, ...; none:
               nothing did; NULL: not known */;

-- Payload that was sent more than once: totals by link and cause, of the transmissions that were
-- not the first.
CREATE TABLE resend (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE, -- the run it belongs to
  side TEXT NOT NULL,          -- client or server: who sent it
  link INTEGER NOT NULL,       -- index, as in table link: where it was sent again; -1: not known
  from_link INTEGER NOT NULL,  -- index of the link that had it before; -1: not known
  cause TEXT NOT NULL,         -- gone, not-working, suspected, late or redundant
  n_messages INTEGER NOT NULL, -- how many
  bytes INTEGER NOT NULL,      -- their payload
  PRIMARY KEY (run_id, side, link, from_link, cause)
) STRICT, WITHOUT ROWID;

-- Times of at least 50 ms in which bytes of a flow waited and none was delivered. Where a flow had
-- more than 250 of them it is 100 ms, or 200 ms, and so on, until they are no more.
CREATE TABLE stall (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE, -- the run it belongs to
  flow INTEGER NOT NULL,     -- index, as in table flow
  begin_ns INTEGER NOT NULL, -- the delivery before it, or when bytes were offered after that
  end_ns INTEGER NOT NULL,   -- the delivery that ended it, or the flow's end
  PRIMARY KEY (run_id, flow, begin_ns)
) STRICT, WITHOUT ROWID;

-- What the scenario did, from when to when; an event of several links, or of none, has no link.
CREATE VIEW fault_interval AS
SELECT b.run_id, b.seq, b.b AS event, b.a AS number, b.link, b.text AS fault,
       substr (b.text, instr (b.text, ': ') + 2) AS verb, b.t_ns AS begin_ns,
       coalesce (
         (SELECT min (e.t_ns) FROM event AS e
          WHERE e.run_id = b.run_id AND e.kind = 'event-end' AND e.a = b.a AND e.b = b.b
                AND e.seq > b.seq),
         CASE WHEN substr (b.text, instr (b.text, ': ') + 2) IN
                ('reset', 'close', 'disconnect', 'terminate', 'half-open', 'add', 'remove',
                 'drop-receiver', 'close-receiver', 'up', 'resume', 'unblock', 'restart')
              THEN b.t_ns ELSE run.simulated_ns END) AS end_ns
FROM event AS b JOIN run ON run.id = b.run_id
WHERE b.kind = 'event-begin' AND b.side = 'harness';

-- Why a link carried what it carried in the time from the sample before: idle is 1 where nothing was
-- sent on it then; hold is what the sender knew at the end, fault what was done to the link, known to
-- it or not. why sums up: in-use, or hold, or others-chosen where all that was offered in that time
-- went over other links. The links are numbered from 1.
CREATE VIEW link_hold AS
WITH step AS (
  SELECT *, lag (t_ns) OVER w AS before_ns, sent_bytes - lag (sent_bytes) OVER w AS new_bytes,
         sent_bytes + resent_bytes = lag (sent_bytes + resent_bytes) OVER w AS idle
  FROM link_sample WINDOW w AS (PARTITION BY run_id, link, side ORDER BY t_ns)),
sample AS (
  SELECT *, sum (new_bytes) OVER (PARTITION BY run_id, side, t_ns) AS all_new_bytes FROM step)
SELECT s.run_id, s.link + 1 AS number, link.name AS link, s.side, s.before_ns / 1e9 AS from_s,
       s.t_ns / 1e9 AS t_s, s.state, s.idle, s.hold,
       CASE WHEN s.idle = 0 THEN 'in-use'
            WHEN s.hold IN ('no-data', 'none') AND s.all_new_bytes > 0 THEN 'others-chosen'
            ELSE s.hold END AS why,
       (SELECT group_concat (f.fault, ', ') FROM fault_interval AS f
        WHERE f.run_id = s.run_id AND (f.link = s.link OR f.link IS NULL)
              AND f.begin_ns <= s.t_ns AND f.end_ns >= s.t_ns) AS fault
FROM sample AS s JOIN link ON link.run_id = s.run_id AND link.link = s.link;

-- How long links were idle, by the reason why. (A condition on the run reaches the samples through
-- the partitions, as it would not through a GROUP BY.)
CREATE VIEW idle_time AS
SELECT DISTINCT run_id, number, link, side, why, count (*) OVER w AS n_samples,
       sum (t_s - from_s) OVER w AS idle_s
FROM link_hold WHERE idle
WINDOW w AS (PARTITION BY run_id, number, link, side, why);

-- Bytes that were sent more than once, with names.
CREATE VIEW sent_twice AS
SELECT r.run_id, r.side, link.name AS link, other.name AS from_link, r.cause, r.n_messages, r.bytes
FROM resend AS r
LEFT JOIN link ON link.run_id = r.run_id AND link.link = r.link
LEFT JOIN link AS other ON other.run_id = r.run_id AND other.link = r.from_link;

-- Times without a delivery, each with the latest fault that had begun when it ended: since_fault_ms
-- is from that fault's begin to the begin of the stall, below 0 where it began in the stall.
CREATE VIEW flow_stall AS
SELECT s.run_id, run.scenario_name, run.variant, run.seed, run.policy, flow.name AS flow,
       s.begin_ns / 1e9 AS begin_s, (s.end_ns - s.begin_ns) / 1e6 AS gap_ms,
       f.fault, (s.begin_ns - f.begin_ns) / 1e6 AS since_fault_ms
FROM stall AS s JOIN run ON run.id = s.run_id
JOIN flow ON flow.run_id = s.run_id AND flow.flow = s.flow
LEFT JOIN fault_interval AS f ON f.run_id = s.run_id AND f.seq =
  (SELECT max (g.seq) FROM event AS g
   WHERE g.run_id = s.run_id AND g.kind = 'event-begin' AND g.side = 'harness'
         AND g.t_ns <= s.end_ns);
