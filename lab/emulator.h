/* SPDX-License-Identifier: Apache-2.0 */
/* emulator.h - a network for real programs: two namespaces, client and server, joined by links that
 * do to real packets in real time what sim/packet-path.h does to simulated ones.
 *
 * One thread moves the packets. It runs with real-time priority where that is allowed, and measures
 * how late each packet is delivered. The functions below may be called from any other thread; those
 * that change something take effect at once.
 *
 * Everything is gone with the process, however it ends (namespace.h). Needs CAP_NET_ADMIN and
 * CAP_SYS_ADMIN. */
#pragma once

#include "sim/packet-path.h"

#include <netinet/in.h>

G_BEGIN_DECLS

typedef enum { LAB_SIDE_CLIENT, LAB_SIDE_SERVER, LAB_N_SIDES } LabSide;

/* Most links; what their addresses are made for. */
#define LAB_LINKS_MAX 64
/* Of an interface, where nothing else is said. */
#define LAB_MTU_BYTES 1500

typedef struct {
  /* For its random streams, and, where it can be, of its interfaces. */
  const char *name;
  /* By SimDirection, valid (asserted); rate and sizes are of IP packets. */
  const SimPathConfig *config;
  /* Of the interfaces, 0: LAB_MTU_BYTES. What a path carries may be less. */
  guint mtu_bytes[LAB_N_SIDES];
  /* Of TCP over the link where a socket does not say otherwise: route.h. */
  guint initial_window;
  const char *congestion;
} LabLinkOptions;

typedef struct {
  const LabLinkOptions *links;
  guint n_links;
  /* (borrowed, they outlive the emulator) All that the links' paths share, made for the time 0; the
   * thread's as long as it runs. */
  SimBottleneck *const *bottlenecks;
  guint n_bottlenecks;
  guint64 run_seed;
} LabEmulatorOptions;

typedef struct {
  guint64 taken_packets, taken_bytes; /* that the sender's kernel gave */
  guint64 refused_packets; /* that the receiver's kernel did not take: its interface is down */
} LabLinkStats;

/* A packet was delivered @lateness_ns after it was due. Called by the emulator's thread. */
typedef void (*LabLateFunc) (gpointer user_data, gint64 lateness_ns);

typedef struct _LabEmulator LabEmulator;

/* Makes namespaces and links; nothing moves yet. @options are copied. @late (nullable) is called
 * between start() and stop(). NULL with LAB_ERROR (namespace.h). */
LabEmulator *lab_emulator_new (const LabEmulatorOptions *options, LabLateFunc late,
                               gpointer user_data, GError **error);

/* The links' time begins, and their thread. Once. */
void lab_emulator_start (LabEmulator *emulator);

/* Packets stop; what is on its way stays where it is. Does nothing before start() or when stopped.
 */
void lab_emulator_stop (LabEmulator *emulator);

/* Accepts NULL. Sockets in the namespaces live on as long as they are open, without links. */
void lab_emulator_free (LabEmulator *emulator);

/* A descriptor of the namespace (borrowed), for lab_namespace_enter(). */
int lab_emulator_get_namespace (const LabEmulator *emulator, LabSide side);

/* Network byte order. */
in_addr_t lab_emulator_get_address (const LabEmulator *emulator, guint link, LabSide side);

/* The name of the link's interface, the same in both namespaces. */
const char *lab_emulator_get_interface (const LabEmulator *emulator, guint link);

/* --- Changes and faults --- */

/* A path's configuration, but for what it shares with others. */
void lab_emulator_get_config (LabEmulator *emulator, guint link, SimDirection direction,
                              SimPathConfig *config_out);
void lab_emulator_set_config (LabEmulator *emulator, guint link, SimDirection direction,
                              const SimPathConfig *config);

/* What would arrive vanishes. */
void lab_emulator_set_blackhole (LabEmulator *emulator, guint link, SimDirection direction,
                                 gboolean on);

/* Nothing leaves the bottleneck. */
void lab_emulator_set_paused (LabEmulator *emulator, guint link, SimDirection direction,
                              gboolean paused);

/* The client's interface goes down, with all that is on its way, or comes up. */
gboolean lab_emulator_set_down (LabEmulator *emulator, guint link, gboolean down, GError **error);

/* See flows.h. */
void lab_emulator_reset (LabEmulator *emulator, guint link);
void lab_emulator_vanish (LabEmulator *emulator, guint link, LabSide side);
void lab_emulator_rebind (LabEmulator *emulator, guint link);

/* Flips a bit in each of the next @count segments with a payload, so that TCP does not notice. */
void lab_emulator_corrupt (LabEmulator *emulator, guint link, SimDirection direction,
                           guint64 count);

/* --- What it has seen --- */

/* Bytes of IP packets that left the link's own bottleneck, and that wait in front of it. */
guint64 lab_emulator_get_wire_bytes (LabEmulator *emulator, guint link, SimDirection direction);
gsize lab_emulator_get_queue_bytes (LabEmulator *emulator, guint link, SimDirection direction);

void lab_emulator_get_stats (LabEmulator *emulator, guint link, SimDirection direction,
                             LabLinkStats *stats_out, SimPacketPathStats *path_stats_out);

/* Readable: an interface is gone (a program in a namespace has removed it), and with it the link. A
 * descriptor (borrowed) that stays so. */
int lab_emulator_get_broken_fd (const LabEmulator *emulator);

/* How late a timer of the emulator's kind is here: median of some waits, measured by new(). */
gint64 lab_emulator_get_timer_resolution (const LabEmulator *emulator);

/* Processor time of the emulator's thread, after stop(). */
gint64 lab_emulator_get_cpu (const LabEmulator *emulator);

G_END_DECLS
