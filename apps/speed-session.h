/* SPDX-License-Identifier: Apache-2.0 */
/* speed-session.h - one speed test over one connection, either side; see speed.h. */
#pragma once

#include "apps/speed.h"

G_BEGIN_DECLS

typedef struct _SpeedSession SpeedSession;

/* @over is called once, when the numbers are final; the session then releases @connection. It must
 * not free the session. */
SpeedSession *speed_session_new (AppConnection *connection, const SpeedLimits *limits,
                                 void (*over) (gpointer user_data, SpeedSession *session),
                                 gpointer user_data);
void speed_session_free (SpeedSession *session); /* accepts NULL */

/* An event of its connection. */
void speed_session_event (SpeedSession *session, const CaimanEvent *event);

/* Ends it now, as its time limit does. */
void speed_session_stop (SpeedSession *session);

AppConnection *speed_session_get_connection (SpeedSession *session);
const SpeedResult *speed_session_get_result (const SpeedSession *session);

G_END_DECLS
