/* SPDX-License-Identifier: Apache-2.0 */
/* glib-stream-private.h - what glib-stream.c (life, links, signals) and glib-stream-io.c (bytes and
 * messages) share, and how clients and listeners make streams. */
#pragma once

#include "glib-channel.h"
#include "glib-stream.h"

G_BEGIN_DECLS

struct _CaimanStream {
  GIOStream parent_instance;
  CaimanGlibLoop *loop;   /* (owned) */
  CaimanChannel *channel; /* NULL once closed */
  GInputStream *input;
  GOutputStream *output;
  GPtrArray *links; /* of CaimanLink (owned): told by link-added and not by link-removed */
  CaimanWaiters readable, writable, progress;
  /* FALSE once a call would have blocked, until the connection tells otherwise. */
  gboolean may_read, may_write;
  gboolean is_client;
  gboolean connected;      /* it is or was */
  gboolean given_up;       /* its end was asked for here */
  gboolean ended;          /* the event has come */
  CaimanReason end_reason; /* what it was when the channel went */
  gboolean disposing;
};

/* Takes @channel, as its listener. (transfer full) */
CaimanStream *caiman_stream_new (CaimanChannel *channel, gboolean is_client);

/* A CaimanAttempt on a stream: until the connection is established, or ended. */
gboolean caiman_stream_attempt_connected (gpointer stream, gpointer data, GError **error);

/* --- glib-stream-io.c --- */

GInputStream *caiman_stream_input_new (CaimanStream *stream);
GOutputStream *caiman_stream_output_new (CaimanStream *stream);

/* Their stream is gone: all calls fail from now on. */
void caiman_stream_input_detach (GInputStream *input);
void caiman_stream_output_detach (GOutputStream *output);

G_END_DECLS
