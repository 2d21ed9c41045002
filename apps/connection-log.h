/* SPDX-License-Identifier: Apache-2.0 */
/* connection-log.h - log lines about the connections of an endpoint: opened, links that come and
 * go, closed with totals and reason. */
#pragma once

#include "apps/endpoint.h"

G_BEGIN_DECLS

typedef struct _ConnectionLog ConnectionLog;

/* Observes @endpoint from now on. */
ConnectionLog *connection_log_new (AppEndpoint *endpoint);
/* After the endpoint. Accepts NULL. */
void connection_log_free (ConnectionLog *log);

G_END_DECLS
