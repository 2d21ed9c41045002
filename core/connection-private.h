/* SPDX-License-Identifier: Apache-2.0 */
/* connection-private.h - the structs behind connection.h and link.h, and what the core's files
 * offer each other: connection.c (life cycle), application.c (data in and out of it), link.c (link
 * states), send.c (what goes out), receive.c (what comes in), timers.c (deadlines), handshake.c,
 * server.c, and the policies. */
#pragma once

#include "connection.h"
#include "crypto.h"
#include "handshakes.h"
#include "hold.h"
#include "meter.h"
#include "readable.h"
#include "reorder.h"
#include "rtt.h"
#include "send-queue.h"
#include "server.h"

G_BEGIN_DECLS

typedef struct _CaimanScheduler CaimanScheduler;

/* What waits to be sent on one link besides reliable messages, in the order of sending. */
typedef enum {
  CAIMAN_OUTBOX_WELCOME = 1 << 0,
  CAIMAN_OUTBOX_CONNECT = 1 << 1,
  CAIMAN_OUTBOX_REFUSED = 1 << 2,
  CAIMAN_OUTBOX_ACCEPTED = 1 << 3,
  CAIMAN_OUTBOX_PONG = 1 << 4,
  CAIMAN_OUTBOX_TEST_DATA = 1 << 5,
  CAIMAN_OUTBOX_PING = 1 << 6,
  CAIMAN_OUTBOX_SET_BLOCK = 1 << 7,
  CAIMAN_OUTBOX_ACK = 1 << 8,
  CAIMAN_OUTBOX_GOODBYE = 1 << 9, /* behind the acks */
  CAIMAN_OUTBOX_TERMINATE = 1 << 10,
} CaimanOutbox;

/* Window and suspicion (link-control.c), used by all policies but `reference`. */
typedef struct {
  gboolean startup;          /* the window still doubles per round trip */
  gint64 full_rate_bps;      /* best delivery rate when it last grew by a quarter */
  guint full_rounds;         /* round trips since then */
  gint64 round_rtt_ns;       /* smallest sample of this round trip */
  gint64 min_rtt_stamp_ns;   /* when the minimum was last met */
  gint64 probe_rtt_until_ns; /* window below the BDP until then, to see the minimum again; 0: no */
  gint64 patience_ns;        /* how late the link was when it was last suspected in vain */
  gint64 patience_stamp_ns;  /* when that was; it is forgotten with time */
  guint64 n_acked;           /* acknowledgements since the link (re)started working */
} CaimanLinkControl;

/* State of the `reference` policy for one link (scheduler-reference.c). */
typedef struct {
  guint growth_count;
  gboolean grown;          /* last_growth_seq is valid */
  guint32 last_growth_seq; /* next sequence number when the limit last grew */
  gboolean acked_since;    /* one sent after the last growth was acknowledged */
  gboolean limit_changed;  /* since the last RTT sample */
} CaimanLinkReference;

struct _CaimanLink {
  gint ref_count;
  guint32 id;
  char *name;
  char *local, *remote; /* (nullable) CaimanLinkInfo */
  char *remote_network; /* (nullable) the same, @remote where it is NULL there */
  GBytes *user_data, *remote_user_data;
  CaimanConnection *connection; /* NULL while the server's, and once closed */
  CaimanServer *server;         /* while the server's; then the next four matter */
  GList handshake_node;         /* in CaimanHandshakes.links */
  GList ready_node;             /* in CaimanHandshakes.ready, if @is_ready */
  gboolean is_ready;
  GList *waiting; /* (nullable) its place in CaimanServer.waiting */
  gpointer transport_data;

  CaimanLinkState state;
  CaimanReason reason;
  gint64 state_since_ns, working_total_ns;

  gint64 weight, cost;
  gint64 quota_bytes, quota_period_ns, quota_used_bytes, quota_period_start_ns;
  gint64 virtual_bytes; /* bytes sent by weight, for weighted choices: scheduler.c */

  gboolean writable;
  gint64 unwritable_since_ns; /* CAIMAN_TIME_NEVER while writable */
  CaimanLinkHint hint;
  gint64 delivered_ns; /* when @hint last told of more that has got through; -1: never */

  guint outbox; /* CaimanOutbox bits */
  GArray *acks; /* of guint32: sequence numbers to acknowledge */
  guint acks_head;
  gint64 acks_since_ns;   /* since when the oldest of them waits */
  gboolean acks_released; /* they wait for nothing but room any more */
  gint64 test_data_left_bytes;
  gboolean testing;        /* a Ping decides about a test */
  gboolean retest_replied; /* a stale Pong was seen, the next one counts */
  gint64 retest_at_ns;     /* CAIMAN_TIME_NEVER: no test is due */

  CaimanKeyPair keys;
  guint8 peer_public_key[CAIMAN_PUBLIC_KEY_BYTES];
  gint64 handshake_sent_ns;     /* Welcome or Connect sent */
  gint64 handshake_deadline_ns; /* CAIMAN_TIME_NEVER once done */
  CaimanRefusedCode refused_code;

  gboolean blocked_local, blocked_remote, blocked_quota;
  gboolean goodbye_sent, goodbye_received;
  gboolean close_when_flushed;
  gint64 closing_deadline_ns;

  gboolean expects_payload;
  guint32 payload_seq;

  gint64 connected_ns, last_received_ns;
  gint64 ping_sent_ns;       /* CAIMAN_TIME_NEVER: none outstanding */
  gint64 last_ping_ns;       /* when the last one went out */
  gint64 last_ack_ns;        /* an Ack came in that acknowledged something of this link */
  gint64 last_acked_sent_ns; /* when that had been sent; -1: nothing was acknowledged yet */
  gboolean suspected;
  gint64 suspected_since_ns;

  CaimanFlight flight;
  gint64 window_bytes;
  gint64 send_limit_bytes; /* see caiman_link_get_send_limit() */
  CaimanRtt rtt;
  CaimanRate rate;
  CaimanLinkControl control;
  CaimanLinkReference reference;
  guint64 idle_stamp; /* order in which links last became ready to send */
  guint32 redundant_next_seq;

  CaimanMeter sent_meter, received_meter;
  guint64 sent_bytes, resent_bytes, duplicated_bytes, acked_bytes;
  guint64 received_bytes, duplicate_received_bytes;
  guint64 wire_sent_bytes, wire_received_bytes, sent_packets, received_packets;
  guint64 n_suspected, n_not_working;
};

/* Data accepted from the application and not yet on a link. */
typedef struct {
  GBytes *bytes;      /* NULL while @joined may grow */
  GByteArray *joined; /* small writes to the stream, copied together */
  gsize offset;
  gboolean is_stream; /* may be split and joined */
} CaimanChunk;

/* The id of a connection that a client has chosen, with a hash that it cannot foresee. */
typedef struct {
  CaimanId id;
  guint32 hash;
} CaimanIdKey;

struct _CaimanConnection {
  CaimanConfig config;
  CaimanRandom random;
  CaimanServer *server;    /* where it is registered; NULL for a client */
  gboolean events_noticed; /* the server knows of events of this pending connection */
  CaimanIdKey key;         /* its place in the server's table */
  gboolean is_client;
  CaimanConnectionState state;
  CaimanReason end_reason;
  CaimanId id, remote_server_id;
  gboolean has_remote_server_id;
  gint64 remote_receive_buffer_bytes; /* 0 while not known */
  CaimanTracer tracer;
  CaimanLinkFilter filter;
  gpointer filter_data;
  const CaimanScheduler *scheduler;

  GPtrArray *links; /* of CaimanLink, owned references */
  guint32 next_link_id;
  guint64 next_idle_stamp;
  GQueue events;          /* of CaimanEvent* */
  CaimanLink *event_link; /* keeps the last event's link alive */
  gint64 now_ns;

  /* Sending. */
  CaimanSendQueue queue;
  GQueue unsent; /* of CaimanChunk* */
  guint64 unsent_bytes, unacked_bytes, unconsumed_bytes;
  guint64 unsent_limit_bytes; /* set by the application; 0: none but the send buffer's */
  gboolean write_blocked, flush_wanted;
  gboolean finish_wanted, finish_sent;
  gboolean peer_dropped_receiver, peer_stopped_reading;
  gboolean receive_close_wanted, receive_close_sent;
  gboolean receive_finish_wanted, receive_finish_sent, receive_finish_acked;
  gboolean consumed_due;
  gboolean waits_for_link; /* data could go out, and the policy last gave it no link */

  /* Receiving. */
  CaimanReorder *reorder;
  CaimanReadable *readable; /* in order, not read by the application */
  guint64 buffered_peak_bytes;
  guint64 unreturned_bytes; /* consumed here, not told by Consumed yet */
  guint64 consumed_total_bytes;
  gboolean receive_finished; /* SendFinish was delivered */
  gboolean receiver_dropped;

  /* Ending. */
  gint64 no_link_since_ns; /* CAIMAN_TIME_NEVER while a link works */
  gint64 termination_deadline_ns;
  gboolean was_open; /* when it began to terminate: there is a peer to be told */

  /* Policies. */
  gint64 cost_allowed;      /* links up to this cost may be used, see scheduler.h */
  gint64 shortage_since_ns; /* demand is unmet since; CAIMAN_TIME_NEVER: it is met */
  gboolean shrunk_third, shrunk_three_quarters; /* `reference` */
  gint64 shrunk_third_ns, shrunk_three_quarters_ns;
  guint64 unconsumable_bytes;

  CaimanMeter sent_meter, received_meter;
  guint64 sent_bytes, received_bytes, sent_messages, received_messages;
  guint64 resent_bytes, duplicated_bytes, duplicate_received_bytes;
};

/* The start of a log line: whose it is, and the time that the endpoint was given. */
#define CAIMAN_LOG_PREFIX "%" G_GINT64_FORMAT ".%06" G_GINT64_FORMAT " s, %s: "
#define CAIMAN_LOG_PREFIX_ARGS(connection)                                                         \
  (connection)->now_ns / CAIMAN_NS_PER_S,                                                          \
      (connection)->now_ns % CAIMAN_NS_PER_S / CAIMAN_NS_PER_US,                                   \
      (connection)->is_client ? "client" : "server"

/* --- connection.c --- */

/* A connection of the server, pending until accepted. */
CaimanConnection *caiman_connection_new_for_server (CaimanServer *server,
                                                    const CaimanConfig *config,
                                                    const CaimanRandom *random, const CaimanId *id,
                                                    gint64 now_ns);
void caiman_connection_accept (CaimanConnection *connection, gint64 now_ns);
/* Server: what the link filter says to @link, which is the server's. */
gboolean caiman_connection_lets_in (CaimanConnection *connection, const CaimanLink *link,
                                    gint64 now_ns);
/* Has each link pinged that waits for no answer yet: the dead ones will be silent then. */
void caiman_connection_probe_links (CaimanConnection *connection);
/* It joins (transfer full). */
void caiman_connection_adopt_link (CaimanConnection *connection, CaimanLink *link);
/* Every entry sets the time once; it never goes back. */
void caiman_connection_enter (CaimanConnection *connection, gint64 now_ns);
void caiman_connection_trace (CaimanConnection *connection, CaimanTraceType type,
                              const CaimanLink *link, guint64 a, guint64 b, CaimanReason reason);
/* The same for payload that goes out; @cause is NONE and @from_link_id 0 the first time. */
void caiman_connection_trace_data (CaimanConnection *connection, CaimanTraceType type,
                                   const CaimanLink *link, const CaimanOutMessage *message,
                                   CaimanResendCause cause, guint32 from_link_id);
void caiman_connection_push_event (CaimanConnection *connection, CaimanEventType type,
                                   CaimanLink *link, CaimanReason reason, gboolean graceful);
void caiman_connection_set_open (CaimanConnection *connection);
/* The one way to end: tells the application, and closes the links. */
void caiman_connection_end (CaimanConnection *connection, CaimanReason reason);
/* The same, because of what @link did: that link is closed for @reason, too. */
void caiman_connection_end_by_link (CaimanConnection *connection, CaimanLink *link,
                                    CaimanReason reason);
/* Data that the peer wants and has not acknowledged, or that is not sent yet. */
gboolean caiman_connection_owes_data (CaimanConnection *connection);
/* Ends gracefully if nothing is left to do (PROTOCOL.md, 5, Closing). */
void caiman_connection_check_finished (CaimanConnection *connection);
/* Tells the application that there is room again, or that all is flushed. */
void caiman_connection_check_room (CaimanConnection *connection);
/* Once both directions are given up or over on this side, the rest is bounded in time. */
void caiman_connection_arm_termination (CaimanConnection *connection);
/* Call when a link has started or stopped working, or has gone. */
void caiman_connection_check_links (CaimanConnection *connection);
void caiman_connection_drop_unsent (CaimanConnection *connection);
/* The smallest SRTT of the working links; CAIMAN_TIME_NEVER: none is known. */
gint64 caiman_connection_get_best_rtt (const CaimanConnection *connection);

/* --- link.c --- */

CaimanLink *caiman_link_new (const CaimanLinkInfo *info, guint32 id, const CaimanConfig *config,
                             gint64 now_ns);
/* The one transition function; does nothing when the link is in that state already. */
void caiman_link_set_state (CaimanLink *link, CaimanLinkState state, CaimanReason reason);
/* Closes now: the transport is told to close or abort. */
void caiman_link_close (CaimanLink *link, CaimanReason reason, gboolean graceful);
/* Sends what is in the outbox, then closes gracefully. */
void caiman_link_close_when_flushed (CaimanLink *link, CaimanReason reason);
/* Accepted: the link is part of the connection, and must be tested if so configured. */
void caiman_link_set_established (CaimanLink *link);
void caiman_link_start_test (CaimanLink *link);
void caiman_link_pass_test (CaimanLink *link);
/* Its messages no longer count on it: those on no other link are sent again, because of @cause
 * (GONE or NOT_WORKING). */
void caiman_link_write_off (CaimanLink *link, CaimanResendCause cause);
void caiman_link_suspect (CaimanLink *link, gint64 silence_ns);
void caiman_link_clear_suspicion (CaimanLink *link);
void caiman_link_set_window (CaimanLink *link, gint64 window_bytes);
void caiman_link_queue_ack (CaimanLink *link, guint32 seq);
guint caiman_link_get_n_acks (const CaimanLink *link);
void caiman_link_add_quota_use (CaimanLink *link, gsize bytes);
gint64 caiman_link_get_ack_timeout (const CaimanLink *link, const CaimanTransmission *head);

/* Established, that is beyond the handshake, and not closing. */
static inline gboolean
caiman_link_is_up (const CaimanLink *link)
{
  return link->state == CAIMAN_LINK_NEW || link->state == CAIMAN_LINK_WORKING ||
         link->state == CAIMAN_LINK_NOT_WORKING;
}

static inline gboolean
caiman_link_is_blocked (const CaimanLink *link)
{
  return link->blocked_local || link->blocked_remote || link->blocked_quota;
}

/* --- handshake.c --- */

void caiman_handshake_start_server (CaimanLink *link, const CaimanRandom *random);
void caiman_handshake_start_client (CaimanLink *link, const CaimanRandom *random);
/* The packet for the handshake bit @item of the outbox. */
void caiman_handshake_write (CaimanLink *link, CaimanOutbox item, CaimanPacket *packet_out,
                             gint64 now_ns);
/* Client: a message while CONNECTING. */
void caiman_handshake_receive_client (CaimanLink *link, const CaimanMessage *message);
/* Server: parses Connect and reveals the id. FALSE: the link fails. */
gboolean caiman_handshake_reveal_id (CaimanLink *link, const CaimanMessage *connect,
                                     CaimanId *id_out);

/* --- server.c --- */

void caiman_server_receive (CaimanServer *server, CaimanLink *link, const CaimanMessage *message,
                            gint64 now_ns);
/* Every entry sets the time once, also those that come through a link. */
void caiman_server_enter (CaimanServer *server, gint64 now_ns);
void caiman_server_link_failed (CaimanServer *server, CaimanLink *link, CaimanReason reason);
/* A link of the server may have something to send, or to be closed. */
void caiman_server_link_ready (CaimanServer *server, CaimanLink *link);
/* A pending connection has an event. */
void caiman_server_notice_event (CaimanServer *server, CaimanConnection *connection);
/* @connection has ended or is freed: its id is unknown from now on. */
void caiman_server_forget (CaimanServer *server, CaimanConnection *connection);
const CaimanConfig *caiman_server_get_config (const CaimanServer *server);
void caiman_server_trace (CaimanServer *server, CaimanTraceType type, const CaimanLink *link,
                          guint64 a, guint64 b, CaimanReason reason);

/* --- send.c --- */

/* Makes @message the one of @packet, inline where it fits. */
void caiman_packet_set_message (CaimanPacket *packet, const CaimanMessage *message);

/* Fills @packet_out with the next thing of the link's outbox. FALSE: it is empty. */
gboolean caiman_link_next_control (CaimanLink *link, CaimanPacket *packet_out, gint64 now_ns);
/* When the acknowledgements that wait on it go out at the latest (ack-flush-delay);
 * CAIMAN_TIME_NEVER: none wait. */
gint64 caiman_link_get_ack_time (const CaimanLink *link);
/* What keeps all links of an open connection from new data; NONE: it is up to the links. */
CaimanHold caiman_connection_get_hold (const CaimanConnection *connection);
/* How much the stream view would put into one message on this link. */
gsize caiman_link_get_chunk_bytes (const CaimanLink *link);

/* --- receive.c --- */

void caiman_connection_receive_packet (CaimanConnection *connection, CaimanLink *link,
                                       const guint8 *data, gsize size, GBytes *bytes);
/* The application took @bytes out of the receive buffer. */
void caiman_connection_consumed (CaimanConnection *connection, gsize bytes);

G_END_DECLS
