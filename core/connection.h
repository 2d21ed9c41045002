/* SPDX-License-Identifier: Apache-2.0 */
/* connection.h - an aggregated connection as a state machine without I/O.
 *
 * The caller owns clock, sockets and threads: it adds links, feeds what their transports report
 * (link.h), sends and receives data, and after every such call
 *   1. pulls packets with caiman_connection_next_packet() until FALSE and gives each to the
 *      transport of its link;
 *   2. pulls events with caiman_connection_next_event() until FALSE;
 *   3. calls caiman_connection_advance() no later than caiman_connection_get_deadline().
 * @now_ns must never go back (asserted). One thread at a time per connection.
 *
 * Data goes as messages (send, receive: boundaries kept) or as a byte stream (write, read); both
 * ends should use the same view. */
#pragma once

#include "config.h"
#include "link.h"
#include "random.h"
#include "trace.h"

G_BEGIN_DECLS

typedef struct _CaimanConnection CaimanConnection;

typedef enum {
  CAIMAN_CONNECTION_CONNECTING, /* client: no link is accepted yet; server: not accepted yet */
  CAIMAN_CONNECTION_OPEN,
  CAIMAN_CONNECTION_TERMINATING, /* Terminate sent, its answer awaited */
  CAIMAN_CONNECTION_ENDED,       /* see caiman_connection_get_end_reason() */
  CAIMAN_N_CONNECTION_STATES
} CaimanConnectionState;

typedef enum {
  CAIMAN_EVENT_CONNECTED,  /* the connection is open */
  CAIMAN_EVENT_READABLE,   /* receive() or read() has something (data or the end) again */
  CAIMAN_EVENT_WRITABLE,   /* there is room again after WOULD_BLOCK */
  CAIMAN_EVENT_FLUSHED,    /* everything sent so far is acknowledged (asked by flush()) */
  CAIMAN_EVENT_LINK_STATE, /* @link is in @link_state now, because of @reason */
  CAIMAN_EVENT_LINK_CLOSE, /* the transport of @link must be closed now (@graceful: after what was
                              sent; else aborted) and its reference dropped */
  CAIMAN_EVENT_PEER_STOPPED_READING,  /* ReceiveClose came: the peer asks to stop sending */
  CAIMAN_EVENT_PEER_DROPPED_RECEIVER, /* ReceiveFinish came: sending fails from now on */
  CAIMAN_EVENT_ENDED,                 /* @reason; links may still be closing, see is_finished() */
} CaimanEventType;

typedef struct {
  CaimanEventType type;
  CaimanLink *link; /* borrowed; valid until the next call on the connection unless referenced */
  CaimanLinkState link_state;
  CaimanReason reason;
  gboolean graceful;
} CaimanEvent;

typedef struct {
  guint64 sent_bytes, received_bytes; /* payload: first transmissions; delivered in order */
  guint64 sent_messages, received_messages;
  guint64 resent_bytes, duplicated_bytes, duplicate_received_bytes;
  guint64 unsent_bytes;                      /* accepted, not yet on any link */
  guint64 unacked_bytes;                     /* sent, not acknowledged */
  guint64 unconsumed_bytes;                  /* sent, not consumed by the peer's application */
  guint64 reorder_bytes, reorder_peak_bytes; /* received behind a gap */
  guint64 readable_bytes;                    /* in order, not read by the application */
  guint64 buffered_peak_bytes;               /* most of reorder + readable */
} CaimanConnectionStats;

/* Mean rates over the last complete interval of each length in caiman_stats_intervals_ns, which are
 * the peers' intervals. */
#define CAIMAN_N_STATS_INTERVALS 3
extern const gint64 caiman_stats_intervals_ns[CAIMAN_N_STATS_INTERVALS]; /* 100 ms, 1 s, 5 s */

typedef struct {
  gint64 sent_bps[CAIMAN_N_STATS_INTERVALS];     /* payload, first transmissions and resends */
  gint64 received_bps[CAIMAN_N_STATS_INTERVALS]; /* payload, new data */
} CaimanRates;

/* A link filter: TRUE lets @candidate into the connection that has @n_links other @links
 * (PROTOCOL.md, 4). It must not call back into the connection. */
typedef gboolean (*CaimanLinkFilter) (const CaimanLink *candidate, CaimanLink *const *links,
                                      gsize n_links, gpointer user_data);

/* --- Life --- */

/* A client's end. @config is copied and must be valid (caiman_config_validate()); @random is used
 * for the connection id and the links' keys and its user data must outlive the connection. */
CaimanConnection *caiman_connection_new (const CaimanConfig *config, const CaimanRandom *random,
                                         gint64 now_ns);

/* Ends everything at once, without a word to the peer. Accepts NULL. */
void caiman_connection_free (CaimanConnection *connection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanConnection, caiman_connection_free)

void caiman_connection_set_tracer (CaimanConnection *connection, const CaimanTracer *tracer);
void caiman_connection_set_link_filter (CaimanConnection *connection, CaimanLinkFilter filter,
                                        gpointer user_data);

/* --- Links --- */

/* Client: a transport is established; the handshake begins (the server speaks first). The caller
 * gets a reference of its own. NULL once the connection has ended. */
CaimanLink *caiman_connection_add_link (CaimanConnection *connection, const CaimanLinkInfo *info,
                                        gint64 now_ns);

/* The links that have not closed: (transfer none) array of @*n_out pointers, valid until the next
 * call. */
CaimanLink *const *caiman_connection_get_links (const CaimanConnection *connection, gsize *n_out);

/* --- Pull --- */

/* The next packet to put on the transport of packet->link (which is writable). FALSE: none now.
 * The contents of *@packet_out are the caller's (caiman_packet_clear()). */
gboolean caiman_connection_next_packet (CaimanConnection *connection, CaimanPacket *packet_out,
                                        gint64 now_ns);

gboolean caiman_connection_next_event (CaimanConnection *connection, CaimanEvent *event_out);

/* When caiman_connection_advance() must be called at the latest; CAIMAN_TIME_NEVER: not needed. */
gint64 caiman_connection_get_deadline (const CaimanConnection *connection);

/* Lets timers fire that are due at @now_ns. */
void caiman_connection_advance (CaimanConnection *connection, gint64 now_ns);

/* --- Sending --- */

/* Sends one message. Errors: WOULD_BLOCK (the send buffer is full, or the peer's limits are not
 * known yet; CAIMAN_EVENT_WRITABLE tells when there is room), MESSAGE_TOO_LARGE, SEND_FINISHED,
 * RECEIVER_DROPPED, or the reason why the connection ended. A message is taken as a whole or not at
 * all; one may go over the limit of the send buffer. @message is referenced. */
gboolean caiman_connection_send (CaimanConnection *connection, GBytes *message, gint64 now_ns,
                                 GError **error);

/* Writes to the byte stream: as many of the bytes of @bytes, from @offset on, as there is room for.
 * Returns their number (0 is never returned for a non-empty write: then it is -1 with
 * WOULD_BLOCK), or -1 with an error as for send(). No empty message is ever put on the wire. */
gssize caiman_connection_write (CaimanConnection *connection, GBytes *bytes, gsize offset,
                                gint64 now_ns, GError **error);

/* Asks for CAIMAN_EVENT_FLUSHED once everything accepted so far is acknowledged. */
void caiman_connection_flush (CaimanConnection *connection, gint64 now_ns);

/* Closes the sender: what was accepted is still delivered, then the peer sees the end. */
void caiman_connection_finish (CaimanConnection *connection, gint64 now_ns);

/* Bytes that send() or write() would take now; 0 while not writable. */
gsize caiman_connection_get_send_room (const CaimanConnection *connection);

/* Keeps what was accepted and has not gone out over any link below @limit_bytes (0: no such limit,
 * the default), however large the send buffer is: for those who have more data at hand anyway and
 * want neither memory nor delay spent on it. CAIMAN_EVENT_WRITABLE comes when half of it is free.
 */
void caiman_connection_set_unsent_limit (CaimanConnection *connection, gsize limit_bytes);

/* Largest message that send() takes: (peer's receive buffer / 2) - 1, and no more than a frame. */
gsize caiman_connection_get_message_max (const CaimanConnection *connection);

/* --- Receiving --- */

/* The next message (transfer full), or NULL with WOULD_BLOCK, with FINISHED at the end of what the
 * peer sent, or with the reason why the connection ended. What was received in order before the
 * connection ended can still be read. */
GBytes *caiman_connection_receive (CaimanConnection *connection, gint64 now_ns, GError **error);

/* Reads up to @size bytes of the byte stream into @buffer_out: their number, 0 at the end, -1 with
 * an error as for receive(). */
gssize caiman_connection_read (CaimanConnection *connection, void *buffer_out, gsize size,
                               gint64 now_ns, GError **error);

/* Asks the peer to stop sending (ReceiveClose); what it sends can still be read. */
void caiman_connection_close_receiver (CaimanConnection *connection, gint64 now_ns);

/* Drops the receiver (ReceiveFinish): what still comes is acknowledged and thrown away. */
void caiman_connection_drop_receiver (CaimanConnection *connection, gint64 now_ns);

/* --- Ending --- */

/* finish() and drop_receiver() in one. */
void caiman_connection_close (CaimanConnection *connection, gint64 now_ns);

/* Forceful: Terminate over every link, no data is delivered any more, either way. */
void caiman_connection_terminate (CaimanConnection *connection, gint64 now_ns);

/* Ends a client's connection that no link has opened yet, as when its no-link-timeout has passed:
 * with ALL_LINKS_FAILED. Does nothing to one in any other state. */
void caiman_connection_give_up (CaimanConnection *connection, gint64 now_ns);

/* --- Questions --- */

CaimanConnectionState caiman_connection_get_state (const CaimanConnection *connection);
CaimanReason caiman_connection_get_end_reason (const CaimanConnection *connection);
/* TRUE when it has ended and all its links are closed: it can be freed without loss. */
gboolean caiman_connection_is_finished (const CaimanConnection *connection);
const CaimanId *caiman_connection_get_id (const CaimanConnection *connection);
/* All zero while not known. */
const CaimanId *caiman_connection_get_remote_server_id (const CaimanConnection *connection);
const CaimanConfig *caiman_connection_get_config (const CaimanConnection *connection);
void caiman_connection_get_stats (const CaimanConnection *connection,
                                  CaimanConnectionStats *stats_out);
/* @link NULL: of the whole connection. */
void caiman_connection_get_rates (const CaimanConnection *connection, const CaimanLink *link,
                                  CaimanRates *rates_out, gint64 now_ns);

G_END_DECLS
