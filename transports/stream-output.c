/* SPDX-License-Identifier: Apache-2.0 */
/* stream-output.c - see stream-output.h. */
#include "transports/stream-output.h"

#include "transports/tcp-socket.h"

/* While no send limit is set. */
#define QUEUE_BYTES (128 * 1024)
/* A send limit is no less than twice this, or each packet would need a wake-up. */
#define HALF_LIMIT_MIN_BYTES 2048

void
caiman_stream_output_init (CaimanStreamOutput *output)
{
  *output = (CaimanStreamOutput) { .limit_bytes = QUEUE_BYTES };
  caiman_frame_writer_init (&output->writer);
}

void
caiman_stream_output_clear (CaimanStreamOutput *output)
{
  caiman_frame_writer_clear (&output->writer);
}

gboolean
caiman_stream_output_has_room (CaimanStreamOutput *output, gboolean open, gsize further_bytes)
{
  gboolean has_room =
      open && (gint64)(output->writer.queued_bytes + further_bytes) < output->limit_bytes;
  /* Whoever asks again, after set_limit() say, is still told. */
  output->told_full |= !has_room;
  return has_room;
}

gboolean
caiman_stream_output_set_limit (CaimanStreamOutput *output, gint64 limit_bytes, int fd)
{
  gint64 half_bytes = MAX (limit_bytes / 2, HALF_LIMIT_MIN_BYTES);
  if (fd >= 0)
    caiman_tcp_socket_set_unsent_limit (fd, half_bytes);
  gboolean grows = half_bytes > output->limit_bytes;
  output->limit_bytes = half_bytes;
  return grows && output->told_full;
}

void
caiman_stream_output_tell_room (CaimanStreamOutput *output, CaimanTransport *transport,
                                gsize further_bytes)
{
  if (!output->told_full || !caiman_stream_output_has_room (output, TRUE, further_bytes))
    return;
  output->told_full = FALSE;
  transport->events->writable (transport->user_data);
}
