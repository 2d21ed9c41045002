/* SPDX-License-Identifier: Apache-2.0 */
/* relay-line.h - what an impairing relay does to bytes, without the sockets: a buffer, a bottleneck
 * with a rate, a delay with jitter, and faults, one direction at a time.
 *
 * A RelayBottleneck is one direction of a link, and the connections over the link share it: bytes
 * leave in the order in which they were put in, at the rate. A RelayLine is one direction of one
 * connection. Time is passed in and never goes back, and everything is reckoned from the time at
 * which it was due, not from the time of the call: a caller that comes late catches up, and on
 * average the rate is never exceeded. Bytes are carried in segments of 250 us at the rate, at least
 * 1 448 bytes; each segment draws its jitter, and nothing overtakes. */
#pragma once

#include "sim/path.h"

G_BEGIN_DECLS

typedef struct _RelayBottleneck RelayBottleneck;
typedef struct _RelayLine RelayLine;

/* --- Bottleneck --- */

/* @config is valid and without loss (asserted). Jitter and places of corruption come from
 * random streams of @run_seed, @name and @direction. */
RelayBottleneck *relay_bottleneck_new (const SimPathConfig *config, guint64 run_seed,
                                       const char *name, SimDirection direction);

/* All lines must be gone (asserted). Accepts NULL. */
void relay_bottleneck_free (RelayBottleneck *self);

/* Lets leave what has its time by @now_ns. To be called at the deadline, and before each of the
 * calls below that take a time (with the same). */
void relay_bottleneck_advance (RelayBottleneck *self, gint64 now_ns);

/* When something leaves next; CAIMAN_TIME_NEVER: nothing will, as things are. */
gint64 relay_bottleneck_get_deadline (const RelayBottleneck *self);

const SimPathConfig *relay_bottleneck_get_config (const RelayBottleneck *self);

/* Changes rate, delay, jitter and queue; valid and without loss (asserted). A new rate applies at
 * once, a new delay to what leaves from now on. */
void relay_bottleneck_set_config (RelayBottleneck *self, const SimPathConfig *config,
                                  gint64 now_ns);

/* Nothing leaves; what is on its way arrives. */
void relay_bottleneck_set_paused (RelayBottleneck *self, gboolean paused, gint64 now_ns);

/* Nothing leaves and nothing arrives; at the end all goes on, and what should have arrived
 * meanwhile arrives at once. */
void relay_bottleneck_set_dark (RelayBottleneck *self, gboolean dark, gint64 now_ns);

/* Flips a bit in each of the next @n_frames frames that leave (relay-frames.h); G_MAXUINT64: in all
 * until further notice, 0: in none. */
void relay_bottleneck_corrupt (RelayBottleneck *self, guint64 n_frames);

/* A segment without payload (of a handshake) that leaves now would be lost; one that left at
 * @sent_ns and arrives now is. */
gboolean relay_bottleneck_swallows (const RelayBottleneck *self);
gboolean relay_bottleneck_has_swallowed (const RelayBottleneck *self, gint64 sent_ns);

/* Bytes that have left so far. */
guint64 relay_bottleneck_get_bytes (const RelayBottleneck *self);

/* What leaves in one piece at the rate of now. */
gsize relay_bottleneck_get_segment_bytes (const RelayBottleneck *self);

/* The queue of @config as a limit in bytes: a time at the rate, at least 16 KiB, or bytes. */
gint64 relay_get_queue_limit (const SimPathConfig *config);

/* --- Lines --- */

/* What comes out of a line. */
typedef enum {
  RELAY_NOTHING, /* not now */
  RELAY_DATA,
  RELAY_OPEN, /* the connection is there */
  RELAY_FIN,  /* end of the stream */
  RELAY_RESET,
} RelayArrival;

/* Shares @bottleneck with the other lines. */
RelayLine *relay_line_new (RelayBottleneck *bottleneck);
void relay_line_free (RelayLine *line); /* accepts NULL */

/* What may wait in front of the bottleneck, at least a byte; beyond that, get_room() is 0. */
void relay_line_set_limit (RelayLine *line, gint64 limit_bytes);
gsize relay_line_get_room (const RelayLine *line);

/* Bytes that wait in front of the bottleneck. */
gsize relay_line_get_waiting (const RelayLine *line);

/* Copies @size bytes in, which have been there to be taken since @since_ns (at most now). */
void relay_line_put (RelayLine *line, const guint8 *data, gsize size, gint64 since_ns);

/* The peer's end of the stream, behind what waits. */
void relay_line_put_fin (RelayLine *line, gint64 now_ns);

/* OPEN (of a new line) and RESET take the delay alone. A reset drops what waits. */
void relay_line_put_open (RelayLine *line, gint64 now_ns);
void relay_line_put_reset (RelayLine *line, gint64 now_ns);

/* Nothing leaves this line any more, and what is on its way is dropped; it still takes what it has
 * room for. */
void relay_line_stick (RelayLine *line);

/* Drops what waits in front of the bottleneck. */
void relay_line_drop_waiting (RelayLine *line);

/* Whoever takes what arrives has no room: until FALSE is told, at most @in_flight_bytes leave and
 * are not taken. */
void relay_line_set_blocked (RelayLine *line, gboolean blocked, gint64 in_flight_bytes);

/* When the next thing arrives, maybe in the past; CAIMAN_TIME_NEVER. */
gint64 relay_line_get_arrival (const RelayLine *line);

/* What has arrived by @now_ns; of DATA as much as lies in one piece, valid until the next call of
 * put(). take() says how much of it is done with; of the other kinds, 0. */
RelayArrival relay_line_peek (const RelayLine *line, gint64 now_ns, const guint8 **data_out,
                              gsize *size_out);
void relay_line_take (RelayLine *line, gsize size);

G_END_DECLS
