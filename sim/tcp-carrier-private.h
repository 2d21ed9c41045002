/* SPDX-License-Identifier: Apache-2.0 */
/* tcp-carrier-private.h - the tcp carrier's inside: endpoints (tcp-endpoint.h) over packet paths
 * (packet-path.h). network.h tells its rules.
 *
 *   tcp-carrier.c        packets between endpoints and paths; connections
 *   tcp-carrier-end.c    ends: the transport contract; what an endpoint's events mean to a user
 *   tcp-carrier-fault.c  the path changes, goes down, resets, ...
 *   tcp-stream.c         frames as a stream of bytes
 *
 * A connection has two ends; end i (0 the client's, 1 the server's) sends in direction i and pushes
 * into streams[i]. A packet costs one event (it arrives), each end has a timer of its own, which is
 * armed for no later than its endpoint's deadline and seldom moved. */
#pragma once

#include "sim/packet-path.h"
#include "sim/tcp-endpoint.h"
#include "sim/tcp-stream.h"

G_BEGIN_DECLS

typedef struct _TcpConnection TcpConnection;

typedef enum {
  TCP_END_NEW,  /* the client's: connecting; the server's: not yet accepted */
  TCP_END_OPEN, /* established */
  TCP_END_DEAD, /* failed, aborted or freed: no call-back any more, but the report of a failure */
} TcpEndState;

typedef struct {
  CaimanTransport base;
  TcpConnection *connection;
  guint index;
  SimTcp *tcp; /* (owned, nullable) the server's: from the first SYN on */
  TcpEndState state;
  gboolean held; /* the user has not freed it */
  gboolean reading;
  gboolean finished;      /* close() */
  gboolean vanished;      /* the host is gone: no answer to anything */
  gboolean told_full;     /* is_writable() said FALSE: writable() is owed */
  gboolean asked;         /* and has nothing for the segment that is not full */
  gint64 queued_bytes;    /* of the stream, which the endpoint has not taken yet */
  gint64 queue_max_bytes; /* no more packets are taken from then on */
  CaimanReason failure;   /* to be reported; NONE: nothing */
  gint64 give_up_ns;      /* of a connect, or of draining */
  CaimanTimer timer;      /* the endpoint's deadline, or give_up_ns */
  CaimanTimer task_timer; /* sends and reports what happened inside a call */
} TcpEnd;

struct _TcpConnection {
  SimCarrier *carrier;
  TcpConnection *prev;
  TcpConnection *next;
  TcpEnd ends[2];
  SimTcpStream streams[SIM_N_DIRECTIONS];
  gboolean rebound; /* a NAT has given the client another address since */
  guint number;     /* among the path's connections, from 1 */
  guint n_flying;   /* packets on the paths */
  guint pins;       /* > 0: being worked on, do not free */
};

/* A packet on its way. Recycled through the carrier's free list. */
typedef struct _TcpPacket TcpPacket;
struct _TcpPacket {
  SimTcpSegment segment;
  TcpConnection *connection;
  gboolean rebound; /* from or to the address that the client has by now */
  TcpPacket *next;
};

/* One direction of the carrier. */
typedef struct {
  SimCarrier *carrier;
  SimDirection direction;
  SimPacketPath *path;
  CaimanTimer timer; /* the path's deadline */
} TcpWay;

struct _SimCarrier {
  SimLinkPath *path;       /* (borrowed) */
  CaimanTimerQueue *queue; /* (borrowed) */
  TcpWay ways[SIM_N_DIRECTIONS];
  TcpConnection *first; /* oldest first */
  TcpConnection *last;
  TcpPacket *free_packets;
  GPtrArray *slabs; /* of TcpPacket arrays */
};

static inline gint64
tcp_carrier_now (const SimCarrier *carrier)
{
  return caiman_timer_queue_now (carrier->queue);
}

static inline TcpEnd *
tcp_end_get_peer (TcpEnd *end)
{
  return &end->connection->ends[!end->index];
}

/* tcp-carrier.c */

/* Puts all on its way that @end's endpoint has to send now, and arms timers. */
void sim_tcp_end_flush (TcpEnd *end);
void sim_tcp_end_arm (TcpEnd *end);
void sim_tcp_way_arm (TcpWay *way);
void sim_tcp_end_make_tcp (TcpEnd *end);

void sim_tcp_connection_pin (TcpConnection *connection);
void sim_tcp_connection_unpin (TcpConnection *connection);

/* tcp-carrier-end.c */
extern const CaimanTransportClass sim_tcp_end_class;

/* One sendmsg() of all that is queued, if there is any and the socket takes it. */
void sim_tcp_end_write (TcpEnd *end);

/* TRUE: the user, who has nothing queued, has been told that he may write, and does so in this
 * instant or not at all. */
gboolean sim_tcp_end_ask (TcpEnd *end);

/* Tells the user what has happened at the endpoint. From timers only; pins are the caller's. */
void sim_tcp_end_tell (TcpEnd *end);

/* The end is dead for its user, who is told: at once, or by a timer of now. The endpoint goes on
 * unless it is killed. */
void sim_tcp_end_fail (TcpEnd *end, CaimanReason reason);
void sim_tcp_end_fail_later (TcpEnd *end, CaimanReason reason);
void sim_tcp_end_task (gpointer user_data);

/* All that is queued is written, at once, as nothing more comes, and FIN behind it. */
void sim_tcp_end_finish (TcpEnd *end);

/* tcp-carrier-fault.c: slots of SimCarrierClass */
void sim_tcp_carrier_will_change (SimCarrier *carrier, SimDirection direction);
void sim_tcp_carrier_changed (SimCarrier *carrier, SimDirection direction);
void sim_tcp_carrier_went_down (SimCarrier *carrier);
void sim_tcp_carrier_reset (SimCarrier *carrier);
void sim_tcp_carrier_close (SimCarrier *carrier);
void sim_tcp_carrier_half_open (SimCarrier *carrier, SimDirection direction);
void sim_tcp_carrier_rebind (SimCarrier *carrier);

G_END_DECLS
