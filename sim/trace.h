/* SPDX-License-Identifier: Apache-2.0 */
/* trace.h - a path's rate, delay or loss as they change with time, repeated for ever.
 *
 * Two kinds:
 * - opportunities, as Mahimahi has them: instants in whole ms at each of which 1 500 bytes of IP
 *   packets may leave. What is not used at that instant is lost; a packet that does not fit goes on
 *   at the next one. The period is the last instant.
 * - steps: from each step's start on, a rate, a delay and a loss hold until the next one starts.
 *   The first step starts at 0; the period is told.
 * A trace does not change once made; it is shared by reference count. */
#pragma once

#include "core/types.h"

G_BEGIN_DECLS

/* Bytes of an opportunity. */
#define SIM_TRACE_OPPORTUNITY_BYTES 1500
/* Most opportunities or steps. */
#define SIM_TRACE_ITEMS_MAX 1000000
/* Longest period: a day. */
#define SIM_TRACE_PERIOD_MAX_NS (24 * 3600 * CAIMAN_NS_PER_S)

typedef enum { SIM_TRACE_OPPORTUNITIES, SIM_TRACE_STEPS } SimTraceKind;

/* Which of a step's fields the trace tells (opportunities tell the rate). */
typedef enum {
  SIM_TRACE_RATE = 1 << 0,
  SIM_TRACE_DELAY = 1 << 1,
  SIM_TRACE_LOSS = 1 << 2,
} SimTraceFields;

typedef struct {
  gint64 start_ns;  /* in the period */
  gint64 rate_bps;  /* 0: nothing leaves; at most SIM_RATE_MAX_BPS */
  gint64 delay_ns;  /* 0 ... SIM_DELAY_MAX_NS */
  guint32 loss_ppb; /* of each packet on its own */
} SimTraceStep;

typedef struct _SimTrace SimTrace;

/* @at_ms ascends (not strictly); the last is > 0 and within SIM_TRACE_PERIOD_MAX_NS; 1 <= @n <=
 * SIM_TRACE_ITEMS_MAX (all asserted: trace-file.h checks input). Copied. */
SimTrace *sim_trace_new_opportunities (const guint32 *at_ms, gsize n);

/* TRUE when the mean rate is at least 1 bit/s, so that a packet is through in foreseeable time. */
gboolean sim_trace_can_flow (const SimTraceStep *steps, gsize n, gint64 period_ns);

/* @steps ascends strictly from 0 and ends before @period_ns; they can flow if @fields has
 * the rate (all asserted). Copied. */
SimTrace *sim_trace_new_steps (const SimTraceStep *steps, gsize n, gint64 period_ns,
                               SimTraceFields fields);

SimTrace *sim_trace_ref (SimTrace *trace);
void sim_trace_unref (SimTrace *trace); /* accepts NULL */

SimTraceKind sim_trace_get_kind (const SimTrace *trace);
SimTraceFields sim_trace_get_fields (const SimTrace *trace);
gint64 sim_trace_get_period (const SimTrace *trace);
gsize sim_trace_get_n_items (const SimTrace *trace);

/* The items: those of one kind, NULL for the other. */
const guint32 *sim_trace_get_opportunities (const SimTrace *trace);
const SimTraceStep *sim_trace_get_steps (const SimTrace *trace);

/* Of steps: bits x ns/s that get through in a period. */
__int128 sim_trace_get_period_work (const SimTrace *trace);

/* Over a period, rounded down, at least 1; of steps or opportunities. */
gint64 sim_trace_get_mean_rate (const SimTrace *trace);

/* What it lets through from @from_ns up to, and without, @to_ns > @from_ns >= 0 of its time, as a
 * mean rate; the smallest delay that holds in that time. At most a day apart. */
gint64 sim_trace_get_rate_over (const SimTrace *trace, gint64 from_ns, gint64 to_ns);
gint64 sim_trace_get_least_delay_over (const SimTrace *trace, gint64 from_ns, gint64 to_ns);

/* A place in a trace: an item of one of its repetitions. All 0: the first of all. */
typedef struct {
  gint64 lap_ns; /* where the repetition starts */
  gsize item;
} SimTraceCursor;

/* Moves @cursor to the step that holds at @t_ns >= 0 of the trace's time, or to the first
 * opportunity at or after it. Quick when that is near. */
void sim_trace_seek (const SimTrace *trace, SimTraceCursor *cursor, gint64 t_ns);

/* To the next item. */
void sim_trace_next (const SimTrace *trace, SimTraceCursor *cursor);

/* When the opportunity is, or when the step begins. */
gint64 sim_trace_get_instant (const SimTrace *trace, const SimTraceCursor *cursor);

/* When the step ends. */
gint64 sim_trace_get_end (const SimTrace *trace, const SimTraceCursor *cursor);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SimTrace, sim_trace_unref)

G_END_DECLS
