/* SPDX-License-Identifier: Apache-2.0 */
/* traffic-private.h - what traffic.c (life, events), traffic-send.c (sources) and traffic-read.c
 * (readers) share. */
#pragma once

#include "harness/app-end.h"
#include "harness/content.h"
#include "harness/traffic.h"
#include "core/prng.h"

G_BEGIN_DECLS

/* Bulk data of the stream view is written in pieces of this size; reads have the same. */
#define TRAFFIC_BLOCK_BYTES (64u * 1024u)
/* Most records under way, so that empty messages cannot pile up without end. */
#define TRAFFIC_RECORDS_MAX 65536u

typedef struct _Lane Lane;

/* What one flow sends on one lane: its data, its requests, or its responses. */
typedef struct _Source Source;
struct _Source {
  Traffic *traffic;
  Lane *lane;
  const ScenarioFlow *spec;
  guint flow;
  gboolean is_responses;
  Source *other; /* request flows: requests <-> responses */
  Content content;
  CaimanPrng sizes;
  guint64 n_pieces; /* prepared so far */
  gint64 piece_bytes_total;

  gint64 start_ns;    /* CAIMAN_TIME_NEVER: the connection is not established */
  gint64 next_due_ns; /* requests and responses: when the next is due; NEVER: not yet known */
  gboolean done;      /* nothing more is to be prepared */
  gboolean stopped;   /* before all that was asked was sent */

  /* The piece that is next, or partly accepted. */
  gboolean has_piece;
  gint64 piece_bytes;
  gint64 piece_due_ns;
  gsize block_offset; /* accepted of the piece */
  GBytes *block;      /* (owned, nullable) content from there on, or from a bit before */
  gsize block_start;  /* accepted of @block */

  guint64 offered_bytes, delivered_bytes;
  guint64 offered_messages, delivered_messages;
  gint64 request_due_ns; /* of the request that waits for its response */
  gint64 waiting_since_ns;
};

/* What the connection has taken in one go. */
typedef struct {
  Source *source;
  gint64 due_ns;
  guint32 bytes;
  gboolean is_end; /* of a message or piece */
} Record;

/* One direction of the connection. */
struct _Lane {
  Traffic *traffic;
  ScenarioSide sender, reader;
  ScenarioMode mode;
  GPtrArray *sources; /* of Source (borrowed) */
  guint next_source;  /* whose turn it is */
  gboolean is_open;   /* the sender's connection is established */
  gboolean blocked;   /* until CAIMAN_EVENT_WRITABLE, or a record is read */
  gboolean finished;  /* the sender is closed */
  gboolean cut;       /* nothing can come through any more */
  gint64 last_sent_ns;
  TestbedTimer *send_timer, *finish_timer;

  Record *records; /* a ring */
  guint head, n_records, capacity;

  gboolean read_end; /* the reader has seen the end */
  gboolean dropped;  /* the reader has dropped its receiver */
  gboolean wrong;    /* content was wrong: further content is not judged */
  gboolean reader_waits;
  guint32 head_read_bytes; /* of the first record */
  TestbedTimer *read_timer;
};

typedef struct {
  Source *source;    /* of the flow's own direction */
  Source *responses; /* (nullable) */
  gint64 reader_rate_bps;
  gint64 reader_credit_bytes, reader_credit_ns;
  gint64 watch_bytes, watch_messages;
  TestbedTimer *watch_timer;
  gboolean completed;
} Flow;

struct _Traffic {
  const Scenario *scenario;
  Testbed *testbed;
  Oracle *oracle;
  Measure *measure;
  TrafficReachedFunc reached;
  gpointer user_data;
  Lane lane[SCENARIO_N_DIRECTIONS];
  Flow *flows;
  GPtrArray *sources;                            /* of Source (owned) */
  AppEnd *end[SCENARIO_N_SIDES];                 /* (nullable) */
  AppConnectionEnd connection[SCENARIO_N_SIDES]; /* what @end is of an aggregated connection */
  guint8 buffer[TRAFFIC_BLOCK_BYTES];
};

static inline Record *
lane_get_record (Lane *lane)
{
  return lane->n_records > 0 ? &lane->records[lane->head] : NULL;
}

static inline Lane *
traffic_get_lane (Traffic *traffic, ScenarioSide sender)
{
  return &traffic->lane[sender == SCENARIO_SIDE_CLIENT ? SCENARIO_UP : SCENARIO_DOWN];
}

static inline Lane *
lane_get_other (Lane *lane)
{
  return traffic_get_lane (lane->traffic, lane->reader);
}

/* traffic.c */
/* Looks whether @flow is complete, or has reached a mark. */
void traffic_check_flow (Traffic *traffic, guint flow);
void lane_push_record (Lane *lane, const Record *record);
void lane_pop_record (Lane *lane);
/* Nothing comes through @lane any more. */
void lane_cut (Lane *lane);

/* traffic-send.c */
Source *source_new (Traffic *traffic, guint flow, gboolean is_responses, guint64 seed);
void source_free (gpointer data);
/* Nothing more is sent from @source. */
void source_stop (Source *source);
/* Sends what is due on @lane, and closes the sender when all is sent. */
void lane_send (Lane *lane);
/* Sets a response off, or the next request. */
void source_trigger (Source *source, gint64 due_ns);

/* traffic-read.c */
/* Reads what there is, as fast as the readers are. @draining: the connection has ended. */
void lane_read (Lane *lane, gboolean draining);

G_END_DECLS
