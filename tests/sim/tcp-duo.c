/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-duo.c - see tcp-duo.h. */
#include "tests/sim/tcp-duo.h"

typedef struct {
  gint64 arrival_ns;
  SimTcpSegment segment;
} Flying;

TcpDuo *
tcp_duo_new (const SimTcpConfig *config, gint64 rate_bps, gint64 delay_ns, gint64 queue_bytes)
{
  TcpDuo *duo = g_new0 (TcpDuo, 1);

  caiman_prng_init (&duo->prng, 1);
  for (guint i = 0; i < 2; i++) {
    if (config)
      duo->config[i] = *config;
    else
      sim_tcp_config_init (&duo->config[i]);
    duo->ends[i] = (TcpEnd) {
      .reading = TRUE, .connected_ns = -1, .failed_ns = -1, .done_ns = -1, .fin_ns = -1
    };
    duo->lines[i] =
        (TcpLine) { .rate_bps = rate_bps, .delay_ns = delay_ns, .queue_bytes = queue_bytes };
    duo->lines[i].flying = g_array_new (FALSE, FALSE, sizeof (Flying));
    duo->lines[i].log = g_array_new (FALSE, FALSE, sizeof (TcpSent));
  }
  return duo;
}

void
tcp_duo_free (TcpDuo *duo)
{
  for (guint i = 0; i < 2; i++) {
    sim_tcp_free (duo->ends[i].tcp);
    g_array_unref (duo->lines[i].flying);
    g_array_unref (duo->lines[i].log);
  }
  g_free (duo);
}

static gboolean
line_takes (TcpDuo *duo, TcpLine *line, const SimTcpSegment *segment)
{
  guint n = line->n_sent++;
  gint64 backlog = 0;

  if (line->dark || (line->drop && line->drop (duo, n, segment))) {
    line->n_lost++;
    return FALSE;
  }
  if (line->rate_bps > 0 && line->free_ns > duo->now_ns)
    backlog = caiman_muldiv (line->free_ns - duo->now_ns, line->rate_bps, 8 * CAIMAN_NS_PER_S);
  if (line->queue_bytes > 0 && backlog + sim_tcp_segment_get_size (segment) > line->queue_bytes) {
    line->n_full++;
    return FALSE;
  }
  return TRUE;
}

static void
line_put (TcpDuo *duo, guint i, const SimTcpSegment *segment)
{
  TcpLine *line = &duo->lines[i];
  gboolean taken = line_takes (duo, line, segment);
  Flying flying = { duo->now_ns, *segment };

  if (duo->logs) {
    TcpSent sent = { duo->now_ns, *segment, !taken };
    g_array_append_val (line->log, sent);
  }
  if (!taken)
    return;
  if (line->rate_bps > 0) {
    line->free_ns = MAX (line->free_ns, duo->now_ns) +
                    caiman_muldiv (8 * (gint64)sim_tcp_segment_get_size (segment), CAIMAN_NS_PER_S,
                                   line->rate_bps);
    flying.arrival_ns = line->free_ns;
  }
  flying.arrival_ns += line->delay_ns;
  g_array_append_val (line->flying, flying);
}

static void
note_events (TcpDuo *duo, TcpEnd *end)
{
  guint events = sim_tcp_take_events (end->tcp);

  end->events |= events;
  if (events & SIM_TCP_EVENT_CONNECTED)
    end->connected_ns = duo->now_ns;
  if (events & SIM_TCP_EVENT_FAILED)
    end->failed_ns = duo->now_ns;
  if (events & SIM_TCP_EVENT_DONE)
    end->done_ns = duo->now_ns;
  if (end->fin_ns < 0 && sim_tcp_has_fin (end->tcp))
    end->fin_ns = duo->now_ns;
  gint64 readable = sim_tcp_get_readable (end->tcp);
  if (end->reading && readable > 0) {
    end->n_read += readable;
    end->last_read_ns = duo->now_ns;
    sim_tcp_read (end->tcp, readable, duo->now_ns);
  }
}

/* Writes what has room, and sends. */
static void
pull (TcpDuo *duo, guint i)
{
  TcpEnd *end = &duo->ends[i];
  SimTcpSegment segment;

  if (!end->tcp)
    return;
  do {
    note_events (duo, end);
    while (end->to_write > 0 && sim_tcp_takes (end->tcp)) {
      gint64 bytes = MIN (MIN (end->to_write, 16384), sim_tcp_get_room (end->tcp));
      sim_tcp_write (end->tcp, bytes, duo->now_ns);
      end->to_write -= bytes;
    }
    while (sim_tcp_next_segment (end->tcp, &segment, duo->now_ns))
      line_put (duo, i, &segment);
  } while (end->to_write > 0 && sim_tcp_takes (end->tcp));
  note_events (duo, end);
}

static void
arrive (TcpDuo *duo, guint line, const SimTcpSegment *segment)
{
  guint i = !line;
  TcpEnd *end = &duo->ends[i];

  if (!end->tcp && i == 1 && segment->flags == SIM_TCP_SYN) {
    if (duo->refuses) {
      SimTcpSegment reset = { .flags = SIM_TCP_RST | SIM_TCP_ACK };
      line_put (duo, 1, &reset);
      return;
    }
    end->tcp = sim_tcp_new (&duo->config[1], duo->now_ns);
    sim_tcp_accept (end->tcp, segment, duo->now_ns);
  } else if (end->tcp) {
    sim_tcp_received (end->tcp, segment, duo->now_ns);
  }
  pull (duo, i);
}

static gint64
get_next (TcpDuo *duo)
{
  gint64 next_ns = CAIMAN_TIME_NEVER;

  for (guint i = 0; i < 2; i++) {
    TcpLine *line = &duo->lines[i];
    if (line->first < line->flying->len)
      next_ns = MIN (next_ns, g_array_index (line->flying, Flying, line->first).arrival_ns);
    if (duo->ends[i].tcp)
      next_ns = MIN (next_ns, sim_tcp_get_deadline (duo->ends[i].tcp));
  }
  return next_ns;
}

static void
step (TcpDuo *duo, gint64 at_ns)
{
  duo->now_ns = MAX (duo->now_ns, at_ns);
  for (guint i = 0; i < 2; i++) {
    TcpLine *line = &duo->lines[i];
    while (line->first < line->flying->len &&
           g_array_index (line->flying, Flying, line->first).arrival_ns <= duo->now_ns) {
      SimTcpSegment segment = g_array_index (line->flying, Flying, line->first++).segment;
      arrive (duo, i, &segment);
    }
    if (line->first > 1024 && line->first * 2 > line->flying->len) {
      g_array_remove_range (line->flying, 0, line->first);
      line->first = 0;
    }
  }
  for (guint i = 0; i < 2; i++) {
    if (duo->ends[i].tcp && sim_tcp_get_deadline (duo->ends[i].tcp) <= duo->now_ns) {
      sim_tcp_advance (duo->ends[i].tcp, duo->now_ns);
      pull (duo, i);
    }
  }
}

void
tcp_duo_advance_to (TcpDuo *duo, gint64 at_ns)
{
  for (gint64 next_ns; (next_ns = get_next (duo)) <= at_ns;)
    step (duo, next_ns);
  duo->now_ns = at_ns;
}

void
tcp_duo_advance (TcpDuo *duo, gint64 for_ns)
{
  tcp_duo_advance_to (duo, duo->now_ns + for_ns);
}

static gboolean
is_finished (TcpDuo *duo)
{
  for (guint i = 0; i < 2; i++) {
    SimTcp *from = duo->ends[i].tcp, *to = duo->ends[!i].tcp;
    if (!from || !to || duo->ends[i].to_write > 0)
      return FALSE;
    if (tcp_duo_get_info (duo, i).written > duo->ends[!i].n_read)
      return FALSE;
  }
  return TRUE;
}

gboolean
tcp_duo_finish (TcpDuo *duo, gint64 most_ns)
{
  gint64 until_ns = duo->now_ns + most_ns;

  while (!is_finished (duo)) {
    gint64 next_ns = get_next (duo);
    if (next_ns > until_ns)
      return FALSE;
    step (duo, next_ns);
  }
  return TRUE;
}

void
tcp_duo_connect (TcpDuo *duo)
{
  duo->ends[0].tcp = sim_tcp_new (&duo->config[0], duo->now_ns);
  sim_tcp_connect (duo->ends[0].tcp, duo->now_ns);
  pull (duo, 0);
}

void
tcp_duo_establish (TcpDuo *duo)
{
  tcp_duo_connect (duo);
  while (duo->ends[0].connected_ns < 0 || duo->ends[1].connected_ns < 0) {
    gint64 next_ns = get_next (duo);
    g_assert_cmpint (next_ns, <, CAIMAN_TIME_NEVER);
    step (duo, next_ns);
  }
}

void
tcp_duo_write (TcpDuo *duo, guint end, gint64 bytes)
{
  duo->ends[end].to_write += bytes;
  pull (duo, end);
}

void
tcp_duo_set_reading (TcpDuo *duo, guint end, gboolean reading)
{
  duo->ends[end].reading = reading;
  pull (duo, end);
}

void
tcp_duo_close (TcpDuo *duo, guint end)
{
  sim_tcp_close (duo->ends[end].tcp, duo->now_ns);
  pull (duo, end);
}

void
tcp_duo_abort (TcpDuo *duo, guint end)
{
  sim_tcp_abort (duo->ends[end].tcp, duo->now_ns);
  pull (duo, end);
}

void
tcp_duo_vanish (TcpDuo *duo, guint end)
{
  sim_tcp_kill (duo->ends[end].tcp);
}

SimTcpInfo
tcp_duo_get_info (TcpDuo *duo, guint end)
{
  SimTcpInfo info;

  sim_tcp_get_info (duo->ends[end].tcp, &info);
  return info;
}

gboolean
tcp_duo_drop_by_mask (TcpDuo *duo, guint n, const SimTcpSegment *segment)
{
  guint number = (guint)(segment->seq / MSS);

  (void)n;
  if (segment->payload_bytes == 0 || number >= 256 ||
      !(duo->drop_mask[number / 64] & (G_GUINT64_CONSTANT (1) << (number % 64))))
    return FALSE;
  duo->drop_mask[number / 64] &= ~(G_GUINT64_CONSTANT (1) << (number % 64));
  return TRUE;
}

gboolean
tcp_duo_drop_randomly (TcpDuo *duo, guint n, const SimTcpSegment *segment)
{
  (void)n;
  (void)segment;
  return caiman_prng_below (&duo->prng, 1000000000) < duo->loss_ppb;
}

const TcpSent *
tcp_duo_find_sent (TcpDuo *duo, guint line, gint64 seq, guint n)
{
  const GArray *log = duo->lines[line].log;

  for (guint i = 0; i < log->len; i++) {
    const TcpSent *sent = &g_array_index (log, TcpSent, i);
    if (sent->segment.payload_bytes > 0 && sent->segment.seq == seq && n-- == 0)
      return sent;
  }
  return NULL;
}
