/* SPDX-License-Identifier: Apache-2.0 */
/* trace.h - one record for everything that an endpoint does, given to one observer.
 *
 * The recorder, the digest, the oracle and the logs all hang here. The observer is called in the
 * middle of the core's work: it must not call back into the connection. */
#pragma once

#include "error.h"

G_BEGIN_DECLS

/* What happened; the comment gives @a and @b. @link_id is 0 where no link is concerned. */
typedef enum {
  CAIMAN_TRACE_CONNECTION_STATE,   /* old CaimanConnectionState, new; reason */
  CAIMAN_TRACE_LINK_STATE,         /* old CaimanLinkState, new; reason */
  CAIMAN_TRACE_LINK_BLOCKED,       /* 1 blocked or 0 free, 1 by the peer or 0 by this side */
  CAIMAN_TRACE_LINK_SUSPECTED,     /* 1 suspected or 0 cleared, silence in ns */
  CAIMAN_TRACE_LINK_WINDOW,        /* old limit in bytes, new */
  CAIMAN_TRACE_LINK_RTT,           /* sample in ns, SRTT in ns (handshake and ping only) */
  CAIMAN_TRACE_CONTROL_SENT,       /* CaimanMessageType, its parameter (seq, bytes or code) */
  CAIMAN_TRACE_CONTROL_RECEIVED,   /* the same */
  CAIMAN_TRACE_DATA_SENT,          /* seq, payload bytes: first transmission */
  CAIMAN_TRACE_DATA_RESENT,        /* seq, payload bytes: again, since its link failed */
  CAIMAN_TRACE_DATA_DUPLICATED,    /* seq, payload bytes: again, while the first may still arrive */
  CAIMAN_TRACE_DATA_ACKED,         /* seq, payload bytes: first acknowledgement */
  CAIMAN_TRACE_DATA_RECEIVED,      /* seq, payload bytes: new */
  CAIMAN_TRACE_DUPLICATE_RECEIVED, /* seq, payload bytes: seen before, dropped */
  CAIMAN_TRACE_DATA_DELIVERED,     /* seq, payload bytes: in order, readable by the application */
  CAIMAN_TRACE_DATA_CONSUMED,      /* bytes read now, bytes read in all */
  CAIMAN_TRACE_ACK_SENT,           /* seq */
  CAIMAN_N_TRACE_TYPES
} CaimanTraceType;

/* Why something was sent again (DATA_RESENT, DATA_DUPLICATED). */
typedef enum {
  CAIMAN_RESEND_NONE,        /* it was not: "none" */
  CAIMAN_RESEND_GONE,        /* the link that it was out on is gone, or is being closed: "gone" */
  CAIMAN_RESEND_NOT_WORKING, /* that link stopped working: an acknowledgement timed out, ... */
  CAIMAN_RESEND_SUSPECTED,   /* that link is suspected, and may deliver it yet */
  CAIMAN_RESEND_LATE,        /* that link would deliver it later than an idle one */
  CAIMAN_RESEND_REDUNDANT,   /* the policy `redundant` sends all over every link */
  CAIMAN_N_RESENDS
} CaimanResendCause;

/* What is in @resend_cause and @from_link_id follows from the events before; a digest leaves them
 * out. */
typedef struct {
  gint64 time_ns;
  CaimanTraceType type;
  guint32 link_id; /* caiman_link_get_id(), 0: none */
  guint64 a, b;
  CaimanReason reason;
  CaimanResendCause resend_cause;
  guint32 from_link_id; /* the link that it was last sent on before */
} CaimanTraceEvent;

typedef void (*CaimanTraceFunc) (const CaimanTraceEvent *event, gpointer user_data);

typedef struct {
  CaimanTraceFunc func; /* NULL: nobody listens */
  gpointer user_data;
} CaimanTracer;

/* A static kebab-case name, e.g. "link-state". */
const char *caiman_trace_type_to_string (CaimanTraceType type);

/* The same, e.g. "not-working"; "unknown" outside the list. */
const char *caiman_resend_cause_to_string (CaimanResendCause cause);

G_END_DECLS
