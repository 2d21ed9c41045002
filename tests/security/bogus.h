/* SPDX-License-Identifier: Apache-2.0 */
/* bogus.h - TCP connections to a link port of this host that never become links: what a port in the
 * open sees, and what somebody means who wants to stop a server. For tests/security and
 * bench/floods.c; nothing here waits. */
#pragma once

#include <glib.h>

typedef enum {
  BOGUS_QUIET,        /* says nothing */
  BOGUS_GARBAGE,      /* bytes that are no frame of the protocol */
  BOGUS_HALF_CONNECT, /* the beginning of a Connect message, but for its checksum */
  BOGUS_HUGE,         /* announces a frame of 8 MiB, and begins it */
  BOGUS_WRONG,        /* a proper frame with a message that has no place in a handshake */
  BOGUS_HALF_TLS,     /* the beginning of a TLS handshake: no frame where there is no TLS */
  BOGUS_TLS_HELLO,    /* a whole ClientHello, and no answer to what comes of it */
  BOGUS_N_KINDS,
} BogusKind;

/* Connects from @source, an address of this host, to @port of 127.0.0.1 and says what @kind does.
 * Returns the descriptor, -1 when not even that worked. */
int bogus_connect (const char *source, guint16 port, BogusKind kind);

/* Says one byte more. FALSE: the server has closed it. */
gboolean bogus_trickle (int fd);

/* TRUE: the server has closed it. What it has said is thrown away. */
gboolean bogus_is_closed (int fd);

/* At once (RST), so that no trace is left that would use up the ports of this host. */
void bogus_close (int fd);

/* Descriptors that this process has open. */
guint bogus_count_descriptors (void);
