/* SPDX-License-Identifier: Apache-2.0 */
/* rate.c - see rate.h. */
#include "sim/rate.h"

gboolean
sim_rate_is_valid (gint64 rate_bps)
{
  return rate_bps == SIM_RATE_UNLIMITED || (rate_bps >= 1 && rate_bps <= SIM_RATE_MAX_BPS);
}

static gboolean
has_opportunities (const SimRate *rate)
{
  return rate->trace && sim_trace_get_kind (rate->trace) == SIM_TRACE_OPPORTUNITIES;
}

static void
start_trace (SimRate *rate)
{
  rate->place = (SimRatePlace) { .left_bytes = SIM_TRACE_OPPORTUNITY_BYTES };
  rate->before = rate->place;
  rate->bytes = 0;
}

void
sim_rate_init (SimRate *rate, gint64 rate_bps, const SimTrace *trace, gint64 origin_ns)
{
  *rate = (SimRate) {
    .rate_bps = rate_bps, .trace = trace, .origin_ns = origin_ns, .busy_until_ns = origin_ns
  };
  start_trace (rate);
}

void
sim_rate_set (SimRate *rate, gint64 rate_bps, const SimTrace *trace)
{
  if (rate->rate_bps == rate_bps && rate->trace == trace)
    return;
  rate->rate_bps = rate_bps;
  rate->trace = trace;
  rate->credit = 0;
  start_trace (rate);
}

/* Takes the whole periods that @work needs, but for its last part, out of it. Returns their time.
 */
static gint64
skip_periods (const SimTrace *trace, gint64 *work)
{
  __int128 period_work = sim_trace_get_period_work (trace);
  gint64 periods;

  if (*work <= period_work)
    return 0;
  periods = (gint64)((*work - 1) / period_work);
  *work -= (gint64)(periods * period_work);
  return periods * sim_trace_get_period (trace);
}

/* Until all of @work is done at the rates of the steps. */
static gint64
resume_steps (SimRate *rate, gint64 work, gint64 start_ns)
{
  SimTraceCursor *cursor = &rate->place.cursor;
  gint64 t_ns = start_ns - rate->origin_ns;

  sim_trace_seek (rate->trace, cursor, t_ns);
  for (;;) {
    gint64 rate_bps = sim_trace_get_steps (rate->trace)[cursor->item].rate_bps;
    gint64 left_ns = sim_trace_get_end (rate->trace, cursor) - t_ns;
    gint64 duration_ns = G_MAXINT64;

    if (work <= 0 || rate_bps > 0)
      duration_ns = work > 0 ? (work - 1) / rate_bps + 1 : 0;
    if (duration_ns <= left_ns) {
      rate->credit = duration_ns * rate_bps - work;
      return rate->origin_ns + t_ns + duration_ns;
    }
    work -= left_ns * rate_bps;
    t_ns += left_ns;
    t_ns += skip_periods (rate->trace, &work);
    sim_trace_seek (rate->trace, cursor, t_ns);
  }
}

/* Work that the steps do between two instants, within a packet's service. */
static gint64
sum_steps (SimRate *rate, gint64 from_ns, gint64 to_ns)
{
  SimTraceCursor cursor = { 0 };
  gint64 periods = (to_ns - from_ns) / sim_trace_get_period (rate->trace);
  gint64 work = (gint64)(periods * sim_trace_get_period_work (rate->trace));

  from_ns += periods * sim_trace_get_period (rate->trace);
  while (from_ns < to_ns) {
    sim_trace_seek (rate->trace, &cursor, from_ns);
    gint64 until_ns = MIN (to_ns, sim_trace_get_end (rate->trace, &cursor));
    work += (until_ns - from_ns) * sim_trace_get_steps (rate->trace)[cursor.item].rate_bps;
    from_ns = until_ns;
  }
  return work;
}

/* Moves @place to the first opportunity from @t_ns on. */
static void
skip_missed (const SimRate *rate, SimRatePlace *place, gint64 t_ns)
{
  if (sim_trace_get_instant (rate->trace, &place->cursor) >= t_ns)
    return;
  sim_trace_seek (rate->trace, &place->cursor, t_ns);
  place->left_bytes = SIM_TRACE_OPPORTUNITY_BYTES;
}

/* Takes up to @bytes from the opportunities up to @until_ns. Returns what is still to go and, in
 * *@last_ns_out, the instant of the last one that was used. */
static gint64
take_opportunities (const SimRate *rate, SimRatePlace *place, gint64 bytes, gint64 until_ns,
                    gint64 *last_ns_out)
{
  while (bytes > 0) {
    gint64 at_ns = sim_trace_get_instant (rate->trace, &place->cursor);
    gint64 part = MIN (bytes, place->left_bytes);

    if (at_ns > until_ns)
      break;
    bytes -= part;
    place->left_bytes -= (guint32)part;
    if (part > 0)
      *last_ns_out = at_ns;
    if (bytes == 0)
      break;
    sim_trace_next (rate->trace, &place->cursor);
    place->left_bytes = SIM_TRACE_OPPORTUNITY_BYTES;
  }
  return bytes;
}

static gint64
resume_opportunities (SimRate *rate, gint64 work, gint64 start_ns)
{
  gint64 t_ns = start_ns - rate->origin_ns;

  skip_missed (rate, &rate->place, t_ns);
  rate->before = rate->place;
  rate->bytes = work / SIM_WORK_PER_BYTE + (work % SIM_WORK_PER_BYTE > 0);
  take_opportunities (rate, &rate->place, rate->bytes, G_MAXINT64, &t_ns);
  rate->credit = 0;
  return rate->origin_ns + t_ns;
}

gint64
sim_rate_resume (SimRate *rate, gint64 work, gint64 start_ns)
{
  gint64 duration_ns;

  if (has_opportunities (rate)) {
    rate->busy_until_ns = resume_opportunities (rate, work, start_ns);
    return rate->busy_until_ns;
  }
  if (!rate->trace && rate->rate_bps == SIM_RATE_UNLIMITED) {
    rate->busy_until_ns = start_ns;
    return start_ns;
  }
  if (start_ns == rate->busy_until_ns)
    work -= rate->credit;
  if (rate->trace) {
    rate->busy_until_ns = resume_steps (rate, work, start_ns);
    return rate->busy_until_ns;
  }
  duration_ns = work > 0 ? (work - 1) / rate->rate_bps + 1 : 0;
  rate->credit = duration_ns * rate->rate_bps - work;
  rate->busy_until_ns = caiman_time_add (start_ns, duration_ns);
  return rate->busy_until_ns;
}

gint64
sim_rate_serialise (SimRate *rate, gsize size_bytes, gint64 start_ns)
{
  return sim_rate_resume (rate, (gint64)size_bytes * SIM_WORK_PER_BYTE, start_ns);
}

static gint64
interrupt_opportunities (SimRate *rate, gint64 now_ns)
{
  SimRatePlace place = rate->before;
  gint64 last_ns;
  gint64 bytes = take_opportunities (rate, &place, rate->bytes, now_ns - rate->origin_ns, &last_ns);

  rate->place = place;
  return bytes * SIM_WORK_PER_BYTE;
}

gint64
sim_rate_interrupt (SimRate *rate, gint64 now_ns)
{
  gint64 work = 0;

  if (rate->busy_until_ns > now_ns) {
    if (has_opportunities (rate))
      work = interrupt_opportunities (rate, now_ns);
    else if (rate->trace)
      work = sum_steps (rate, now_ns - rate->origin_ns, rate->busy_until_ns - rate->origin_ns) -
             rate->credit;
    else if (rate->rate_bps != SIM_RATE_UNLIMITED)
      work = (rate->busy_until_ns - now_ns) * rate->rate_bps - rate->credit;
  }
  rate->busy_until_ns = now_ns;
  rate->credit = 0;
  return work;
}

gint64
sim_rate_get_mean (const SimRate *rate)
{
  return rate->trace ? sim_trace_get_mean_rate (rate->trace) : rate->rate_bps;
}
