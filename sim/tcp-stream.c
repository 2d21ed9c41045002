/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-stream.c - see tcp-stream.h. */
#include "sim/tcp-stream.h"

#include "transports/frame.h"

static SimTcpNode *
take_node (SimTcpStream *stream)
{
  SimTcpNode *node = stream->free_nodes;

  if (!node)
    return g_new0 (SimTcpNode, 1);
  stream->free_nodes = node->next;
  *node = (SimTcpNode) { 0 };
  return node;
}

gint64
sim_tcp_stream_push (SimTcpStream *stream, CaimanPacket *packet)
{
  SimTcpNode *node = take_node (stream);
  gint64 start = stream->written;
  gsize message_bytes, payload_bytes = 0;

  caiman_packet_get_message (packet, &message_bytes);
  node->message_end = start + CAIMAN_FRAME_HEADER_BYTES + (gint64)message_bytes;
  node->end = node->message_end;
  if (packet->payload) {
    payload_bytes = g_bytes_get_size (packet->payload);
    node->end += CAIMAN_FRAME_HEADER_BYTES + (gint64)payload_bytes;
  }
  node->packet = *packet;
  packet->message = NULL;
  packet->payload = NULL;
  caiman_packet_clear (packet);
  if (stream->tail)
    stream->tail->next = node;
  else
    stream->head = node;
  stream->tail = node;
  if (!stream->unsent)
    stream->unsent = node;
  stream->written = node->end;
  return node->end - start;
}

static void
mark_corrupt (SimTcpNode *node, SimPathDirection *direction)
{
  for (guint frame = 0; frame < caiman_packet_get_frames (&node->packet); frame++) {
    if (direction->corrupt_frames == 0)
      return;
    if (direction->corrupt_frames != G_MAXUINT64)
      direction->corrupt_frames--;
    node->corrupt |= 1 << frame;
  }
}

static void
tell_begun (const SimTcpNode *node, SimTcpBegunFunc begun, gpointer user_data)
{
  gsize size;
  const guint8 *data = caiman_packet_get_message (&node->packet, &size);

  begun (user_data, data, size);
  if (!node->packet.payload)
    return;
  data = g_bytes_get_data (node->packet.payload, &size);
  begun (user_data, data, size);
}

void
sim_tcp_stream_sent (SimTcpStream *stream, gint64 sent, SimPathDirection *direction,
                     SimTcpBegunFunc begun, gpointer user_data)
{
  /* A packet begins where the one before it ends; its first byte is out when more than that is. */
  while (stream->unsent) {
    SimTcpNode *node = stream->unsent;
    gsize message_bytes;

    caiman_packet_get_message (&node->packet, &message_bytes);
    if (node->message_end - CAIMAN_FRAME_HEADER_BYTES - (gint64)message_bytes >= sent)
      return;
    mark_corrupt (node, direction);
    if (begun)
      tell_begun (node, begun, user_data);
    stream->unsent = node->next;
  }
}

gboolean
sim_tcp_stream_peek (SimTcpStream *stream, gint64 received, const guint8 **data_out,
                     gsize *size_out, GBytes **bytes_out, gint64 *end_out, gboolean *corrupt_out)
{
  SimTcpNode *node = stream->head;

  if (!node || node->end > received)
    return FALSE;
  if (!node->message_done) {
    *data_out = caiman_packet_get_message (&node->packet, size_out);
    *bytes_out = node->packet.message;
    *end_out = node->message_end;
    *corrupt_out = node->corrupt & 1;
  } else {
    *data_out = g_bytes_get_data (node->packet.payload, size_out);
    *bytes_out = node->packet.payload;
    *end_out = node->end;
    *corrupt_out = !!(node->corrupt & 2);
  }
  return TRUE;
}

void
sim_tcp_stream_pop (SimTcpStream *stream)
{
  SimTcpNode *node = stream->head;

  if (!node->message_done && node->packet.payload) {
    node->message_done = TRUE;
    return;
  }
  stream->head = node->next;
  if (!stream->head)
    stream->tail = NULL;
  if (stream->unsent == node)
    stream->unsent = node->next;
  caiman_packet_clear (&node->packet);
  node->next = stream->free_nodes;
  stream->free_nodes = node;
}

void
sim_tcp_stream_clear (SimTcpStream *stream)
{
  SimTcpNode *next;

  for (SimTcpNode *node = stream->head; node; node = next) {
    next = node->next;
    caiman_packet_clear (&node->packet);
    g_free (node);
  }
  for (SimTcpNode *node = stream->free_nodes; node; node = next) {
    next = node->next;
    g_free (node);
  }
  *stream = (SimTcpStream) { 0 };
}
