/* SPDX-License-Identifier: Apache-2.0 */
/* connector.h - the client's logic that keeps one link open per path.
 *
 * It says when a transport should be opened over a path, and learns how that went. A link that has
 * gone is reopened at once when it lived longer than the reconnect delay, else when that delay has
 * passed since it connected; a failed attempt is repeated after the delay (PROTOCOL.md, 6). A link
 * that has been silent for race-after is raced by fresh attempts every race-interval; the first
 * fresh link that is accepted replaces it, and its return calls the race off (docs/policy.md). */
#pragma once

#include "connection.h"

G_BEGIN_DECLS

typedef struct _CaimanConnector CaimanConnector;

typedef enum {
  CAIMAN_CONNECTOR_OPEN,   /* open a transport over @path_id; report with @attempt_id */
  CAIMAN_CONNECTOR_CANCEL, /* give up the attempt @attempt_id; no report is wanted any more */
} CaimanConnectorActionType;

typedef struct {
  CaimanConnectorActionType type;
  guint32 path_id;
  guint32 attempt_id;
} CaimanConnectorAction;

/* @connection is borrowed and must outlive the connector. Delays come from its configuration. */
CaimanConnector *caiman_connector_new (CaimanConnection *connection, gint64 now_ns);
void caiman_connector_free (CaimanConnector *connector); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanConnector, caiman_connector_free)

/* A path over which a link is wanted from @start_ns on; @info (copied) describes its links.
 * Returns its id, from 1. */
guint32 caiman_connector_add_path (CaimanConnector *connector, const CaimanLinkInfo *info,
                                   gint64 start_ns, gint64 now_ns);

/* Another reconnect delay for this path than the configuration's; CAIMAN_TIME_NEVER: its link is
 * opened once. For what goes or fails from now on. */
void caiman_connector_set_reconnect_delay (CaimanConnector *connector, guint32 path_id,
                                           gint64 delay_ns);

/* The path is not wanted any more: its links are disconnected, its attempts cancelled. */
void caiman_connector_remove_path (CaimanConnector *connector, guint32 path_id, gint64 now_ns);

/* The next thing to do; FALSE: nothing now. */
gboolean caiman_connector_next_action (CaimanConnector *connector,
                                       CaimanConnectorAction *action_out);

/* The transport of an attempt is established: makes the link (a reference is the caller's). NULL
 * when it is not wanted any more: close the transport. */
CaimanLink *caiman_connector_attempt_connected (CaimanConnector *connector, guint32 attempt_id,
                                                gint64 now_ns);
void caiman_connector_attempt_failed (CaimanConnector *connector, guint32 attempt_id,
                                      CaimanReason reason, gint64 now_ns);

/* Call with every CAIMAN_EVENT_LINK_STATE and CAIMAN_EVENT_LINK_CLOSE of the connection. */
void caiman_connector_link_event (CaimanConnector *connector, const CaimanEvent *event,
                                  gint64 now_ns);

/* Path number @index, from 0, in the order in which they were added: what describes it (borrowed),
 * and how the last attempt to open a link over it has failed; NONE: it has a link, or none has
 * failed yet. FALSE: there are no more. */
gboolean caiman_connector_get_path (const CaimanConnector *connector, guint index,
                                    const CaimanLinkInfo **info_out, CaimanReason *failure_out);

gint64 caiman_connector_get_deadline (const CaimanConnector *connector);
void caiman_connector_advance (CaimanConnector *connector, gint64 now_ns);

G_END_DECLS
