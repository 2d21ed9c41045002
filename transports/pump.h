/* SPDX-License-Identifier: Apache-2.0 */
/* pump.h - drives an endpoint: carries packets between a connection (or a server with all its
 * connections) and transports, and hands events to the application.
 *
 * One pump, any event loop: the loop gives the time (CaimanPumpLoop.now) and one timer
 * (CaimanPumpLoop.arm). All work is done inside caiman_pump_run(), which the loop calls when
 * CaimanPumpLoop.wake asked for it or the timer has fired, so that no call-back of the
 * application is ever made from inside one of its own calls. */
#pragma once

#include "../core/connection.h"
#include "../core/connector.h"
#include "../core/server.h"
#include "transport.h"

G_BEGIN_DECLS

typedef struct _CaimanPump CaimanPump;

/* What the event loop offers. */
typedef struct {
  gint64 (*now) (gpointer user_data);                   /* the clock, ns, never goes back */
  void (*arm) (gpointer user_data, gint64 deadline_ns); /* (re)arm the one timer; NEVER: disarm */
  void (*wake) (gpointer user_data); /* have caiman_pump_run() called soon, outside of this call */
  gpointer user_data;
} CaimanPumpLoop;

/* What the application wants to hear; each may be NULL. They may call anything but free. */
typedef struct {
  /* Every event of a connection; LINK_CLOSE is already acted upon when it is told. */
  void (*event) (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event);
  /* A new connection waits in the server (which the application accepts or refuses). */
  void (*incoming) (gpointer user_data, CaimanConnection *pending);
  /* @pending has lost all its links before it was accepted, and is freed after this call. */
  void (*gone) (gpointer user_data, CaimanConnection *pending);
  /* Client: open a transport over @path_id; return it (transfer full), or NULL when that failed
   * at once (*@reason_out then tells why). */
  CaimanTransport *(*open) (gpointer user_data, guint32 path_id, CaimanReason *reason_out);
} CaimanPumpHandler;

/* A client's pump; makes connection and connector. */
CaimanPump *caiman_pump_new_client (const CaimanConfig *config, const CaimanRandom *random,
                                    const CaimanPumpLoop *loop, const CaimanPumpHandler *handler,
                                    gpointer user_data);

/* A server's pump; makes the server. */
CaimanPump *caiman_pump_new_server (const CaimanConfig *config, const CaimanRandom *random,
                                    const CaimanPumpLoop *loop, const CaimanPumpHandler *handler,
                                    gpointer user_data);

/* Aborts all transports and frees what it made. Not from inside a handler. Accepts NULL. */
void caiman_pump_free (CaimanPump *pump);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CaimanPump, caiman_pump_free)

/* Client only: its connection and connector (transfer none). After calling anything on them (send,
 * receive, terminate, add_path, ...) from outside a handler, call caiman_pump_touch(). */
CaimanConnection *caiman_pump_get_connection (CaimanPump *pump);
CaimanConnector *caiman_pump_get_connector (CaimanPump *pump);

/* Server only. */
CaimanServer *caiman_pump_get_server (CaimanPump *pump);
/* Accepts @pending; the pump owns the connection from then on. (transfer none) */
CaimanConnection *caiman_pump_accept (CaimanPump *pump, CaimanConnection *pending);
void caiman_pump_refuse (CaimanPump *pump, CaimanConnection *pending);
/* Frees an accepted connection, aborting its links. Not from inside a handler. */
void caiman_pump_drop (CaimanPump *pump, CaimanConnection *connection);

/* A transport that has come in (transfer full); @info describes the link (copied). Returns the link
 * (borrowed), or NULL when it was refused; then @transport is gone already. */
CaimanLink *caiman_pump_add_transport (CaimanPump *pump, CaimanTransport *transport,
                                       const CaimanLinkInfo *info);

/* Aborts every transport whose link @matches, connecting ones not included, and has their links
 * fail with @reason, e.g. LINK_DOWN when their interface has gone. Returns their number. */
guint caiman_pump_fail_links (CaimanPump *pump,
                              gboolean (*matches) (const CaimanLink *link, gpointer user_data),
                              CaimanReason reason, gpointer user_data);

/* Something was called on connections, connector or server: have a look at all of them soon. */
void caiman_pump_touch (CaimanPump *pump);
/* The same for @connection alone, the client's or an accepted one; cheaper in a large server. */
void caiman_pump_touch_connection (CaimanPump *pump, CaimanConnection *connection);

/* CaimanPumpLoop.user_data. */
gpointer caiman_pump_get_loop_data (CaimanPump *pump);

/* Does all work that is due. For the event loop; see above. */
void caiman_pump_run (CaimanPump *pump);

G_END_DECLS
