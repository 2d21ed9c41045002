/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-receive.c - puts segments in order, and acknowledges as Linux does.
 *
 * At once: out of order, duplicates, two full segments, and up to 16 ACKs at the start of a
 * connection or after a disturbance (quick ACKs). Else after 40 ms or more, or with the data of a
 * reply. More than three ACKs in a row for the same missing byte are thinned out: one per
 * millisecond or 5 % of the RTT, or 44 of them (tcp_comp_sack), but each range is told of while it
 * is among the two latest, as there may be no room for more. */
#include "sim/tcp-private.h"

#include <string.h>

#define QUICK_ACKS_MAX  16
#define COMPRESSED_MAX  44
#define COMPRESS_MAX_NS CAIMAN_NS_PER_MS
#define SURE_SACKS      2

/* --- Reassembly --- */

static SimTcpRange *
get_range (const SimTcp *tcp, guint i)
{
  return &g_array_index (tcp->ranges, SimTcpRange, i);
}

/* The first range that ends at or behind @seq. */
static guint
find_range (const SimTcp *tcp, gint64 seq)
{
  guint low = 0, high = tcp->ranges->len;

  while (low < high) {
    guint middle = low + (high - low) / 2;
    if (get_range (tcp, middle)->end >= seq)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* Where the block is that has become @range; the number of blocks when it is a new one. */
static guint
find_sack (const SimTcp *tcp, SimTcpRange range)
{
  guint i = 0;

  while (i < tcp->n_sacks && (tcp->sacks[i].start < range.start || tcp->sacks[i].end > range.end))
    i++;
  return i;
}

/* The block with the latest segment comes first (RFC 2018, 4). */
static void
report_range (SimTcp *tcp, SimTcpRange range)
{
  guint n = 1;
  SimTcpRange old[SIM_TCP_SACKS_MAX + 1];

  if (tcp->acker.compressed > 0 && find_sack (tcp, range) >= SURE_SACKS)
    tcp->acker.crowded = TRUE;
  memcpy (old, tcp->sacks, sizeof old);
  tcp->sacks[0] = range;
  for (guint i = 0; i < tcp->n_sacks && n <= SIM_TCP_SACKS_MAX; i++)
    if (old[i].start < range.start || old[i].end > range.end)
      tcp->sacks[n++] = old[i];
  tcp->n_sacks = n;
}

static void
keep_ahead (SimTcp *tcp, gint64 start, gint64 end)
{
  guint i = find_range (tcp, start), last = i;
  SimTcpRange merged = { start, end };

  if (i < tcp->ranges->len && get_range (tcp, i)->start <= start &&
      get_range (tcp, i)->end >= end) {
    tcp->acker.duplicate = (SimTcpRange) { start, end };
    report_range (tcp, *get_range (tcp, i));
    return;
  }
  for (; last < tcp->ranges->len && get_range (tcp, last)->start <= end; last++) {
    const SimTcpRange *range = get_range (tcp, last);
    merged.start = MIN (merged.start, range->start);
    merged.end = MAX (merged.end, range->end);
    tcp->ahead_bytes -= range->end - range->start;
  }
  tcp->ahead_bytes += merged.end - merged.start;
  if (last > i) {
    *get_range (tcp, i) = merged;
    if (last > i + 1)
      g_array_remove_range (tcp->ranges, i + 1, last - i - 1);
  } else {
    g_array_insert_val (tcp->ranges, i, merged);
  }
  report_range (tcp, merged);
}

/* What was ahead is in order now, as far as there is no gap. */
static void
take_ahead (SimTcp *tcp)
{
  guint n = 0, kept = 0;

  while (n < tcp->ranges->len && get_range (tcp, n)->start <= tcp->received) {
    const SimTcpRange *range = get_range (tcp, n++);
    tcp->ahead_bytes -= range->end - range->start;
    tcp->received = MAX (tcp->received, range->end);
  }
  if (n > 0)
    g_array_remove_range (tcp->ranges, 0, n);
  for (guint i = 0; i < tcp->n_sacks; i++)
    if (tcp->sacks[i].start > tcp->received)
      tcp->sacks[kept++] = tcp->sacks[i];
  tcp->n_sacks = kept;
}

void
sim_tcp_fill_sacks (SimTcp *tcp, SimTcpSegment *segment)
{
  guint n = 0;

  if (tcp->acker.duplicate.start >= 0) {
    segment->sacks[n++] = tcp->acker.duplicate;
    tcp->acker.duplicate.start = -1;
  }
  for (guint i = 0; i < tcp->n_sacks && n < SIM_TCP_SACKS_MAX; i++)
    segment->sacks[n++] = tcp->sacks[i];
  segment->n_sacks = (guint8)n;
}

/* --- When to acknowledge --- */

static void
add_quick_acks (SimTcp *tcp)
{
  gint64 acks = sim_tcp_get_offered (tcp) / (2 * (gint64)tcp->acker.segment_bytes);

  acks = CLAMP (acks, 2, QUICK_ACKS_MAX);
  tcp->acker.quick = MAX (tcp->acker.quick, (guint)acks);
}

void
sim_tcp_enter_quick_ack (SimTcp *tcp)
{
  add_quick_acks (tcp);
  tcp->acker.pingpong = FALSE;
  tcp->acker.wait_ns = SIM_TCP_DELACK_MIN_NS;
}

/* The delay follows the distance of the peer's segments. */
static void
note_data (SimTcp *tcp, const SimTcpSegment *segment, gint64 now_ns)
{
  SimTcpAcker *acker = &tcp->acker;
  gint64 distance_ns = now_ns - acker->last_data_ns;
  gboolean is_pushed = !!(segment->flags & SIM_TCP_PSH);

  acker->scheduled = TRUE;
  if (segment->payload_bytes >= acker->segment_bytes) {
    acker->segment_bytes = MIN (segment->payload_bytes, tcp->config.mss_bytes);
    if (is_pushed)
      acker->pushed = MAX (acker->pushed, 1);
  } else {
    acker->pushed = MIN (acker->pushed + 1, 2);
  }
  if (acker->wait_ns == 0) {
    add_quick_acks (tcp);
    acker->wait_ns = SIM_TCP_DELACK_MIN_NS;
  } else if (distance_ns <= SIM_TCP_DELACK_MIN_NS / 2) {
    acker->wait_ns = acker->wait_ns / 2 + SIM_TCP_DELACK_MIN_NS / 2;
  } else if (distance_ns < acker->wait_ns) {
    acker->wait_ns = MIN (acker->wait_ns / 2 + distance_ns, tcp->rtt.rto_ns);
  } else if (distance_ns > tcp->rtt.rto_ns) {
    add_quick_acks (tcp); /* the peer starts slowly again */
  }
  acker->last_data_ns = now_ns;
  if (segment->payload_bytes >= 128)
    sim_tcp_grow_window (tcp, segment->payload_bytes);
}

/* Each ACK, also with data, settles what was due. */
void
sim_tcp_ack_sent (SimTcp *tcp)
{
  SimTcpAcker *acker = &tcp->acker;

  if (acker->quick > 0 && acker->scheduled && --acker->quick == 0)
    acker->wait_ns = SIM_TCP_DELACK_MIN_NS;
  tcp->ack_due = FALSE;
  tcp->acked = tcp->received;
  acker->scheduled = acker->now = FALSE;
  acker->pushed = 0;
  acker->timer_ns = CAIMAN_TIME_NEVER;
  if (acker->crowded) {
    /* Linux sends this ACK before it puts the latest range in, which so is left out now. */
    acker->compressed = 1;
    acker->crowded = FALSE;
    return;
  }
  acker->compressed = 0;
  acker->sack_timer_ns = CAIMAN_TIME_NEVER;
}

static void
delay_ack (SimTcp *tcp, gint64 now_ns)
{
  SimTcpAcker *acker = &tcp->acker;
  gint64 wait_ns = acker->wait_ns;

  if (wait_ns > SIM_TCP_DELACK_MIN_NS) {
    gint64 most_ns = CAIMAN_NS_PER_S / 2;
    if (acker->pingpong || acker->pushed > 0)
      most_ns = SIM_TCP_DELACK_MAX_NS;
    if (tcp->rtt.srtt_ns > 0)
      most_ns = MIN (most_ns, MAX (tcp->rtt.srtt_ns, SIM_TCP_DELACK_MIN_NS));
    wait_ns = MIN (wait_ns, most_ns);
  }
  wait_ns = MIN (wait_ns, SIM_TCP_DELACK_MAX_NS);
  if (acker->timer_ns != CAIMAN_TIME_NEVER) {
    if (acker->timer_ns <= now_ns + wait_ns / 4) {
      tcp->ack_due = TRUE;
      return;
    }
    acker->timer_ns = MIN (acker->timer_ns, now_ns + wait_ns);
    return;
  }
  acker->timer_ns = now_ns + wait_ns;
}

/* One of many for the same gap. */
static void
compress_ack (SimTcp *tcp, gint64 now_ns)
{
  SimTcpAcker *acker = &tcp->acker;

  if (acker->crowded || acker->compressed >= COMPRESSED_MAX) {
    tcp->ack_due = TRUE;
    return;
  }
  if (acker->compressed_received != tcp->received) {
    acker->compressed_received = tcp->received;
    acker->dup_acks = 0;
  }
  if (acker->dup_acks < 3) {
    acker->dup_acks++;
    tcp->ack_due = TRUE;
    return;
  }
  acker->compressed++;
  if (acker->sack_timer_ns != CAIMAN_TIME_NEVER)
    return;
  gint64 rtt_ns = tcp->tuning.rtt_ns;
  if (tcp->rtt.srtt_ns > 0 && (rtt_ns == 0 || tcp->rtt.srtt_ns < rtt_ns))
    rtt_ns = tcp->rtt.srtt_ns;
  acker->sack_timer_ns = now_ns + MIN (COMPRESS_MAX_NS, rtt_ns / 20);
}

/* After all that a segment did. */
void
sim_tcp_check_ack (SimTcp *tcp, gint64 now_ns)
{
  SimTcpAcker *acker = &tcp->acker;
  gint64 unacked = tcp->received - tcp->acked;

  if (!acker->scheduled || tcp->ack_due)
    return;
  gboolean is_much =
      unacked > acker->segment_bytes &&
      (tcp->received == tcp->read || sim_tcp_select_window (tcp) >= sim_tcp_get_offered (tcp));
  if (is_much || acker->now || (acker->quick > 0 && !acker->pingpong))
    tcp->ack_due = TRUE;
  else if (tcp->ranges->len > 0)
    compress_ack (tcp, now_ns);
  else
    delay_ack (tcp, now_ns);
}

void
sim_tcp_ack_timer (SimTcp *tcp, gint64 now_ns)
{
  SimTcpAcker *acker = &tcp->acker;

  (void)now_ns;
  acker->timer_ns = CAIMAN_TIME_NEVER;
  if (!acker->scheduled)
    return;
  if (acker->pingpong) {
    acker->pingpong = FALSE;
    acker->wait_ns = SIM_TCP_DELACK_MIN_NS;
  } else {
    acker->wait_ns = MIN (2 * acker->wait_ns, tcp->rtt.rto_ns);
  }
  tcp->ack_due = TRUE;
}

void
sim_tcp_sack_timer (SimTcp *tcp)
{
  tcp->acker.sack_timer_ns = CAIMAN_TIME_NEVER;
  if (tcp->acker.compressed > 0)
    tcp->ack_due = TRUE;
}

/* --- Data --- */

static void
note_fin (SimTcp *tcp, const SimTcpSegment *segment)
{
  if (segment->flags & SIM_TCP_FIN)
    tcp->fin_received = segment->seq + segment->payload_bytes;
}

static void
receive_in_order (SimTcp *tcp, gint64 end)
{
  gboolean had_gap = tcp->ranges->len > 0;

  tcp->received = end;
  if (had_gap) {
    take_ahead (tcp);
    if (tcp->ranges->len == 0)
      tcp->acker.now = TRUE;
  }
  tcp->events |= SIM_TCP_EVENT_READABLE;
}

void
sim_tcp_handle_data (SimTcp *tcp, const SimTcpSegment *segment, gint64 now_ns)
{
  gint64 start = segment->seq, end = sim_tcp_segment_get_end (segment);
  gint64 limit = tcp->received + sim_tcp_get_offered (tcp);

  if (end <= tcp->received) {
    /* All of it is known: our ACK was lost, or was too late. */
    sim_tcp_enter_quick_ack (tcp);
    tcp->acker.duplicate = (SimTcpRange) { start, end };
    tcp->ack_due = TRUE;
    return;
  }
  if (start >= limit && segment->payload_bytes > 0) {
    sim_tcp_enter_quick_ack (tcp);
    tcp->ack_due = TRUE;
    return;
  }
  sim_tcp_measure_rtt (tcp, segment, now_ns);
  note_fin (tcp, segment);
  note_data (tcp, segment, now_ns);
  if (start <= tcp->received)
    receive_in_order (tcp, end);
  else
    keep_ahead (tcp, start, end);
  if (sim_tcp_has_fin (tcp)) {
    tcp->events |= SIM_TCP_EVENT_READABLE;
    tcp->acker.now = TRUE;
  }
  sim_tcp_check_ack (tcp, now_ns);
}

/* What recv() does for the ACKs: a small segment that has been read at once, or a window that has
 * opened, is told. */
void
sim_tcp_app_has_read (SimTcp *tcp, gint64 bytes, gint64 now_ns)
{
  SimTcpAcker *acker = &tcp->acker;
  gboolean is_due = FALSE;

  if (bytes == 0)
    return;
  sim_tcp_tune_receive (tcp, now_ns);
  if (acker->scheduled) {
    gboolean is_empty = sim_tcp_get_readable (tcp) == 0;
    is_due = tcp->received - tcp->acked > acker->segment_bytes ||
             (is_empty && (acker->pushed > 1 || (acker->pushed == 1 && !acker->pingpong)));
  }
  if (!is_due && !sim_tcp_has_fin (tcp)) {
    gint64 offered = sim_tcp_get_offered (tcp);
    if (2 * offered <= tcp->tuning.clamp_bytes) {
      gint64 window = sim_tcp_select_window (tcp);
      is_due = window > 0 && window >= 2 * offered;
    }
  }
  tcp->ack_due |= is_due;
}
