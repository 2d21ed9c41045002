/* SPDX-License-Identifier: Apache-2.0 */
/* priority.h - real-time priority for threads whose time is to count as the network's. Where it is
 * not allowed, the highest priority that is. Programs that are started meanwhile inherit it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  LAB_PRIORITY_ORDINARY, /* as any other process */
  LAB_PRIORITY_ENDPOINT, /* before all others */
  LAB_PRIORITY_NETWORK,  /* before the endpoints, too */
} LabPriority;

/* Of the calling thread, which also gets timers as exact as there are. */
void lab_priority_set (LabPriority priority);

G_END_DECLS
