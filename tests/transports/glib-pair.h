/* SPDX-License-Identifier: Apache-2.0 */
/* glib-pair.h - a client's and a server's CaimanStream over loopback, in a main context of their
 * own, for the tests of the GLib face. */
#pragma once

#include "transports/glib-client.h"
#include "transports/glib-listener.h"

typedef struct {
  GMainContext *context;
  guint n_fds; /* open before there was any of the following */
  CaimanListener *listener;
  CaimanClient *client;
  char *hosts[2];          /* of the listener */
  CaimanStream *up, *down; /* the client's end and the server's */
} GlibPair;

/* Everything but the streams; @config (nullable) holds for both sides. The context is the
 * thread-default one until pair_clear(). */
void pair_init (GlibPair *pair, const CaimanConfig *config);

/* Connects: fills @up and @down. */
void pair_connect (GlibPair *pair);

/* Drops all and runs the context until nothing is left of it. */
void pair_clear (GlibPair *pair);

/* Runs the context until @condition; fails the test when that takes very long. */
void pair_run_until (GlibPair *pair, gboolean (*condition) (gconstpointer data),
                     gconstpointer data);

/* A GAsyncReadyCallback that keeps the result in the GAsyncResult* that is its user data; and the
 * waiting for it (transfer full). A result keeps its source alive: drop it before pair_clear(). */
void pair_keep_result (GObject *source, GAsyncResult *result, gpointer user_data);
GAsyncResult *pair_wait_result (GlibPair *pair, GAsyncResult **result);

/* Write all of @text, read until there are @size bytes or the end (0-terminated, transfer full). */
void pair_write (GlibPair *pair, CaimanStream *stream, const char *text);
char *pair_read (GlibPair *pair, CaimanStream *stream, gsize size);

/* Closes @stream; the verdict is g_io_stream_close_finish()'s. */
gboolean pair_close (GlibPair *pair, CaimanStream *stream, GError **error);

/* Sockets and event loops that this process has open; GLib opens other descriptors of its own. */
guint count_fds (void);

/* A server for a thread of its own, in synchronous calls: listens, pushes its port into @ports,
 * sends back to one client what it reads until the end, and closes. */
void pair_serve (GAsyncQueue *ports, const CaimanTcpAcceptorOptions *options);
