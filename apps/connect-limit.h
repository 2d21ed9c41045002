/* SPDX-License-Identifier: Apache-2.0 */
/* connect-limit.h - gives connections of a client up that no link opens in time, and tells what was
 * tried for them. The protocol itself is patient (no-link-timeout); a person, or a program that
 * waits for an answer, is not. */
#pragma once

#include "apps/endpoint.h"

G_BEGIN_DECLS

typedef struct _ConnectLimit ConnectLimit;

/* Watches @endpoint (borrowed), a client, from now on. A connection that is not open @timeout_ns
 * after it was made ends with ALL_LINKS_FAILED; already after @refused_ns when on all of its paths
 * somebody has said no (CONNECT_REFUSED). Either may be CAIMAN_TIME_NEVER. */
ConnectLimit *connect_limit_new (AppEndpoint *endpoint, gint64 timeout_ns, gint64 refused_ns);
void connect_limit_free (ConnectLimit *limit); /* before the endpoint; accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ConnectLimit, connect_limit_free)

/* For those that wait already, too. */
void connect_limit_set (ConnectLimit *limit, gint64 timeout_ns, gint64 refused_ns);

/* (transfer full) The lines of app_endpoint_describe_paths(), where it is known with what came of
 * the last attempt of @connection: "eth0 -> 192.0.2.1:5800: connect-refused". */
GPtrArray *connect_limit_describe (const AppConnection *connection);

G_END_DECLS
