/* SPDX-License-Identifier: Apache-2.0 */
/* trace-model.h - guesses the two values of the next trace event, so that only wrong guesses have
 * to be stored.
 *
 * Writer and reader of a block (trace-block.h) feed the same events to a model each and so guess
 * the same. What it knows: numbers of messages count up; what goes out on a link comes in, and is
 * acknowledged, in the same order; a message has the same size everywhere. A wrong guess costs
 * bytes, nothing else. */
#pragma once

#include "harness/scenario.h"

G_BEGIN_DECLS

/* Most kinds of a block, see TraceModelKind. */
#define TRACE_MODEL_KINDS_MAX 512

/* How the values of an event follow from those before. Part of the format of a block. */
typedef enum {
  TRACE_RULE_CHANGE,       /* a: what b was */
  TRACE_RULE_SENT,         /* a: the next message, b: its size */
  TRACE_RULE_SENT_AGAIN,   /* the same with a message that was sent before */
  TRACE_RULE_ACKNOWLEDGED, /* a message, in the order in which it was sent on this link */
  TRACE_RULE_RECEIVED,     /* the same, at the other side */
  TRACE_RULE_DELIVERED,    /* the next message */
  TRACE_RULE_CONSUMED,     /* bytes, bytes in all */
  TRACE_RULE_ANSWERED,     /* the message that this link received last */
  TRACE_N_RULES
} TraceRule;

typedef struct _TraceModel TraceModel;

TraceModel *trace_model_new (void);
void trace_model_free (TraceModel *model); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TraceModel, trace_model_free)

/* Forgets everything: a new block begins. */
void trace_model_reset (TraceModel *model);

/* A kind is what events have in common that differ in time and values alone: side, type, link. The
 * first added is number 0. No more than TRACE_MODEL_KINDS_MAX. */
void trace_model_add_kind (TraceModel *model, ScenarioSide side, TraceRule rule, guint32 link_id);
guint trace_model_get_kinds (const TraceModel *model);

/* Begins an event, @later: at another time than the one before it. Returns the number of the kind
 * that it may be, 0 to TRACE_MODEL_KINDS_MAX - 1; there may be no such kind yet. */
guint trace_model_guess_kind (TraceModel *model, gboolean later);

/* Its values, now that its kind is known; b follows from what a is. */
guint64 trace_model_guess_a (const TraceModel *model, guint kind);
guint64 trace_model_guess_b (const TraceModel *model, guint kind, guint64 a);

/* What it was: ends the event. */
void trace_model_learn (TraceModel *model, guint kind, guint64 a, guint64 b);

G_END_DECLS
