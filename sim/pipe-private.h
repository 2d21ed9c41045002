/* SPDX-License-Identifier: Apache-2.0 */
/* pipe-private.h - the pipe carrier's inside, shared by pipe*.c (network.h tells its rules).
 *
 *   pipe.c             ends (the transport contract), life and death of a connection
 *   pipe-connect.c     the three-way handshake
 *   pipe-serialiser.c  send buffers and the bottleneck, one per direction
 *   pipe-arrival.c     what is in flight or waits for the receiver; delivery; corruption
 *   pipe-faults.c      the path changes, goes down, resets, ...
 *
 * A connection has two ends and two halves. End i (0 the client's, 1 the server's) sends into half
 * i, which runs in direction i, and receives from the other half. A packet costs two events: the
 * serialiser's timer (its last bit is out) and the half's timer (it arrives). */
#pragma once

#include "sim/carrier.h"

G_BEGIN_DECLS

typedef struct _PipeConnection PipeConnection;
typedef struct _PipeConnecting PipeConnecting;

typedef enum {
  PIPE_NODE_PACKET,
  PIPE_NODE_ACCEPT, /* the ACK that completes the handshake: the server's end appears */
  PIPE_NODE_FIN,
  PIPE_NODE_RST,
} PipeNodeKind;

/* Something in a send buffer or in flight. Recycled through the carrier's free list. */
typedef struct _PipeNode PipeNode;
struct _PipeNode {
  PipeNode *next;
  gint64 arrival_ns;
  guint64 order; /* of sending, over all connections of this direction */
  gsize wire_bytes;
  PipeNodeKind kind;
  guint8 corrupt;        /* bit 0: the first frame, bit 1: the second */
  gboolean message_done; /* its message has been delivered, its payload not yet */
  CaimanPacket packet;
};

typedef struct {
  PipeNode *head;
  PipeNode *tail;
} PipeFifo;

typedef enum {
  PIPE_END_NEW,  /* the client's: connecting; the server's: not yet accepted */
  PIPE_END_OPEN, /* established */
  PIPE_END_DEAD, /* failed, aborted or freed: no call-back any more, but the report of a failure */
} PipeEndState;

typedef struct {
  CaimanTransport base;
  PipeConnection *connection;
  guint index;
  PipeEndState state;
  gboolean held; /* the user has not freed it */
  gboolean reading;
  gsize send_limit_bytes;   /* the user's, below the path's */
  gboolean finished;        /* a FIN is queued behind what was sent */
  CaimanReason failure;     /* to be reported; NONE: nothing, or that it is writable */
  CaimanTimer report_timer; /* reports what happened inside a call */
} PipeEnd;

/* One direction of a connection. */
typedef struct {
  PipeConnection *connection;
  SimDirection direction;
  PipeFifo unsent; /* the send buffer */
  gsize unsent_bytes;
  PipeFifo carried; /* in flight, or arrived and waiting for the receiver, in order of arrival */
  gsize carried_bytes;
  gint64 last_arrival_ns;  /* nothing arrives before what is in front of it */
  gint64 reset_arrival_ns; /* of the RST at the end of @carried; CAIMAN_TIME_NEVER: none */
  gboolean stuck;          /* the receiver is gone without a word: nothing is sent any more */
  guint16 frames;          /* delivered so far: the next frame's sequence number */
  guint64 losses;
  CaimanTimer arrival_timer;
} PipeHalf;

struct _PipeConnection {
  SimCarrier *pipe;
  PipeConnection *prev;
  PipeConnection *next;
  guint number; /* among the path's connections, from 1 */
  PipeEnd ends[2];
  PipeHalf halves[SIM_N_DIRECTIONS];
  PipeConnecting *connecting; /* (owned, nullable) */
  gboolean accept_pending;    /* the ACK is in flight */
  guint pins;                 /* > 0: being worked on, do not free */
};

/* The bottleneck of one direction, shared by all connections of the path. */
typedef struct {
  SimCarrier *pipe;
  SimDirection direction;
  PipeHalf *current; /* (nullable) its first unsent node is in service */
  gint64 work_left;  /* of the node in service while the timer is not armed */
  gboolean stalled;  /* something waits for room in a receive buffer */
  gsize limit_bytes; /* of each send buffer */
  guint64 next_order;
  CaimanTimer timer;
} PipeSerialiser;

struct _SimCarrier {
  SimLinkPath *path;       /* (borrowed) */
  CaimanTimerQueue *queue; /* (borrowed) */
  PipeSerialiser serialisers[SIM_N_DIRECTIONS];
  PipeConnection *first; /* oldest first */
  PipeConnection *last;
  guint n_connections;
  PipeNode *free_nodes;
  GPtrArray *slabs; /* of PipeNode arrays */
};

static inline gint64
pipe_now (const SimCarrier *pipe)
{
  return caiman_timer_queue_now (pipe->queue);
}

static inline PipeHalf *
pipe_end_get_out (PipeEnd *end)
{
  return &end->connection->halves[end->index];
}

static inline PipeHalf *
pipe_end_get_in (PipeEnd *end)
{
  return &end->connection->halves[!end->index];
}

static inline PipeEnd *
pipe_half_get_sender (PipeHalf *half)
{
  return &half->connection->ends[half->direction];
}

static inline PipeEnd *
pipe_half_get_receiver (PipeHalf *half)
{
  return &half->connection->ends[!half->direction];
}

/* pipe.c */

/* A node with all fields 0 but its kind. */
PipeNode *pipe_node_new (SimCarrier *pipe, PipeNodeKind kind);
void pipe_node_free (SimCarrier *pipe, PipeNode *node);
void pipe_fifo_push (PipeFifo *fifo, PipeNode *node);
PipeNode *pipe_fifo_pop (PipeFifo *fifo); /* not empty */

/* Around call-backs: the connection's memory stays until the last unpin. */
void pipe_connection_pin (PipeConnection *connection);
void pipe_connection_unpin (PipeConnection *connection);

/* Makes @end dead. What is on its way to it is dropped; so is its send buffer, unless @drain and
 * there is somebody to drain it to. */
void pipe_end_die (PipeEnd *end, gboolean drain);

/* The end dies and tells its user: at once (from a timer only), or by a timer of now. */
void pipe_end_fail (PipeEnd *end, CaimanReason reason, gboolean drain);
void pipe_end_fail_later (PipeEnd *end, CaimanReason reason);

gboolean pipe_end_is_writable (PipeEnd *end);

/* Tells the user by a timer of now. */
void pipe_end_writable_later (PipeEnd *end);

/* Tell the tap, if there is one: of what is not a frame, and of a frame. */
void pipe_tap (PipeConnection *connection, SimTapKind kind, SimDirection direction,
               gboolean arrives);
void pipe_tap_frame (PipeHalf *half, const guint8 *data, gsize size, gboolean arrives,
                     guint64 corrupt_bit);

/* pipe-connect.c */

/* Starts the handshake of a new connection; with the path down, fails it. */
void pipe_connect_start (PipeConnection *connection);
void pipe_connect_cancel (PipeConnection *connection);

/* pipe-serialiser.c */
void pipe_serialiser_init (PipeSerialiser *serialiser, SimCarrier *pipe, SimDirection direction);

/* Takes the next packet into service if it is idle and may run. */
void pipe_serialiser_start (PipeSerialiser *serialiser);

/* Puts @node (owned) behind what is unsent. */
void pipe_half_send (PipeHalf *half, PipeNode *node);

/* Drops the send buffer. */
void pipe_half_drop_unsent (PipeHalf *half);

/* Nothing is sent any more; the send buffer stays and fills. */
void pipe_half_stick (PipeHalf *half);

/* Around a change of the path; changed() also re-computes the limit. */
void pipe_serialiser_interrupt (PipeSerialiser *serialiser);
void pipe_serialiser_changed (PipeSerialiser *serialiser);

/* pipe-arrival.c */
void pipe_arrival_init (PipeHalf *half);

/* Puts @node (owned) in flight; it arrives @delay_ns from now, or with what is in front of it. */
void pipe_half_carry (PipeHalf *half, PipeNode *node, gint64 delay_ns);

/* Puts a RST in flight and drops what is unsent. */
void pipe_half_send_reset (PipeHalf *half);

/* (Re-)arms the arrival timer: to be called when the first node, reading or a blackhole changes. */
void pipe_half_arm (PipeHalf *half);

/* Drops what is in flight or waiting. */
void pipe_half_drop_carried (PipeHalf *half);

/* pipe-faults.c: slots of SimCarrierClass */
void pipe_will_change (SimCarrier *pipe, SimDirection direction);
void pipe_changed (SimCarrier *pipe, SimDirection direction);
void pipe_went_down (SimCarrier *pipe);
void pipe_reset (SimCarrier *pipe);
void pipe_close (SimCarrier *pipe);
void pipe_half_open (SimCarrier *pipe, SimDirection direction);

G_END_DECLS
