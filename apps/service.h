/* SPDX-License-Identifier: Apache-2.0 */
/* service.h - runs an endpoint until it is told to end: signals, graceful end, and what systemd
 * wants to hear (sd_notify(3): READY, RELOADING, STOPPING, STATUS).
 *
 * SIGTERM or SIGINT: the application takes nothing new; running connections get a grace time, are
 * then terminated, and what is still to be sent out gets a moment more. A second signal ends the
 * grace time, a third one everything. SIGHUP reloads, if the application can. */
#pragma once

#include "apps/endpoint.h"

G_BEGIN_DECLS

typedef struct _AppService AppService;

typedef struct {
  void (*stop) (gpointer user_data);   /* (nullable) take nothing new; called once */
  void (*reload) (gpointer user_data); /* (nullable) SIGHUP; without it, SIGHUP ends */
} AppServiceHandler;

/* The signals that a service takes wait from now on until there is one; before, they would end the
 * process. For the start of a program, before it tells anybody that it is there. */
void app_service_hold_signals (void);

/* @grace_ns: how long connections may go on after the first signal. @endpoint is borrowed. The
 * process may have as many descriptors as the system allows it from then on. */
AppService *app_service_new (AppEndpoint *endpoint, gint64 grace_ns,
                             const AppServiceHandler *handler, gpointer user_data);
void app_service_free (AppService *service); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppService, app_service_free)

void app_service_set_grace (AppService *service, gint64 grace_ns);

/* Runs the endpoint's main context until the end. */
void app_service_run (AppService *service);

/* As by a signal: ends once all connections have gone, or the grace time has passed. */
void app_service_stop (AppService *service);

/* The signal that asked for the end; 0: none did. */
int app_service_get_signal (const AppService *service);

/* Tells systemd, if it asked to be told (NOTIFY_SOCKET): "READY=1", "STATUS=...". */
void app_service_notify (const char *state);

G_END_DECLS
