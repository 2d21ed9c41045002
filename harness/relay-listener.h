/* SPDX-License-Identifier: Apache-2.0 */
/* relay-listener.h - a listening TCP socket on 127.0.0.1 that can be closed and opened again.
 *
 * The port stays its own all the time: while it is closed, connects are refused (RST) and cannot
 * meet somebody else. */
#pragma once

#include "transports/loop.h"

G_BEGIN_DECLS

/* Congestion control of all hops: there is nothing to control on loopback, and what paces by itself
 * would add to the link's delays. */
#define RELAY_CONGESTION "reno"

typedef struct _RelayListener RelayListener;

/* @fd is a new connection, non-blocking, the callee's to close. Called from the loop. */
typedef void (*RelayAcceptFunc) (gpointer user_data, int fd);

/* What the kernel may hold of a connection, each way; 0: as much as it likes. What is received is
 * bounded by the window, not by SO_RCVBUF: that counts the kernel's own overhead, too, and what is
 * over it is dropped. */
typedef struct {
  int receive_bytes, send_bytes;
} RelayBuffers;

/* SO_RCVBUF that is no obstacle to a window of @receive_bytes; 0 for 0. */
int relay_get_receive_space (int receive_bytes);

/* Sets the window of @fd. */
void relay_fd_set_window (int fd, int receive_bytes);

/* Open at first; accepted sockets get @buffers. */
RelayListener *relay_listener_new (CaimanLoop *loop, const RelayBuffers *buffers,
                                   RelayAcceptFunc accepted, gpointer user_data, GError **error);

/* Accepts NULL. */
void relay_listener_free (RelayListener *listener);

guint16 relay_listener_get_port (const RelayListener *listener);

/* Setting what is set already does nothing. FALSE: it could not be opened. */
gboolean relay_listener_set_open (RelayListener *listener, gboolean open, GError **error);
gboolean relay_listener_is_open (const RelayListener *listener);

/* A non-blocking TCP socket with @buffers, small segments and without Nagle's delay; -1 with
 * @error. */
int relay_fd_new (const RelayBuffers *buffers, GError **error);

/* Starts to connect @fd to a port of 127.0.0.1. FALSE (errno): refused at once. */
gboolean relay_fd_connect (int fd, guint16 port);

G_END_DECLS
