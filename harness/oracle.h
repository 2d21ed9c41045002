/* SPDX-License-Identifier: Apache-2.0 */
/* oracle.h - watches a run for what must never happen, and for what must happen in the end.
 *
 * Safety: what arrives is what was sent, byte by byte (the traffic checks content and tells);
 * messages are delivered in order, none left out, none twice; only what the other endpoint has
 * received is taken as acknowledged; a receiver holds no more than its buffer; no reliable message
 * goes on a link that its sender knows to be blocked; a graceful end leaves nothing behind.
 * Liveness: after the last fault all flows deliver again within heals-within.
 *
 * It sees both endpoints' traces and what the applications did, and believes the core only what the
 * other side or the harness confirms. It keeps nothing per byte or per message beyond the sequence
 * window. */
#pragma once

#include "harness/scenario.h"
#include "core/trace.h"

G_BEGIN_DECLS

typedef struct _Oracle Oracle;

typedef enum { ORACLE_SAFETY, ORACLE_LIVENESS } OracleKind;

/* A violation, as it is found. @text is borrowed. */
typedef void (*OracleFunc) (gpointer user_data, OracleKind kind, gint64 t_ns, const char *text);

/* @receive_buffer_bytes of each side. @func may be NULL. */
Oracle *oracle_new (const gint64 receive_buffer_bytes[SCENARIO_N_SIDES], OracleFunc func,
                    gpointer user_data);
void oracle_free (Oracle *oracle); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Oracle, oracle_free)

/* Every trace event of @side's endpoint. */
void oracle_trace (Oracle *oracle, ScenarioSide side, const CaimanTraceEvent *event);

/* The application of @side has read @bytes of Data payload, or has dropped its receiver. */
void oracle_read (Oracle *oracle, ScenarioSide side, guint64 bytes, gint64 t_ns);
void oracle_receiver_dropped (Oracle *oracle, ScenarioSide side);

/* There are no endpoints of ours: only what the applications tell is judged. */
void oracle_expect_no_traces (Oracle *oracle);

/* The endpoint of @side is gone (crash): nothing that concerns it is judged any more, either way.
 */
void oracle_crashed (Oracle *oracle, ScenarioSide side);

/* A violation that someone else has found: content, boundaries, ends. */
void oracle_report (Oracle *oracle, OracleKind kind, gint64 t_ns, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

/* How many were found; after ORACLE_REPORTS_MAX further ones are counted but not told. */
#define ORACLE_REPORTS_MAX 20
guint64 oracle_get_count (const Oracle *oracle, OracleKind kind);

/* Highest sequence number that @side's trace has sent, and whether there is any. */
gboolean oracle_get_last_sent (const Oracle *oracle, ScenarioSide side, guint32 *seq_out);

G_END_DECLS
