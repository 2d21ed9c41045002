/* SPDX-License-Identifier: Apache-2.0 */
/* hostile.h - a peer without manners: any bytes, read as a script of what it does.
 *
 * The script sets up a client or a server whose peer is played here over three links, and then says
 * step by step what arrives on which link (valid, nearly valid and invalid messages around the
 * present sequence numbers, acknowledgements or none), when links stall or die, what the local
 * application does, and how time passes. Shared by test-hostile.c (seeded scripts) and the fuzz
 * target of a live connection.
 *
 * Aborts when the endpoint holds more than its buffers and a constant, leaves a deadline in the
 * past, wakes up all the time, or ends without a proper reason. */
#pragma once

#include "core/error.h"

G_BEGIN_DECLS

/* Plays @script to its end and on until the connection has ended. Returns why it has. */
CaimanReason hostile_play (const guint8 *script, gsize size);

G_END_DECLS
