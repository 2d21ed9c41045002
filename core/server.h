/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the side that takes links: handshakes, and the queue of new connections.
 *
 * Works like a connection (connection.h): feed the links, pull packets and events, advance by the
 * deadline. No call takes longer because of handshakes or connections that are quiet. A link
 * belongs to the server until its Connect message has named a connection; from then on its packets
 * come out of that connection's next_packet(), which has none while the connection is pending. What
 * happens to the links of a pending connection is told by the server's events; once accepted, pull
 * packets and events from the connection, too. */
#pragma once

#include "connection.h"

G_BEGIN_DECLS

typedef struct _CaimanServer CaimanServer;

typedef enum {
  CAIMAN_SERVER_EVENT_INCOMING,     /* @connection is new and pending: accept or refuse it */
  CAIMAN_SERVER_EVENT_LINK_JOINED,  /* @link has joined @connection (pending or accepted) */
  CAIMAN_SERVER_EVENT_LINK_REFUSED, /* @link was kept out of @connection, by the filter or
                                       links-max: pull packets from it, whose other links are pinged
                                       to see whether one is dead that the new one could replace */
  CAIMAN_SERVER_EVENT_GONE, /* the pending @connection has lost its last link: it is freed with the
                               next call on the server */
  CAIMAN_SERVER_EVENT_LINK_CLOSE, /* close the transport of @link, as CAIMAN_EVENT_LINK_CLOSE */
} CaimanServerEventType;

typedef struct {
  CaimanServerEventType type;
  CaimanConnection *connection; /* borrowed; NULL in LINK_CLOSE when it was refused before */
  CaimanLink *link;             /* borrowed; valid until the next call unless referenced */
  CaimanReason reason;
  gboolean graceful;
} CaimanServerEvent;

/* @config holds for all connections; its own copy is taken. The server id is drawn from @random. */
CaimanServer *caiman_server_new (const CaimanConfig *config, const CaimanRandom *random,
                                 gint64 now_ns);

/* Ends its handshakes and refuses nothing any more; pending connections are freed. Accepted ones
 * live on but get no further links. Accepts NULL. */
void caiman_server_free (CaimanServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanServer, caiman_server_free)

/* FALSE: new connections get Refused 2 (not listening). Initially TRUE. */
void caiman_server_set_listening (CaimanServer *server, gboolean listening, gint64 now_ns);
void caiman_server_set_tracer (CaimanServer *server, const CaimanTracer *tracer);
/* Also set on every connection of this server. */
void caiman_server_set_link_filter (CaimanServer *server, CaimanLinkFilter filter,
                                    gpointer user_data);

/* A transport has come in; Welcome goes out at once. The caller gets a reference of its own.
 *
 * NULL: abort the transport. As many handshakes as handshakes-max are in progress, and the oldest
 * of them is either young or waits for room; else that one has to go. Or as many as
 * handshakes-per-address-max come from the same info->remote_network, by default info->remote
 * (without either, only the first limit counts). A handshake is in progress until its Connect has
 * named a connection that has room for it among those pending (pending-connections); what does not
 * get so far ends by handshake-timeout. Links of a pending connection are none any more. */
CaimanLink *caiman_server_add_link (CaimanServer *server, const CaimanLinkInfo *info,
                                    gint64 now_ns);

gboolean caiman_server_next_packet (CaimanServer *server, CaimanPacket *packet_out, gint64 now_ns);
gboolean caiman_server_next_event (CaimanServer *server, CaimanServerEvent *event_out);
gint64 caiman_server_get_deadline (const CaimanServer *server);
void caiman_server_advance (CaimanServer *server, gint64 now_ns);

/* Pending connections, oldest first: inspect with caiman_connection_get_id(),
 * caiman_connection_get_remote_server_id() and the links' name and user data. (transfer none) */
gsize caiman_server_get_n_pending (const CaimanServer *server);
CaimanConnection *caiman_server_get_pending (CaimanServer *server, gsize index);

/* Accepts: Accepted goes out on each of its links. (transfer full): it is the caller's now, and
 * may outlive the server. */
CaimanConnection *caiman_server_accept (CaimanServer *server, CaimanConnection *pending,
                                        gint64 now_ns);

/* Refused 3 on each of its links that is writable, which are then closed; @pending is freed. */
void caiman_server_refuse (CaimanServer *server, CaimanConnection *pending, gint64 now_ns);

const CaimanId *caiman_server_get_id (const CaimanServer *server);
gsize caiman_server_get_n_handshakes (const CaimanServer *server);
/* Transports that caiman_server_add_link() has turned away. */
guint64 caiman_server_get_n_turned_away (const CaimanServer *server);

G_END_DECLS
