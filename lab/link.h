/* SPDX-License-Identifier: Apache-2.0 */
/* link.h - a link of the lab: a TUN device in either namespace, and the path model between them.
 * Private to lab/: emulator.h is what others use. Time is passed in; calls are not locked. */
#pragma once

#include "lab/emulator.h"
#include "lab/flows.h"
#include "sim/packet-path.h"

G_BEGIN_DECLS

typedef struct _LabLink LabLink;

/* @namespaces by LabSide. The path's time begins at @now_ns. */
LabLink *lab_link_new (const LabLinkOptions *options, guint index, guint64 run_seed,
                       const int namespaces[LAB_N_SIDES], gint64 now_ns, GError **error);
void lab_link_free (LabLink *link); /* accepts NULL */

int lab_link_get_fd (const LabLink *link, LabSide side);
const char *lab_link_get_interface (const LabLink *link);
in_addr_t lab_link_get_address (const LabLink *link, LabSide side);

/* The interface of @side, in whose namespace the calling thread is, goes down or comes up. */
gboolean lab_link_set_up (LabLink *link, LabSide side, gboolean up, GError **error);

SimPath *lab_link_get_path (const LabLink *link, SimDirection direction);

/* The path, for calls with the time @now_ns, which may not be before that of any earlier call. */
SimPacketPath *lab_link_get_packets (LabLink *link, SimDirection direction, gint64 now_ns);
const SimPacketPath *lab_link_peek_packets (const LabLink *link, SimDirection direction);

LabFlows *lab_link_get_flows (const LabLink *link);

/* Takes what @side has sent, some packets at most. FALSE: its interface is gone. */
gboolean lab_link_read (LabLink *link, LabSide side, gint64 (*now) (gpointer clock),
                        gpointer clock);

gint64 lab_link_get_deadline (const LabLink *link, SimDirection direction);

/* Delivers what has arrived by @until_ns, which is not after @now_ns, and calls @late with how late
 * each packet is. A time before that of an earlier call is taken as that. */
void lab_link_advance (LabLink *link, SimDirection direction, gint64 until_ns, gint64 now_ns,
                       LabLateFunc late, gpointer user_data);

/* Packets of the kernel that the path or the interface did not take. */
const LabLinkStats *lab_link_get_stats (const LabLink *link, SimDirection direction);

/* Flips a bit in each of the next @count segments with a payload of that direction. */
void lab_link_corrupt (LabLink *link, SimDirection direction, guint64 count);

/* A forged packet goes straight to the end that receives in @direction. */
void lab_link_inject (LabLink *link, SimDirection direction, const guint8 *packet, gsize size);

G_END_DECLS
