/* SPDX-License-Identifier: Apache-2.0 */
/* capture.c - see capture.h.
 *
 * What a pipe carries becomes segments here. Sequence and acknowledgement numbers follow from two
 * counts per direction: bytes that have left, and bytes that have arrived. A segment's
 * acknowledgement is what its sender had got when it left, so what is on its way to the watched
 * side carries its acknowledgement along in a queue. Frames that pass at one instant are one piece
 * of the byte stream, and cut together. */
#include "harness/capture-private.h"

#include "transports/frame.h"

#define SERVER_PORT       5800
#define CLIENT_PORT_FIRST 49152
#define CLIENT_PORTS      16384
#define NETWORK           (10u << 24) /* 10.0.0.0/8, a /24 for each link */

/* Wide enough to be no limit: the run's own limits are not TCP's. */
#define WINDOW       0xffff
#define WINDOW_SCALE 12

static void
free_conversation (gpointer data)
{
  Conversation *conversation = data;
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
    g_queue_clear (&conversation->acks[d]);
    g_clear_pointer (&conversation->stream[d], g_byte_array_unref);
  }
  g_free (conversation);
}

static void
free_conversations (gpointer data)
{
  g_ptr_array_unref (data);
}

Capture *
capture_new (FILE *file, const Scenario *scenario, guint64 seed, ScenarioSide side)
{
  Capture *capture = g_new0 (Capture, 1);
  g_autofree char *comment =
      g_strdup_printf ("%s, seed %" G_GUINT64_FORMAT ", simulated; seen at the %s", scenario->name,
                       seed, scenario_side_to_string (side));
  capture->scenario = scenario;
  capture->side = side;
  capture->writer = pcapng_writer_new (file, "caiman", comment);
  capture->conversations = g_ptr_array_new_with_free_func (free_conversations);
  capture->frame = g_byte_array_new ();
  capture->pending = g_byte_array_new ();
  for (guint i = 0; i < scenario->links->len; i++) {
    const ScenarioLink *link = scenario_get_link (scenario, i);
    gint64 rate_bps = link->path[SCENARIO_UP].rate_bps;
    g_autofree char *about = g_strdup_printf ("simulated link %u", i + 1);
    pcapng_writer_add_interface (capture->writer, link->name, about,
                                 rate_bps == SCENARIO_RATE_UNLIMITED ? 0 : rate_bps);
    g_ptr_array_add (capture->conversations, g_ptr_array_new_with_free_func (free_conversation));
  }
  return capture;
}

void
capture_free (Capture *capture)
{
  if (capture == NULL)
    return;
  pcapng_writer_free (capture->writer);
  g_ptr_array_unref (capture->conversations);
  g_byte_array_unref (capture->frame);
  g_byte_array_unref (capture->pending);
  g_free (capture);
}

/* ---- conversations ---- */

guint32
capture_make_first_seq (const Conversation *conversation, SimDirection direction)
{
  return (conversation->link + 1) * 0x10000000u + conversation->number * 0x00100000u +
         direction * 0x00010000u;
}

static Conversation *
get_conversation (Capture *capture, guint link, guint number)
{
  GPtrArray *of_link = g_ptr_array_index (capture->conversations, link);
  while (of_link->len < number) {
    Conversation *next = g_new0 (Conversation, 1);
    next->link = link;
    next->number = of_link->len + 1;
    for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
      next->left[d] = next->arrived[d] = capture_make_first_seq (next, d);
      g_queue_init (&next->acks[d]);
    }
    g_ptr_array_add (of_link, next);
  }
  return g_ptr_array_index (of_link, number - 1);
}

static TcpEndpoint
get_endpoint (const Conversation *conversation, ScenarioSide side)
{
  guint last = side == SCENARIO_SIDE_CLIENT ? 1 : 2;
  TcpEndpoint endpoint = {
    .mac = { 2, 0, 0, (guint8)(conversation->link >> 8), (guint8)conversation->link, (guint8)last },
    .address = NETWORK | conversation->link << 8 | last,
    .port = SERVER_PORT,
  };
  if (side == SCENARIO_SIDE_CLIENT)
    endpoint.port = (guint16)(CLIENT_PORT_FIRST + (conversation->number - 1) % CLIENT_PORTS);
  return endpoint;
}

static ScenarioSide
get_sender (SimDirection direction)
{
  return direction == SIM_DIRECTION_UP ? SCENARIO_SIDE_CLIENT : SCENARIO_SIDE_SERVER;
}

gboolean
capture_sees (const Capture *capture, const SimTapEvent *event)
{
  return (get_sender (event->direction) == capture->side) == !event->arrives;
}

void
capture_write (Capture *capture, Conversation *conversation, SimDirection direction, gint64 time_ns,
               TcpPacket *packet, const char *comment)
{
  ScenarioSide sender = get_sender (direction);
  packet->source = get_endpoint (conversation, sender);
  packet->destination = get_endpoint (conversation, !sender);
  packet->ip_id = conversation->ip_id[direction]++;
  tcp_packet_write (packet, capture->frame);
  pcapng_writer_add_packet (capture->writer, conversation->link, time_ns, sender == capture->side,
                            capture->frame->data, capture->frame->len, comment);
}

/* ---- frames ---- */

static void
flush (Capture *capture)
{
  const GByteArray *bytes = capture->pending;
  if (capture->pending_of == NULL)
    return;
  for (gsize at = 0; at < bytes->len; at += SIM_SEGMENT_BYTES) {
    gsize size = MIN (bytes->len - at, SIM_SEGMENT_BYTES);
    gboolean is_last = at + size == bytes->len;
    TcpPacket packet = { .seq = capture->pending_seq + (guint32)at,
                         .ack = capture->pending_ack,
                         .flags = TCP_ACK | (is_last ? TCP_PSH : 0),
                         .window = WINDOW,
                         .window_scale = -1,
                         .payload = bytes->data + at,
                         .payload_bytes = size };
    capture_write (capture, capture->pending_of, capture->pending_direction, capture->pending_ns,
                   &packet, is_last && capture->pending_is_corrupt ? "corrupted on the way" : NULL);
  }
  g_byte_array_set_size (capture->pending, 0);
  capture->pending_of = NULL;
  capture->pending_is_corrupt = FALSE;
}

void
capture_append_frame (Conversation *conversation, const SimTapEvent *event, GByteArray *bytes)
{
  guint8 header[CAIMAN_FRAME_HEADER_BYTES];
  caiman_frame_encode_header (header, conversation->frames[event->direction]++, event->data,
                              event->size);
  g_byte_array_append (bytes, header, sizeof header);
  if (event->size > 0)
    g_byte_array_append (bytes, event->data, (guint)event->size);
}

static void
add_frame (Capture *capture, Conversation *conversation, const SimTapEvent *event, guint32 seq,
           guint32 ack)
{
  if (capture->pending_of != conversation || capture->pending_direction != event->direction ||
      capture->pending_ns != event->time_ns)
    flush (capture);
  if (capture->pending_of == NULL) {
    capture->pending_of = conversation;
    capture->pending_direction = event->direction;
    capture->pending_ns = event->time_ns;
    capture->pending_seq = seq;
    capture->pending_ack = ack;
  }
  guint at = capture->pending->len;
  capture_append_frame (conversation, event, capture->pending);
  if (event->corrupt_bit != SIM_TAP_INTACT) {
    capture->pending->data[at + event->corrupt_bit / 8] ^= (guint8)(1 << event->corrupt_bit % 8);
    capture->pending_is_corrupt = TRUE;
  }
}

/* ---- segments ---- */

static void
add_control (Capture *capture, Conversation *conversation, const SimTapEvent *event, guint32 seq,
             guint32 ack)
{
  TcpPacket packet = {
    .seq = seq, .ack = ack, .flags = TCP_ACK, .window = WINDOW, .window_scale = -1
  };
  switch (event->kind) {
  case SIM_TAP_SYN:
    packet.flags = TCP_SYN;
    break;
  case SIM_TAP_SYN_ACK:
    packet.flags = TCP_SYN | TCP_ACK;
    break;
  case SIM_TAP_FIN:
    packet.flags = TCP_FIN | TCP_ACK;
    break;
  case SIM_TAP_RST:
    packet.flags = TCP_RST | TCP_ACK;
    break;
  case SIM_TAP_ACK:
  case SIM_TAP_FRAME:
  case SIM_TAP_SEGMENT:
  case SIM_TAP_STREAM:
    break;
  }
  if (packet.flags & TCP_SYN) {
    packet.mss_bytes = SIM_SEGMENT_BYTES;
    packet.window_scale = WINDOW_SCALE;
  }
  flush (capture);
  capture_write (capture, conversation, event->direction, event->time_ns, &packet, NULL);
}

/* How far @event takes the sequence number. */
static guint32
get_length (const SimTapEvent *event)
{
  if (event->kind == SIM_TAP_FRAME)
    return (guint32)(CAIMAN_FRAME_HEADER_BYTES + event->size);
  return event->kind == SIM_TAP_SYN || event->kind == SIM_TAP_SYN_ACK || event->kind == SIM_TAP_FIN;
}

/* The number of a SYN is the first, also when it is sent again. */
static guint32
get_seq (const Conversation *conversation, const SimTapEvent *event, guint32 next)
{
  if (event->kind == SIM_TAP_SYN || event->kind == SIM_TAP_SYN_ACK)
    return capture_make_first_seq (conversation, event->direction);
  return next;
}

/* FALSE: handshakes and resets, which may overtake or be lost, and need no queue. */
static gboolean
keeps_order (SimTapKind kind)
{
  return kind == SIM_TAP_FRAME || kind == SIM_TAP_FIN;
}

static void
tap_pipe (Capture *capture, Conversation *conversation, const SimTapEvent *event)
{
  SimDirection direction = event->direction;
  gboolean is_outbound = get_sender (direction) == capture->side;
  guint32 *next = event->arrives ? conversation->arrived : conversation->left;
  guint32 seq = get_seq (conversation, event, next[direction]);
  guint32 ack = conversation->arrived[!direction];

  next[direction] = seq + get_length (event);
  if (!event->arrives)
    conversation->last_ack[direction] = ack;
  if (event->arrives)
    ack = conversation->last_ack[direction];
  if (!is_outbound && keeps_order (event->kind)) {
    if (!event->arrives)
      g_queue_push_tail (&conversation->acks[direction], GUINT_TO_POINTER (ack));
    else if (!g_queue_is_empty (&conversation->acks[direction]))
      ack = GPOINTER_TO_UINT (g_queue_pop_head (&conversation->acks[direction]));
  }
  if (!capture_sees (capture, event))
    return; /* it happens at the other side */
  if (event->kind == SIM_TAP_FRAME)
    add_frame (capture, conversation, event, seq, ack);
  else
    add_control (capture, conversation, event, seq, ack);
}

void
capture_tap (gpointer user_data, const SimTapEvent *event)
{
  Capture *capture = user_data;
  guint link = GPOINTER_TO_UINT (sim_link_path_get_user_data (event->path));
  Conversation *conversation = get_conversation (capture, link, event->connection);

  if (event->kind == SIM_TAP_STREAM) {
    capture_tap_stream (conversation, event);
  } else if (event->kind == SIM_TAP_SEGMENT) {
    flush (capture); /* packets of all links are in the order of their time */
    capture_tap_segment (capture, conversation, event);
  } else {
    tap_pipe (capture, conversation, event);
  }
}

guint64
capture_get_packets (const Capture *capture)
{
  return pcapng_writer_get_packets (capture->writer);
}

gboolean
capture_finish (Capture *capture, GError **error)
{
  flush (capture);
  return pcapng_writer_finish (capture->writer, error);
}
