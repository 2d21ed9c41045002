/* SPDX-License-Identifier: Apache-2.0 */
/* capture-segments.c - see capture-private.h.
 *
 * Simulated segments know their place in the stream, not its bytes, so these are collected here
 * when they leave for the first time, and kept until nothing on its way can have them any more. */
#include "harness/capture-private.h"

#include "sim/tcp-endpoint.h"

/* As Linux has it for its largest window. */
#define WINDOW_SCALE 10

/* What has been acknowledged may still be on its way in a window sent twice. */
#define KEPT_BYTES SIM_TCP_RECEIVE_BUFFER_MAX_BYTES

G_STATIC_ASSERT ((int)TCP_PACKET_SACKS_MAX == SIM_TCP_SACKS_MAX);

void
capture_tap_stream (Conversation *conversation, const SimTapEvent *event)
{
  GByteArray **stream = &conversation->stream[event->direction];
  if (*stream == NULL)
    *stream = g_byte_array_new ();
  capture_append_frame (conversation, event, *stream);
}

static void
forget_acknowledged (Conversation *conversation, const SimTapEvent *event)
{
  SimDirection direction = !event->direction; /* in which the bytes went */
  gint64 *start = &conversation->stream_start[direction];
  gint64 unneeded = event->segment->ack - *start - KEPT_BYTES;
  if (!(event->segment->flags & SIM_TCP_ACK) || unneeded < KEPT_BYTES)
    return;
  g_byte_array_remove_range (conversation->stream[direction], 0, (guint)unneeded);
  *start += unneeded;
}

/* The stream's position @at, which is -1 for the SYN, in the packets of @direction. */
static guint32
get_seq (const Conversation *conversation, SimDirection direction, gint64 at)
{
  return capture_make_first_seq (conversation, direction) + (guint32)(at + 1);
}

static TcpFlags
get_flags (const SimTcpSegment *segment)
{
  static const struct {
    SimTcpFlags from;
    TcpFlags to;
  } flags[] = {
    { SIM_TCP_SYN, TCP_SYN }, { SIM_TCP_ACK, TCP_ACK }, { SIM_TCP_FIN, TCP_FIN },
    { SIM_TCP_RST, TCP_RST }, { SIM_TCP_PSH, TCP_PSH },
  };
  TcpFlags found = 0;
  for (gsize i = 0; i < G_N_ELEMENTS (flags); i++)
    found |= segment->flags & flags[i].from ? flags[i].to : 0;
  return found;
}

/* Window, options. */
static void
set_header (TcpPacket *packet, const Conversation *conversation, SimDirection direction,
            const SimTcpSegment *segment)
{
  gboolean is_syn = segment->flags & SIM_TCP_SYN;
  gint64 window = is_syn ? segment->window_bytes : segment->window_bytes >> WINDOW_SCALE;
  packet->window = (guint16)MIN (window, G_MAXUINT16);
  packet->mss_bytes = is_syn ? SIM_TCP_MSS_DEFAULT_BYTES + 12 : 0; /* options count as payload */
  packet->window_scale = is_syn ? WINDOW_SCALE : -1;
  packet->has_timestamps = !(segment->flags & SIM_TCP_RST);
  packet->ts_value = (guint32)segment->ts_value_ms;
  packet->ts_echo = (guint32)MAX (segment->ts_echo_ms, 0);
  packet->n_sacks = segment->n_sacks;
  for (guint i = 0; i < segment->n_sacks; i++)
    packet->sacks[i] =
        (TcpSack) { .start = get_seq (conversation, !direction, segment->sacks[i].start),
                    .end = get_seq (conversation, !direction, segment->sacks[i].end) };
}

void
capture_tap_segment (Capture *capture, Conversation *conversation, const SimTapEvent *event)
{
  const SimTcpSegment *segment = event->segment;
  SimDirection direction = event->direction;
  gboolean is_damaged = event->corrupt_bit != SIM_TAP_INTACT;
  TcpPacket packet = { .seq = get_seq (conversation, direction, segment->seq),
                       .ack = get_seq (conversation, !direction, segment->ack),
                       .flags = get_flags (segment),
                       .payload_bytes = segment->payload_bytes,
                       .is_damaged = is_damaged };

  if (segment->payload_bytes > 0) {
    gint64 at = segment->seq - conversation->stream_start[direction];
    g_assert (at >= 0 && at + segment->payload_bytes <= conversation->stream[direction]->len);
    packet.payload = conversation->stream[direction]->data + at;
  }
  set_header (&packet, conversation, direction, segment);
  if (capture_sees (capture, event))
    capture_write (capture, conversation, direction, event->time_ns, &packet,
                   is_damaged ? "damaged on the way" : NULL);
  if (event->arrives)
    forget_acknowledged (conversation, event);
}
