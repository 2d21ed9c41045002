/* SPDX-License-Identifier: Apache-2.0 */
/* live-snapshot.h - what an endpoint of a long-running verb is doing now, as plain data.
 *
 * live.h makes it by sampling; live-json.h carries it over the status socket and back; the monitor
 * and the tables only read it. Ages are relative to the moment of the snapshot, so that it means
 * the same in another process. Strings are never NULL and are valid UTF-8. */
#pragma once

#include "core/connection.h"

G_BEGIN_DECLS

/* Means over the last full seconds, oldest first: what a bar graph shows. */
#define LIVE_HISTORY_MAX 60

typedef struct {
  guint n; /* filled */
  gint64 sent_bps[LIVE_HISTORY_MAX];
  gint64 received_bps[LIVE_HISTORY_MAX];
} LiveHistory;

typedef struct {
  guint32 id; /* caiman_link_get_id(): unique within its connection */
  char *name;
  char *local, *remote; /* "" where the link does not say */
  char *peer;           /* what the peer calls its end (its interface), "" if it does not say */
  CaimanLinkState state;
  CaimanReason reason; /* of the state */
  gboolean is_blocked_local, is_blocked_remote, is_suspected;
  gint64 age_ns;          /* since its transport was established; stops when it closes */
  gint64 closed_ago_ns;   /* -1: it is there */
  gint64 srtt_ns;         /* 0: not known */
  gint64 min_rtt_ns;      /* 0: not known */
  gint64 delivery_bps;    /* estimated, 0: not known */
  gint64 in_flight_bytes; /* against window_bytes */
  gint64 window_bytes;
  guint64 sent_bytes; /* Data payload: first transmissions and copies */
  guint64 received_bytes;
  guint64 resent_bytes; /* of sent_bytes: copies, because another link failed or was late */
  guint64 n_suspected;
  guint64 n_hangs; /* times it turned from working to not working */
  CaimanRates rates;
  LiveHistory history;
} LiveLink;

typedef struct {
  guint64 number; /* from 1, unique within the process */
  char *label;
  CaimanConnectionState state;
  CaimanReason reason; /* why it ended */
  gint64 age_ns;       /* stops when it ends */
  gint64 ended_ago_ns; /* -1: it lives */
  CaimanConnectionStats stats;
  CaimanRates rates;
  LiveHistory history;
  GPtrArray *links; /* of LiveLink, oldest first */
} LiveConnection;

typedef struct {
  char *title; /* "tunnel client" */
  gint64 pid;
  gint64 uptime_ns;
  guint64 n_opened;         /* connections since the start */
  guint64 n_live;           /* of them, those that have not ended */
  guint64 n_omitted;        /* connections that are left out of @connections */
  guint64 total_sent_bytes; /* payload of all connections since the start */
  guint64 total_received_bytes;
  CaimanRates rates;      /* sum of the live ones */
  GPtrArray *connections; /* of LiveConnection, oldest first */
  GPtrArray *paths;       /* of char *: client's paths, names without an address */
} LiveSnapshot;

/* (transfer full) All empty. */
LiveSnapshot *live_snapshot_new (const char *title);
void live_snapshot_free (LiveSnapshot *snapshot); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LiveSnapshot, live_snapshot_free)

/* (transfer full) For their place in a snapshot. */
LiveConnection *live_connection_new (guint64 number, const char *label);
void live_connection_free (LiveConnection *connection); /* accepts NULL */
LiveLink *live_link_new (guint32 id, const char *name, const char *local, const char *remote);
void live_link_free (LiveLink *link); /* accepts NULL */

/* (transfer none, nullable) */
LiveConnection *live_snapshot_find (const LiveSnapshot *snapshot, guint64 number);
LiveLink *live_connection_find_link (const LiveConnection *connection, guint32 id);

/* @user_data: what the peer has sent in the handshake (nullable). Taken if it is a short printable
 * name, as the peers' tools send that of their interface (PROTOCOL.md, section 8). (transfer full,
 * nullable) */
char *live_peer_name (GBytes *user_data);

void live_history_add (LiveHistory *history, gint64 sent_bps, gint64 received_bps);

/* One word for what a person wants to know of a link first, static: "working", "suspected",
 * "blocked", or the reason why it does not work, e.g. "ping-timeout", "reset". */
const char *live_link_describe (const LiveLink *link);

G_END_DECLS
