/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-buffer.c - the buffers of a socket, what window they allow, and how they grow by themselves.
 *
 * Linux counts memory, in which a segment of 1 448 bytes takes 2 304: so a buffer of N bytes holds
 * 160/256 of N of payload. A buffer that is set (receive-buffer, send-buffer) counts payload here,
 * and does not grow. */
#include "sim/tcp-private.h"

#define PAYLOAD_OF_256      160
#define WINDOW_START_BYTES  64240 /* 44 segments of 1 460 bytes */
#define WINDOW_SCALED_BYTES 65536
#define WINDOW_UNIT         128 /* of the scale that goes with tcp_rmem's maximum */
#define SEGMENT_MEMORY      2304
#define PIECE_MEMORY        960
#define PIECE_MAX_BYTES     65215 /* 65 536 less the largest headers */

static gint64
to_payload (gint64 memory_bytes)
{
  return memory_bytes * PAYLOAD_OF_256 / 256;
}

static gint64
to_memory (gint64 payload_bytes)
{
  return payload_bytes * 256 / PAYLOAD_OF_256;
}

static gboolean
is_receive_fixed (const SimTcp *tcp)
{
  return tcp->config.receive_buffer_bytes > 0;
}

void
sim_tcp_buffers_init (SimTcp *tcp)
{
  SimTcpTuning *tuning = &tcp->tuning;

  tuning->buffer_bytes = SIM_TCP_RECEIVE_BUFFER_START_BYTES;
  if (is_receive_fixed (tcp))
    tuning->buffer_bytes = to_memory (tcp->config.receive_buffer_bytes);
  tuning->clamp_bytes = to_payload (tuning->buffer_bytes);
  tuning->threshold_bytes = MIN (tuning->clamp_bytes, WINDOW_START_BYTES);
  tcp->send_buffer_bytes = SIM_TCP_SEND_BUFFER_START_BYTES;
  if (tcp->config.send_buffer_bytes > 0)
    tcp->send_buffer_bytes = tcp->config.send_buffer_bytes;
}

void
sim_tcp_buffers_established (SimTcp *tcp, gint64 now_ns)
{
  SimTcpTuning *tuning = &tcp->tuning;

  tuning->space_bytes =
      MIN (tuning->threshold_bytes, (gint64)SIM_TCP_INITIAL_WINDOW_DEFAULT * tcp->config.mss_bytes);
  tuning->space_seq = tcp->read;
  tuning->space_ns = now_ns;
  tuning->rtt_ns = tcp->rtt.srtt_ns;
  sim_tcp_tune_send (tcp);
}

/* --- The window --- */

/* What has been offered and not yet been used. */
gint64
sim_tcp_get_offered (const SimTcp *tcp)
{
  return MAX (tcp->offered - tcp->received, 0);
}

/* Never takes back what was offered. Small rests are not offered (RFC 1122, 4.2.3.3). */
gint64
sim_tcp_select_window (const SimTcp *tcp)
{
  const SimTcpTuning *tuning = &tcp->tuning;
  gint64 held = sim_tcp_get_readable (tcp) + tcp->ahead_bytes;
  gint64 room = tuning->clamp_bytes - held, offered = sim_tcp_get_offered (tcp);
  gint64 mss_bytes = MIN ((gint64)tcp->acker.segment_bytes, tuning->clamp_bytes);

  if (room < tuning->clamp_bytes / 2 && (room < tuning->clamp_bytes / 16 || room < mss_bytes))
    return offered;
  room = MIN (room, tuning->threshold_bytes);
  if (tuning->clamp_bytes >= WINDOW_SCALED_BYTES)
    room = (room + WINDOW_UNIT - 1) / WINDOW_UNIT * WINDOW_UNIT;
  return MAX (MAX (room, 0), offered);
}

/* With each segment the offer grows by two, up to what the buffer holds. */
void
sim_tcp_grow_window (SimTcp *tcp, guint32 bytes)
{
  SimTcpTuning *tuning = &tcp->tuning;
  gint64 held = sim_tcp_get_readable (tcp) + tcp->ahead_bytes;
  gint64 room = MIN (tuning->clamp_bytes, tuning->clamp_bytes - held) - tuning->threshold_bytes;

  (void)bytes;
  if (room > 0)
    tuning->threshold_bytes += MIN (room, 2 * (gint64)tcp->config.mss_bytes);
}

/* --- Auto-tuning of the receive buffer (DRS, Fisk and Feng 2001) --- */

/* The receiver's RTT, by the peer's echo of our timestamps. */
void
sim_tcp_measure_rtt (SimTcp *tcp, const SimTcpSegment *segment, gint64 now_ns)
{
  SimTcpTuning *tuning = &tcp->tuning;

  if (segment->ts_echo_ms < 0 || segment->payload_bytes < tcp->acker.segment_bytes)
    return;
  gint64 ms = MAX (sim_tcp_to_ms (now_ns) - segment->ts_echo_ms, 1);
  gint64 sample_ns = ms * CAIMAN_NS_PER_MS;
  if (tuning->rtt_ns == 0 || sample_ns < tuning->rtt_ns)
    tuning->rtt_ns = sample_ns;
}

void
sim_tcp_tune_receive (SimTcp *tcp, gint64 now_ns)
{
  SimTcpTuning *tuning = &tcp->tuning;
  gint64 copied = tcp->read - tuning->space_seq;

  if (now_ns - tuning->space_ns < tuning->rtt_ns || tuning->rtt_ns == 0)
    return;
  if (copied > tuning->space_bytes) {
    if (!is_receive_fixed (tcp)) {
      /* Twice as much will come in the next round trip, and more if it grew quickly. */
      gint64 window = 2 * copied + 16 * (gint64)tcp->config.mss_bytes;
      window += 2 * caiman_muldiv (window, copied - tuning->space_bytes, tuning->space_bytes);
      gint64 memory = MIN (to_memory (window), SIM_TCP_RECEIVE_BUFFER_MAX_BYTES);
      if (memory > tuning->buffer_bytes) {
        tuning->buffer_bytes = memory;
        tuning->clamp_bytes = to_payload (memory);
      }
    }
    tuning->space_bytes = copied;
  }
  tuning->space_seq = tcp->read;
  tuning->space_ns = now_ns;
}

/* --- The send buffer --- */

/* Two windows (BBR: three) of segments, with their overhead. */
void
sim_tcp_tune_send (SimTcp *tcp)
{
  if (tcp->config.send_buffer_bytes > 0)
    return;
  gint64 segments = MAX (tcp->cc.cwnd, tcp->reordering + 1);
  segments = MAX (segments, tcp->config.initial_window);
  gint64 memory = segments * SEGMENT_MEMORY * tcp->cc.klass->send_buffer_factor;
  tcp->send_buffer_bytes =
      MAX (tcp->send_buffer_bytes, MIN (memory, SIM_TCP_SEND_BUFFER_MAX_BYTES));
}

/* What the data takes of a buffer that tunes itself. A piece of it is up to 64 KiB as long as all
 * of it is of one kind: where SACKed segments and others take turns, each is a piece of its own. */
static gint64
get_used (const SimTcp *tcp)
{
  gint64 payload = tcp->written - tcp->una;

  if (tcp->config.send_buffer_bytes > 0)
    return payload;
  return payload + payload / 28 + (gint64)tcp->board.n_borders * PIECE_MEMORY;
}

/* --- Pieces of the write queue --- */

/* How long a piece gets (tcp_xmit_size_goal): 64 KiB of full segments, or half of the largest
 * window that the peer has offered. */
static gint64
get_piece_max (const SimTcp *tcp)
{
  gint64 bytes = MIN (PIECE_MAX_BYTES, tcp->window_max_bytes / 2);

  return MAX (bytes / tcp->mss_bytes, 1) * tcp->mss_bytes;
}

/* What is left of the last piece: what is sent comes off the first one. */
static gint64
get_last_piece (const SimTcp *tcp)
{
  return MIN (tcp->piece_bytes, sim_tcp_get_unsent (tcp));
}

void
sim_tcp_fill_piece (SimTcp *tcp, gint64 bytes)
{
  gint64 max_bytes = get_piece_max (tcp), filled = get_last_piece (tcp) + bytes;

  tcp->piece_bytes = filled <= max_bytes ? filled : (filled - 1) % max_bytes + 1;
}

/* Limits are asked about where a new piece begins. The last one is filled up in any case: so much
 * more than TCP_NOTSENT_LOWAT may be unsent. */
gint64
sim_tcp_get_room (const SimTcp *tcp)
{
  gint64 unsent_bytes = sim_tcp_get_unsent (tcp), max_bytes = get_piece_max (tcp);

  if (tcp->state != SIM_TCP_ESTABLISHED || tcp->closing)
    return 0;
  if (unsent_bytes > 0 && get_last_piece (tcp) < max_bytes)
    return max_bytes - get_last_piece (tcp);
  if (unsent_bytes >= tcp->unsent_limit_bytes || get_used (tcp) >= tcp->send_buffer_bytes)
    return 0;
  return max_bytes;
}

/* --- What poll() says --- */

/* Less than half of the limit is unsent, and a third of the buffer is free. */
gboolean
sim_tcp_takes (const SimTcp *tcp)
{
  gboolean is_fixed = tcp->config.send_buffer_bytes > 0;
  gint64 most_bytes = is_fixed ? tcp->send_buffer_bytes - 1 : tcp->send_buffer_bytes / 3 * 2;

  return tcp->state == SIM_TCP_ESTABLISHED && !tcp->closing &&
         sim_tcp_get_unsent (tcp) < tcp->unsent_limit_bytes / 2 && get_used (tcp) <= most_bytes;
}

gboolean
sim_tcp_wants_more (const SimTcp *tcp)
{
  return sim_tcp_get_unsent (tcp) < tcp->mss_bytes && sim_tcp_takes (tcp);
}

void
sim_tcp_tell_writable (SimTcp *tcp)
{
  if (tcp->state != SIM_TCP_ESTABLISHED || tcp->closing)
    return;
  gboolean takes = sim_tcp_takes (tcp);

  if (tcp->told_full && takes)
    tcp->events |= SIM_TCP_EVENT_WRITABLE;
  tcp->told_full = !takes;
}
