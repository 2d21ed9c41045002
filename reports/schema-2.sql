-- SPDX-License-Identifier: Apache-2.0
-- schema-2.sql - what version 2 of the results database adds (docs/database.md explains it).

-- The first trace events of a run, for a replay to compare with. A row with a large value: so this
-- table keeps its rowid.
CREATE TABLE trace_block (
  run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE, -- the run it belongs to
  first_event INTEGER NOT NULL, -- number of its first event, from 0
  n_events INTEGER NOT NULL,    -- how many it holds
  data BLOB NOT NULL,           -- the events, packed (harness/trace-block.h has the format)
  PRIMARY KEY (run_id, first_event)
) STRICT;
