/* SPDX-License-Identifier: Apache-2.0 */
/* tls-stream.h - the bytes of one TLS connection of GIO, without waiting: reads, and writes what a
 * frame writer has, in full records.
 *
 * GIO's pollable streams tell when they are ready by sources of a main context; these are attached
 * only while there was nothing to read, or no room to write. Embedded by its user. */
#pragma once

#include "frame-writer.h"
#include "tls.h"

G_BEGIN_DECLS

typedef struct _CaimanTlsStream CaimanTlsStream;
struct _CaimanTlsStream {
  /* There may be something to read (G_IO_IN), or room to write (G_IO_OUT), again. */
  void (*ready) (CaimanTlsStream *stream, GIOCondition condition);
  GTlsConnection *connection; /* (owned) NULL before open() and after drop() */
  GPollableOutputStream *out; /* of it */
  GMainContext *context;      /* (owned) the thread's default when it was made */
  gboolean can_write;
  int fd; /* of the socket */
  /* The rest is its own business. */
  GPollableInputStream *in;
  GSocketConnection *socket;
  GSource *in_source, *out_source; /* (owned, nullable) attached while there is nothing to do */
  guint8 *record; /* what goes into the next TLS record; the same until it has gone */
  gsize record_bytes, record_sent_bytes;
};

void caiman_tls_stream_init (CaimanTlsStream *stream,
                             void (*ready) (CaimanTlsStream *stream, GIOCondition condition));

/* Takes @fd, over which TLS is to be spoken; the handshake is the user's. FALSE with an error when
 * there is no way. */
gboolean caiman_tls_stream_open (CaimanTlsStream *stream, CaimanTls *tls, int fd, GError **error);

/* Returns as read(). -1 without an error: nothing is there, ready() will be called. */
gssize caiman_tls_stream_read (CaimanTlsStream *stream, guint8 *data_out, gsize space,
                               GError **error);

/* Writes what @writer has until there is no more room; ready() will be called then. FALSE when the
 * connection is broken. */
gboolean caiman_tls_stream_write (CaimanTlsStream *stream, CaimanFrameWriter *writer,
                                  GError **error);

/* Of what was taken from a writer. */
gsize caiman_tls_stream_get_unsent_bytes (const CaimanTlsStream *stream);

/* No ready() any more; what is unsent is forgotten. */
void caiman_tls_stream_stop (CaimanTlsStream *stream);

/* Closes the socket without a word to the peer, and without waiting: GIO's way of ending TLS may
 * block. Not while GIO is at work on it in a thread of its own. */
void caiman_tls_stream_drop (CaimanTlsStream *stream);

/* Drops it, and releases the rest. */
void caiman_tls_stream_clear (CaimanTlsStream *stream);

/* What @error of an established connection means for the link. */
CaimanReason caiman_tls_stream_get_reason (const GError *error);

G_END_DECLS
