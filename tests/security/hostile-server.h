/* SPDX-License-Identifier: Apache-2.0 */
/* hostile-server.h - strangers without manners at a server: any bytes, read as a script of how they
 * come and go from a few networks, what they say instead of a handshake or as one, how the
 * application treats what comes of it, and how time passes. Shared by test-hostile-server.c (seeded
 * scripts) and a fuzz target.
 *
 * Aborts when the server has more handshakes, pending connections or links than it is set to, keeps
 * a handshake beyond its time, wakes up all the time, or ends with anything left. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What the script has led to. */
typedef struct {
  guint n_come, n_turned_away, n_incoming, n_accepted, n_joined, n_refused, n_closed;
} HostileServerResult;

HostileServerResult hostile_server_play (const guint8 *script, gsize size);

G_END_DECLS
