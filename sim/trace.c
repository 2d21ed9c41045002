/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c - see trace.h. */
#include "sim/trace.h"

#include <string.h>

struct _SimTrace {
  gint ref_count;
  SimTraceKind kind;
  SimTraceFields fields;
  gint64 period_ns;
  gint64 mean_rate_bps;
  __int128 period_work; /* steps */
  gsize n_items;
  guint32 *at_ms;      /* opportunities */
  SimTraceStep *steps; /* steps */
};

static SimTrace *
new_trace (SimTraceKind kind, gsize n)
{
  SimTrace *trace = g_new0 (SimTrace, 1);

  g_assert (n >= 1 && n <= SIM_TRACE_ITEMS_MAX);
  trace->ref_count = 1;
  trace->kind = kind;
  trace->n_items = n;
  return trace;
}

SimTrace *
sim_trace_new_opportunities (const guint32 *at_ms, gsize n)
{
  SimTrace *trace = new_trace (SIM_TRACE_OPPORTUNITIES, n);

  for (gsize i = 1; i < n; i++)
    g_assert (at_ms[i - 1] <= at_ms[i]);
  trace->fields = SIM_TRACE_RATE;
  trace->period_ns = at_ms[n - 1] * CAIMAN_NS_PER_MS;
  g_assert (trace->period_ns > 0 && trace->period_ns <= SIM_TRACE_PERIOD_MAX_NS);
  trace->at_ms = g_memdup2 (at_ms, n * sizeof (guint32));
  trace->mean_rate_bps = caiman_muldiv ((gint64)n * SIM_TRACE_OPPORTUNITY_BYTES * 8,
                                        CAIMAN_NS_PER_S, trace->period_ns);
  trace->mean_rate_bps = MAX (1, trace->mean_rate_bps);
  return trace;
}

static __int128
sum_steps (const SimTraceStep *steps, gsize n, gint64 period_ns)
{
  __int128 sum = 0;

  for (gsize i = 0; i < n; i++) {
    gint64 end_ns = i + 1 < n ? steps[i + 1].start_ns : period_ns;
    sum += (__int128)steps[i].rate_bps * (end_ns - steps[i].start_ns);
  }
  return sum;
}

gboolean
sim_trace_can_flow (const SimTraceStep *steps, gsize n, gint64 period_ns)
{
  return sum_steps (steps, n, period_ns) >= period_ns;
}

SimTrace *
sim_trace_new_steps (const SimTraceStep *steps, gsize n, gint64 period_ns, SimTraceFields fields)
{
  SimTrace *trace = new_trace (SIM_TRACE_STEPS, n);

  g_assert (steps[0].start_ns == 0 && steps[n - 1].start_ns < period_ns);
  g_assert (period_ns <= SIM_TRACE_PERIOD_MAX_NS);
  for (gsize i = 1; i < n; i++)
    g_assert (steps[i - 1].start_ns < steps[i].start_ns);
  g_assert (sim_trace_can_flow (steps, n, period_ns) || !(fields & SIM_TRACE_RATE));
  trace->fields = fields;
  trace->period_ns = period_ns;
  trace->steps = g_memdup2 (steps, n * sizeof (SimTraceStep));
  trace->period_work = sum_steps (steps, n, period_ns);
  trace->mean_rate_bps = MAX (1, (gint64)(trace->period_work / period_ns));
  return trace;
}

SimTrace *
sim_trace_ref (SimTrace *trace)
{
  g_atomic_int_inc (&trace->ref_count);
  return trace;
}

void
sim_trace_unref (SimTrace *trace)
{
  if (!trace || !g_atomic_int_dec_and_test (&trace->ref_count))
    return;
  g_free (trace->at_ms);
  g_free (trace->steps);
  g_free (trace);
}

SimTraceKind
sim_trace_get_kind (const SimTrace *trace)
{
  return trace->kind;
}

SimTraceFields
sim_trace_get_fields (const SimTrace *trace)
{
  return trace->fields;
}

gint64
sim_trace_get_period (const SimTrace *trace)
{
  return trace->period_ns;
}

gsize
sim_trace_get_n_items (const SimTrace *trace)
{
  return trace->n_items;
}

const guint32 *
sim_trace_get_opportunities (const SimTrace *trace)
{
  return trace->at_ms;
}

const SimTraceStep *
sim_trace_get_steps (const SimTrace *trace)
{
  return trace->steps;
}

gint64
sim_trace_get_mean_rate (const SimTrace *trace)
{
  return trace->mean_rate_bps;
}

__int128
sim_trace_get_period_work (const SimTrace *trace)
{
  return trace->period_work;
}

static gint64
get_start (const SimTrace *trace, gsize item)
{
  if (trace->kind == SIM_TRACE_OPPORTUNITIES)
    return trace->at_ms[item] * CAIMAN_NS_PER_MS;
  return trace->steps[item].start_ns;
}

gint64
sim_trace_get_instant (const SimTrace *trace, const SimTraceCursor *cursor)
{
  return cursor->lap_ns + get_start (trace, cursor->item);
}

gint64
sim_trace_get_end (const SimTrace *trace, const SimTraceCursor *cursor)
{
  if (cursor->item + 1 == trace->n_items)
    return cursor->lap_ns + trace->period_ns;
  return cursor->lap_ns + get_start (trace, cursor->item + 1);
}

void
sim_trace_next (const SimTrace *trace, SimTraceCursor *cursor)
{
  if (++cursor->item < trace->n_items)
    return;
  cursor->item = 0;
  cursor->lap_ns += trace->period_ns;
}

/* The number of items of a repetition that start before @t_ns (@or_at: or at it). */
static gsize
count_before (const SimTrace *trace, gint64 t_ns, gboolean or_at)
{
  gsize low = 0, high = trace->n_items;

  while (low < high) {
    gsize middle = low + (high - low) / 2;
    gint64 start_ns = get_start (trace, middle);

    if (start_ns < t_ns || (or_at && start_ns == t_ns))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static gboolean
is_there (const SimTrace *trace, const SimTraceCursor *cursor, gint64 t_ns)
{
  SimTraceCursor before = *cursor;

  if (trace->kind == SIM_TRACE_STEPS)
    return sim_trace_get_instant (trace, cursor) <= t_ns &&
           t_ns < sim_trace_get_end (trace, cursor);
  if (sim_trace_get_instant (trace, cursor) < t_ns)
    return FALSE;
  if (before.item == 0 && before.lap_ns == 0)
    return TRUE;
  if (before.item == 0) {
    before.item = trace->n_items;
    before.lap_ns -= trace->period_ns;
  }
  before.item--;
  return sim_trace_get_instant (trace, &before) < t_ns;
}

void
sim_trace_seek (const SimTrace *trace, SimTraceCursor *cursor, gint64 t_ns)
{
  gboolean has_steps = trace->kind == SIM_TRACE_STEPS;

  for (guint tries = 0; tries < 3; tries++) {
    if (is_there (trace, cursor, t_ns))
      return;
    sim_trace_next (trace, cursor);
  }
  cursor->lap_ns = t_ns / trace->period_ns * trace->period_ns;
  cursor->item = count_before (trace, t_ns - cursor->lap_ns, has_steps);
  if (has_steps)
    cursor->item--;
  /* An opportunity at the very end of the repetition before this one. */
  if (!has_steps && t_ns == cursor->lap_ns && cursor->lap_ns > 0) {
    cursor->lap_ns -= trace->period_ns;
    cursor->item = count_before (trace, trace->period_ns, FALSE);
  }
}

static gint64
count_opportunities (const SimTrace *trace, gint64 from_ns, gint64 to_ns)
{
  SimTraceCursor cursor = { 0 };
  gint64 n = 0;

  sim_trace_seek (trace, &cursor, from_ns);
  for (; sim_trace_get_instant (trace, &cursor) < to_ns; n++)
    sim_trace_next (trace, &cursor);
  return n;
}

gint64
sim_trace_get_rate_over (const SimTrace *trace, gint64 from_ns, gint64 to_ns)
{
  SimTraceCursor cursor = { 0 };
  __int128 work = 0;

  if (trace->kind == SIM_TRACE_OPPORTUNITIES)
    return caiman_muldiv (count_opportunities (trace, from_ns, to_ns),
                          SIM_TRACE_OPPORTUNITY_BYTES * 8 * CAIMAN_NS_PER_S, to_ns - from_ns);
  for (gint64 t_ns = from_ns; t_ns < to_ns;) {
    sim_trace_seek (trace, &cursor, t_ns);
    gint64 end_ns = MIN (to_ns, sim_trace_get_end (trace, &cursor));
    work += (__int128)trace->steps[cursor.item].rate_bps * (end_ns - t_ns);
    t_ns = end_ns;
  }
  return (gint64)(work / (to_ns - from_ns));
}

gint64
sim_trace_get_least_delay_over (const SimTrace *trace, gint64 from_ns, gint64 to_ns)
{
  SimTraceCursor cursor = { 0 };
  gint64 least_ns = G_MAXINT64;

  for (gint64 t_ns = from_ns; t_ns < to_ns; t_ns = sim_trace_get_end (trace, &cursor)) {
    sim_trace_seek (trace, &cursor, t_ns);
    least_ns = MIN (least_ns, trace->steps[cursor.item].delay_ns);
  }
  return least_ns;
}
