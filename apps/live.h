/* SPDX-License-Identifier: Apache-2.0 */
/* live.h - watches connections by sampling their statistics, and does what a person at a monitor
 * asks for.
 *
 * A connection that has ended, and a link that has closed, stay in the snapshot for some seconds,
 * so that the eye can follow; their number is bounded. Time is an argument. Between live_add() and
 * live_remove() a connection must stay valid. */
#pragma once

#include "apps/live-snapshot.h"

G_BEGIN_DECLS

typedef struct _Live Live;

/* How long what has ended stays, and how many such connections (per endpoint) and links (per
 * connection) at most. */
#define LIVE_LINGER_NS             (10 * CAIMAN_NS_PER_S)
#define LIVE_ENDED_CONNECTIONS_MAX 20
#define LIVE_CLOSED_LINKS_MAX      8

typedef enum {
  LIVE_BLOCK,
  LIVE_UNBLOCK,
  LIVE_DISCONNECT,
} LiveAction;

typedef struct {
  LiveAction action;
  guint64 connection; /* number; 0: each connection that has such a link */
  guint32 link_id;    /* 0: by @link_name */
  const char *link_name;
} LiveCommand;

/* @title as in LiveSnapshot. */
Live *live_new (const char *title, gint64 now_ns);
void live_free (Live *live); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Live, live_free)

/* @connection is borrowed; @number is not 0 and not in use. */
void live_add (Live *live, guint64 number, CaimanConnection *connection, const char *label,
               gint64 now_ns);
void live_set_label (Live *live, guint64 number, const char *label);
/* To be told about each event, so that what comes and goes between two samples is seen, too. */
void live_event (Live *live, guint64 number, const CaimanEvent *event, gint64 now_ns);
/* The connection is about to be freed. */
void live_remove (Live *live, guint64 number, gint64 now_ns);

/* Takes a sample. For the history to be right, at least once a second. The snapshot belongs to
 * @live and is valid until the next call of any function on it. (transfer none) */
LiveSnapshot *live_sample (Live *live, gint64 now_ns);

/* Does @command to all links that are meant, and returns their number. @touch (nullable) is called
 * once for each connection concerned, whose owner then has it looked at. 0 with an error
 * (CAIMAN_REASON_INVALID_ARGUMENT) when there is no such connection or link. */
guint live_command (Live *live, const LiveCommand *command,
                    void (*touch) (gpointer user_data, guint64 number), gpointer user_data,
                    gint64 now_ns, GError **error);

G_END_DECLS
