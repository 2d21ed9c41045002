/* SPDX-License-Identifier: Apache-2.0 */
/* pipe-world.h - one or more simulated paths and recording users at both ends, for tests.
 *
 * A User is one end of a connection: it notes what it is told and when. Packets that a test sends
 * are numbered: the n-th byte of each payload says which. */
#pragma once

#include "sim/network.h"

#define MS(n)   ((n)*CAIMAN_NS_PER_MS)
#define SEC(n)  ((n)*CAIMAN_NS_PER_S)
#define MBIT(n) ((n)*G_GINT64_CONSTANT (1000000))

typedef struct _World World;
typedef struct _User User;

typedef struct {
  gint64 at_ns;
  gsize size_bytes;
  guint8 first_byte;
} Arrival;

/* What a user does in a call-back, besides noting it. */
typedef void (*UserHook) (User *user);

struct _User {
  World *world;
  CaimanTransport *end; /* NULL once freed */
  GArray *arrivals;     /* of Arrival, one per frame */
  gint64 connected_ns;  /* -1: not */
  gint64 failed_ns;     /* -1: not */
  CaimanReason reason;
  guint n_writable;
  gint64 writable_ns; /* the last one */
  guint n_sent;       /* for tests that number what they send */
  UserHook on_connected;
  UserHook on_packet;
  UserHook on_writable;
  UserHook on_failed;
};

struct _World {
  CaimanTimerQueue *queue;
  SimNetwork *network;
  SimLinkPath *path;  /* the first one */
  GPtrArray *users;   /* of User (owned) */
  GPtrArray *servers; /* the accepted ones of them, in order */
  gint64 accepted_ns; /* the last one */
  UserHook on_accept;
};

/* A path both ways alike: @rate_bps, @delay_ns, queue of 50 ms. */
void world_config (SimPathConfig config_out[SIM_N_DIRECTIONS], gint64 rate_bps, gint64 delay_ns);

/* A world with the path "wifi" of that configuration. */
World *world_new (const SimPathConfig config[SIM_N_DIRECTIONS]);
World *world_new_tcp (const SimPathConfig config[SIM_N_DIRECTIONS]); /* the same over TCP */
World *world_new_simple (gint64 rate_bps, gint64 delay_ns);
void world_free (World *world);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (World, world_free)

/* Starts to connect over @path. */
User *world_connect (World *world, SimLinkPath *path);

/* Connects over the first path and runs until the server has accepted; *@server_out is its end. */
User *world_connect_both (World *world, User **server_out);

/* Lets @for_ns pass. */
void world_advance (World *world, gint64 for_ns);
gint64 world_now (World *world);

/* Runs until nothing is to happen any more. */
void world_run (World *world);

/* Sends a Data-like packet: a message of 5 bytes and @payload_bytes of payload filled with @byte.
 * On the wire it has payload_bytes + 25 bytes. */
void user_send (User *user, guint8 byte, gsize payload_bytes);

/* Sends a message alone, inline: 10 + @size bytes on the wire. */
void user_send_message (User *user, guint8 byte, gsize size);

/* Fills the send buffer with packets of @payload_bytes; returns how many it took. */
guint user_fill (User *user, gsize payload_bytes);

gboolean user_is_writable (User *user);
void user_set_reading (User *user, gboolean reading);
void user_abort (User *user);
void user_close (User *user);
void user_free_end (User *user);

/* Payload frames that came (frames of more than 5 bytes), and when the n-th frame came. */
guint user_count_payloads (User *user);
gint64 user_get_arrival (User *user, guint n);

/* It failed at @at_ns with @reason; -1: did not fail. */
void user_expect_failed (User *user, CaimanReason reason, gint64 at_ns);
void user_expect_alive (User *user);
