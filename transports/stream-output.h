/* SPDX-License-Identifier: Apache-2.0 */
/* stream-output.h - the sending half of a transport over a byte stream: the queue of frames, how
 * much may wait in it, and who is owed a writable() (transport.h). */
#pragma once

#include "frame-writer.h"
#include "transport.h"

G_BEGIN_DECLS

typedef struct {
  CaimanFrameWriter writer;
  gint64 limit_bytes; /* below it, there is room */
  gboolean told_full; /* has_room() said FALSE: writable() is owed */
} CaimanStreamOutput;

void caiman_stream_output_init (CaimanStreamOutput *output);
void caiman_stream_output_clear (CaimanStreamOutput *output);

/* For is_writable(): @open says whether there is a stream, @further_bytes what waits elsewhere. */
gboolean caiman_stream_output_has_room (CaimanStreamOutput *output, gboolean open,
                                        gsize further_bytes);

/* For set_send_limit(): half of it in the kernel, of the socket @fd (-1: none), half here. TRUE:
 * there may be room now for somebody who was told that there is none. */
gboolean caiman_stream_output_set_limit (CaimanStreamOutput *output, gint64 limit_bytes, int fd);

/* After something was sent: calls writable() where that is owed, @further_bytes as above. The last
 * that a caller does with @transport, which may be freed by it. */
void caiman_stream_output_tell_room (CaimanStreamOutput *output, CaimanTransport *transport,
                                     gsize further_bytes);

G_END_DECLS
