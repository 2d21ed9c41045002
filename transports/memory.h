/* SPDX-License-Identifier: Apache-2.0 */
/* memory.h - a transport pair within one program: packets are handed over, boundaries kept.
 *
 * A hub holds any number of pairs and makes all their call-backs, in order, from
 * caiman_memory_hub_dispatch(). Its wake() is called once when there is something to dispatch
 * again; a program then has its loop call dispatch() soon. One thread per hub.
 *
 * Each direction holds at most its limits of packets and bytes, counted from send() until the
 * packet() call-back; the packet that crosses a limit is still taken (transport.h). */
#pragma once

#include "transport.h"

G_BEGIN_DECLS

typedef struct _CaimanMemoryHub CaimanMemoryHub;

/* Bounds of what one direction holds; 0: no bound of that kind. */
typedef struct {
  guint packets_max;
  gsize bytes_max;
} CaimanMemoryLimits;

/* @wake (nullable) must not dispatch itself. */
CaimanMemoryHub *caiman_memory_hub_new (void (*wake) (gpointer user_data), gpointer user_data);

/* All ends must have been freed (asserted). Accepts NULL. */
void caiman_memory_hub_free (CaimanMemoryHub *hub);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanMemoryHub, caiman_memory_hub_free)

/* A new pair (transfer full). The client's end gets connected() at the next dispatch and is not
 * writable before; the accepted end is established at once. */
void caiman_memory_hub_connect (CaimanMemoryHub *hub, const CaimanMemoryLimits *limits,
                                CaimanTransport **client_end_out,
                                CaimanTransport **accepted_end_out);

/* Makes the call-backs that are due, also those which these call-backs bring about. TRUE when there
 * was any. Not from inside a call-back. */
gboolean caiman_memory_hub_dispatch (CaimanMemoryHub *hub);

G_END_DECLS
