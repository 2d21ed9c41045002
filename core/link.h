/* SPDX-License-Identifier: Apache-2.0 */
/* link.h - one link of a connection, as its transport and the application see it.
 *
 * A link is made by caiman_connection_add_link() (client) or caiman_server_add_link() (server) once
 * its transport is established, and belongs to that connection or server. The transport holds a
 * reference of its own, so that late calls are harmless: on a link that has ended every input
 * below does nothing.
 *
 * Inputs are facts from the transport. After any of them: pull packets and events, and read the
 * new deadline (connection.h, server.h). */
#pragma once

#include "packet.h"
#include "error.h"

G_BEGIN_DECLS

typedef enum {
  CAIMAN_LINK_CONNECTING,  /* handshake under way (PROTOCOL.md, 4) */
  CAIMAN_LINK_NEW,         /* Accepted; must pass a test before it carries reliable messages */
  CAIMAN_LINK_WORKING,     /* confirmed: carries reliable messages */
  CAIMAN_LINK_NOT_WORKING, /* unconfirmed: its unacknowledged messages go elsewhere */
  CAIMAN_LINK_CLOSING,     /* no reliable messages any more; sends what is queued */
  CAIMAN_LINK_CLOSED,      /* gone */
  CAIMAN_N_LINK_STATES
} CaimanLinkState;

/* Static kebab-case name, e.g. "not-working". */
const char *caiman_link_state_to_string (CaimanLinkState state);

/* What the application knows and wants of a link. */
typedef struct {
  const char *name;   /* for people and filters, e.g. the interface or path; copied */
  GBytes *user_data;  /* (nullable) sent in the handshake, at most 65 535 bytes; referenced */
  const char *local;  /* (nullable) local interface, for filters and people; copied */
  const char *remote; /* (nullable) remote address without port, e.g. "192.0.2.1"; copied */
  const char *remote_network; /* (nullable) where a server counts handshakes by, when that is not
                                 @remote: one who has an IPv6 address has 2^64 of them; copied */
  gint64 weight;          /* share of what is sent when several links could take it; 0 means 1 */
  gint64 cost;            /* links of higher cost are used only when cheaper ones fall short */
  gint64 quota_bytes;     /* payload bytes both ways per period, then blocked; 0: none */
  gint64 quota_period_ns; /* 0: once for the life of the link */
} CaimanLinkInfo;

/* What the transport knows about the link from below (TCP_INFO on a socket); -1: not known. */
typedef struct {
  gint64 rtt_ns;       /* smoothed RTT of the transport itself */
  gint64 unsent_bytes; /* accepted from us, not yet sent for the first time */
  gint64 retransmits;  /* segments sent again so far */
  gint64 backoff;      /* RTO doublings in progress; > 0 means silence */
  gint64 min_rtt_ns;   /* smallest RTT of the transport itself; 0: not known, either */
  gint64 delivered;    /* segments that the peer is known to have so far, also out of order: of a
                          transport with congestion control; 0: not known, either */
} CaimanLinkHint;

/* Totals since the link was made, and what is true now. Byte counts are Data payload only, save
 * for the wire counts (all messages, without framing). */
typedef struct {
  guint64 sent_bytes;       /* first transmissions */
  guint64 resent_bytes;     /* sent here again after another link failed */
  guint64 duplicated_bytes; /* sent here as well as on another link */
  guint64 acked_bytes;      /* acknowledged on this link, whatever the transmission was for */
  guint64 received_bytes;   /* new data */
  guint64 duplicate_received_bytes;
  guint64 wire_sent_bytes, wire_received_bytes;
  guint64 sent_packets, received_packets;
  guint64 n_suspected;                   /* times suspected; see CAIMAN_TRACE_LINK_SUSPECTED */
  guint64 n_not_working;                 /* times it turned from working to not working ("hangs") */
  gint64 in_flight_bytes;                /* sent here, not acknowledged here */
  gint64 window_bytes;                   /* limit of in_flight_bytes */
  gint64 srtt_ns, rttvar_ns, min_rtt_ns; /* 0 before the first sample */
  gint64 rate_bps;                       /* delivery rate, 0 when not known */
  gint64 connected_ns;                   /* when the transport was established */
  gint64 working_ns;                     /* time spent working so far */
  CaimanLinkHint hint; /* what the transport last told; -1 where it does not know */
} CaimanLinkStats;

CaimanLink *caiman_link_ref (CaimanLink *link);
void caiman_link_unref (CaimanLink *link); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanLink, caiman_link_unref)

/* --- Inputs of the transport --- */

/* One packet has come in: @size bytes at @data. @bytes (nullable, borrowed) holds exactly these
 * bytes when the transport has them as GBytes; a payload is then kept without a copy. */
void caiman_link_received (CaimanLink *link, const guint8 *data, gsize size, GBytes *bytes,
                           gint64 now_ns);

/* Whether the next packet will be taken for the payload of the Data message that came last. */
gboolean caiman_link_expects_payload (const CaimanLink *link);

/* Whether the transport takes another packet now. Initially FALSE. */
void caiman_link_set_writable (CaimanLink *link, gboolean writable, gint64 now_ns);

/* The transport is dead. */
void caiman_link_failed (CaimanLink *link, CaimanReason reason, gint64 now_ns);

void caiman_link_set_hint (CaimanLink *link, const CaimanLinkHint *hint, gint64 now_ns);

/* The most that the transport should hold unsent (transport.h, set_send_limit()): a few
 * milliseconds of the link, once its rate is known. */
gint64 caiman_link_get_send_limit (const CaimanLink *link);

/* Nothing larger comes from a peer that keeps to the rules (transport.h, set_packet_max()): in the
 * handshake, where anybody may be the peer, that is little. Ask after each input and each pull. */
gsize caiman_link_get_packet_max (const CaimanLink *link);

/* FALSE: feed no packets now, more acknowledgements wait here than a peer that reads them can have
 * asked for. An application that does not read is no reason: what it leaves is bounded otherwise
 * (readable.h). Ask after each input and each pull. */
gboolean caiman_link_wants_packets (const CaimanLink *link);

/* --- What the application does with one link --- */

/* Blocks (TRUE) or frees the link: it stays up but carries no data, either way (SetBlock). */
void caiman_link_set_blocked (CaimanLink *link, gboolean blocked, gint64 now_ns);

/* Ends the link gracefully (Goodbye); the connection goes on. */
void caiman_link_disconnect (CaimanLink *link, gint64 now_ns);

void caiman_link_set_weight (CaimanLink *link, gint64 weight);
void caiman_link_set_cost (CaimanLink *link, gint64 cost, gint64 now_ns);

/* --- Questions --- */

guint32 caiman_link_get_id (const CaimanLink *link); /* from 1, unique within its endpoint */
const char *caiman_link_get_name (const CaimanLink *link);
CaimanLinkState caiman_link_get_state (const CaimanLink *link);
CaimanReason caiman_link_get_reason (const CaimanLink *link); /* of its present state */
gboolean caiman_link_is_blocked_local (const CaimanLink *link);
gboolean caiman_link_is_blocked_remote (const CaimanLink *link);
gboolean caiman_link_is_suspected (const CaimanLink *link);
GBytes *caiman_link_get_remote_user_data (const CaimanLink *link); /* (transfer none, nullable) */
const char *caiman_link_get_local (const CaimanLink *link);        /* CaimanLinkInfo.local */
const char *caiman_link_get_remote (const CaimanLink *link);       /* CaimanLinkInfo.remote */
void caiman_link_get_stats (const CaimanLink *link, CaimanLinkStats *stats_out, gint64 now_ns);

/* Since when nothing was received although an answer is due; CAIMAN_TIME_NEVER: no silence. */
gint64 caiman_link_get_silent_since (const CaimanLink *link);

/* Whether that is longer ago than answers take: two round trips and their variation, and at least
 * half a second. For link filters: what is silent need not keep another link out. */
gboolean caiman_link_is_silent (const CaimanLink *link);

/* A pointer for the transport's own use; the link does nothing with it. */
void caiman_link_set_transport_data (CaimanLink *link, gpointer transport_data);
gpointer caiman_link_get_transport_data (const CaimanLink *link);

G_END_DECLS
