/* SPDX-License-Identifier: Apache-2.0 */
/* record-private.h - what the files of the recorder share: record.c has the life of runs and their
 * parts, record-series.c events and samples, record-totals.c flows, metrics and parameters. */
#pragma once

#include "apps/record-writer.h"
#include "apps/record.h"

G_BEGIN_DECLS

typedef enum {
  RECORD_EASY,
  RECORD_BUSY, /* half of the backlog is full: samples are left out */
  RECORD_FULL, /* all of it */
} RecordPressure;

enum { RECORD_SENT, RECORD_RECEIVED, RECORD_N_FLOWS };

typedef struct {
  gint64 sent_bytes, acked_bytes, resent_bytes, received_bytes;
  gint64 wire_sent_bytes, wire_received_bytes;
  gint64 n_suspected, n_not_working, n_ended, working_ns;
} RecordTotals;

/* What a link row stands for. */
typedef struct {
  char *name;           /* unique in the run */
  RecordTotals closed;  /* of links that are gone */
  gint64 min_rtt_ns;    /* 0: none */
  StoreLinkSample last; /* the latest; its link is the row's number */
  gboolean has_last, is_last_written;
} RecordPath;

typedef struct {
  guint32 id;
  CaimanLink *link; /* a reference; NULL once it is gone, and its totals are the path's */
  int path;         /* -1: there are too many */
} RecordLink;

typedef struct {
  gint64 first_ns, last_ns; /* since the run's start; -1: not yet */
} RecordSpan;

typedef struct {
  Record *record;
  guint64 number;
  CaimanConnection *connection;
  char *label;
  RecordedRun *recorded; /* NULL before its begin */
  StoreRun *part;
  GArray *event_links; /* of guint32: the link of each row in part->events, 0: none */
  GPtrArray *paths;    /* of RecordPath */
  GArray *links;       /* of RecordLink */
  gint64 opened_ns, connected_ns;
  gint64 first_link, first_event; /* of the part under way */
  StoreRun *totals; /* holds what was sent again since the run's begin, and nothing else */
  gint64 n_trace_events, n_omitted;
  RecordSpan spans[RECORD_N_FLOWS];
  StoreFlowSample last_flows[RECORD_N_FLOWS];
} RecordRun;

struct _Record {
  RecordWriter *writer;
  char *title, *scenario_name, *scenario_text, *scenario_hash, *git_id;
  StoreSide side;
  gint64 commit_interval_ns, committed_ns;
  gsize backlog_max_bytes;
  RecordPressure pressure, told_pressure;
  gint64 n_lost_runs;    /* that no run has told yet */
  guint64 n_lost_in_all; /* while under pressure */
  GPtrArray *runs;       /* of RecordRun */
};

/* --- record-series.c --- */

/* The entry of a link by its id, NULL when it is not known (any more). */
RecordLink *record_run_find_link (RecordRun *run, guint32 id);
/* That of @link, which is made when it is new; NULL before its handshake is done. */
RecordLink *record_run_get_link (RecordRun *run, CaimanLink *link);
/* The link has closed: what it has done is the path's from now on. */
void record_run_close_link (RecordRun *run, RecordLink *entry, gint64 now_ns);

/* A CaimanTraceFunc; @user_data is the run. */
void record_run_trace (const CaimanTraceEvent *event, gpointer user_data);

/* All links over path number @index as one; *@totals_out includes those that are gone. */
StoreLinkSample record_run_gather (RecordRun *run, guint index, RecordTotals *totals_out,
                                   gint64 now_ns);
void record_run_sample_links (RecordRun *run, gint64 now_ns);
void record_run_sample_flows (RecordRun *run, gint64 now_ns);
/* The last sample of each path, if it has been left out. */
void record_run_flush_samples (RecordRun *run);

/* --- record-totals.c: rows of the part under way --- */

void record_run_add_parameters (RecordRun *run);
/* With their metrics. */
void record_run_add_flows (RecordRun *run, gboolean is_complete);
void record_run_add_connection_metrics (RecordRun *run);
void record_run_add_resends (RecordRun *run);
void record_run_add_path_metrics (RecordRun *run, guint index, gint64 now_ns);

G_END_DECLS
