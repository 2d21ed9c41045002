/* SPDX-License-Identifier: Apache-2.0 */
/* trace-model.c - see trace-model.h. All of it runs once per trace event: tables of fixed size, in
 * which what is old is overwritten. */
#include "harness/trace-model.h"

#include <string.h>

/* Messages of a side whose size and successor are remembered; more in flight costs wrong guesses.
 */
#define MESSAGES 1024

/* Contexts in which a next kind, and a next size, are remembered. */
#define KIND_CONTEXTS 1024
#define SIZE_CONTEXTS 256

/* What a side knows of a link. */
typedef struct {
  guint32 link_id;
  guint64 last_sent, last_acknowledged, last_received;
} Link;

typedef struct {
  guint side;
  TraceRule rule;
  guint link; /* index */
  guint64 a, b;
} Kind;

typedef struct {
  guint64 last_sent, last_delivered;
  guint32 size_bytes[MESSAGES]; /* by number */
  guint32 following[MESSAGES];  /* by number: the distance to the next one on the same link */
  guint32 next_size[SIZE_CONTEXTS];
  guint size_context;
  guint32 unread[MESSAGES]; /* sizes of delivered messages, in a ring */
  guint n_delivered, n_consumed;
  gboolean reads_messages; /* the last read was a whole message */
} Side;

struct _TraceModel {
  Kind kinds[TRACE_MODEL_KINDS_MAX];
  guint n_kinds;
  Link links[SCENARIO_N_SIDES][TRACE_MODEL_KINDS_MAX];
  guint n_links[SCENARIO_N_SIDES];
  Side side[SCENARIO_N_SIDES];
  guint16 next_kind[KIND_CONTEXTS];
  guint16 *expected_kind; /* the place of this event's in next_kind */
  guint last_kinds;       /* the last two, in bits */
};

TraceModel *
trace_model_new (void)
{
  return g_new0 (TraceModel, 1);
}

void
trace_model_free (TraceModel *model)
{
  g_free (model);
}

void
trace_model_reset (TraceModel *model)
{
  memset (model->side, 0, sizeof model->side);
  memset (model->next_kind, 0, sizeof model->next_kind);
  memset (model->n_links, 0, sizeof model->n_links);
  model->n_kinds = 0;
  model->last_kinds = 0;
}

/* --- Kinds --- */

static guint
find_link (TraceModel *model, guint side, guint32 link_id)
{
  Link *links = model->links[side];
  guint i = 0;

  while (i < model->n_links[side] && links[i].link_id != link_id)
    i++;
  if (i == model->n_links[side]) {
    links[i] = (Link) { .link_id = link_id };
    model->n_links[side]++;
  }
  return i;
}

void
trace_model_add_kind (TraceModel *model, ScenarioSide side, TraceRule rule, guint32 link_id)
{
  g_assert (model->n_kinds < TRACE_MODEL_KINDS_MAX && rule < TRACE_N_RULES);
  model->kinds[model->n_kinds++] =
      (Kind) { .side = side, .rule = rule, .link = find_link (model, side, link_id) };
}

guint
trace_model_get_kinds (const TraceModel *model)
{
  return model->n_kinds;
}

guint
trace_model_guess_kind (TraceModel *model, gboolean later)
{
  guint hash = (model->last_kinds << 1 | (later ? 1 : 0)) * 0x9e3779b1u;

  G_STATIC_ASSERT (KIND_CONTEXTS == 1 << (32 - 22));
  model->expected_kind = &model->next_kind[hash >> 22];
  return *model->expected_kind;
}

/* --- Values --- */

static guint
slot (guint64 number)
{
  return (guint)(number % MESSAGES);
}

/* The side whose messages @kind is about. */
static const Side *
get_sender (const TraceModel *model, const Kind *kind)
{
  gboolean is_own = kind->rule == TRACE_RULE_SENT || kind->rule == TRACE_RULE_SENT_AGAIN ||
                    kind->rule == TRACE_RULE_ACKNOWLEDGED;

  return &model->side[is_own ? kind->side : !kind->side];
}

guint64
trace_model_guess_a (const TraceModel *model, guint number)
{
  const Kind *kind = &model->kinds[number];
  const Side *side = &model->side[kind->side];
  const Link *link = &model->links[kind->side][kind->link];

  switch (kind->rule) {
  case TRACE_RULE_SENT:
    return side->last_sent + 1;
  case TRACE_RULE_SENT_AGAIN:
    return kind->a + 1;
  case TRACE_RULE_ACKNOWLEDGED:
    return link->last_acknowledged + side->following[slot (link->last_acknowledged)];
  case TRACE_RULE_RECEIVED:
    return link->last_received + model->side[!kind->side].following[slot (link->last_received)];
  case TRACE_RULE_DELIVERED:
    return side->last_delivered + 1;
  case TRACE_RULE_CONSUMED:
    return side->reads_messages ? side->unread[slot (side->n_consumed)] : kind->a;
  case TRACE_RULE_ANSWERED:
    return link->last_received;
  default:
    return kind->b;
  }
}

guint64
trace_model_guess_b (const TraceModel *model, guint number, guint64 a)
{
  const Kind *kind = &model->kinds[number];
  const Side *side = &model->side[kind->side];

  switch (kind->rule) {
  case TRACE_RULE_SENT:
    return side->next_size[side->size_context];
  case TRACE_RULE_SENT_AGAIN:
  case TRACE_RULE_ACKNOWLEDGED:
  case TRACE_RULE_RECEIVED:
  case TRACE_RULE_DELIVERED:
    return get_sender (model, kind)->size_bytes[slot (a)];
  case TRACE_RULE_CONSUMED:
    return kind->b + a;
  default:
    return kind->b;
  }
}

/* --- Learning --- */

static void
learn_sent (TraceModel *model, const Kind *kind, guint64 a, guint64 b)
{
  Side *side = &model->side[kind->side];
  Link *link = &model->links[kind->side][kind->link];

  side->following[slot (link->last_sent)] = (guint32)(a - link->last_sent);
  link->last_sent = a;
  if (kind->rule == TRACE_RULE_SENT_AGAIN)
    return;
  side->last_sent = a;
  side->size_bytes[slot (a)] = (guint32)b;
  side->next_size[side->size_context] = (guint32)b;
  side->size_context = (side->size_context * 5 + (guint32)b * 7) % SIZE_CONTEXTS;
}

static void
learn_consumed (Side *side, guint64 a)
{
  guint32 *message = &side->unread[slot (side->n_consumed)];

  side->reads_messages = *message == a;
  side->n_consumed++;
}

void
trace_model_learn (TraceModel *model, guint number, guint64 a, guint64 b)
{
  Kind *kind = &model->kinds[number];
  Side *side = &model->side[kind->side];
  Link *link = &model->links[kind->side][kind->link];

  *model->expected_kind = (guint16)number;
  model->last_kinds = (model->last_kinds << 9 | number) & ((1u << 18) - 1);
  kind->a = a;
  kind->b = b;
  switch (kind->rule) {
  case TRACE_RULE_SENT:
  case TRACE_RULE_SENT_AGAIN:
    learn_sent (model, kind, a, b);
    break;
  case TRACE_RULE_ACKNOWLEDGED:
    link->last_acknowledged = a;
    break;
  case TRACE_RULE_RECEIVED:
    link->last_received = a;
    break;
  case TRACE_RULE_DELIVERED:
    side->last_delivered = a;
    side->unread[slot (side->n_delivered++)] = (guint32)b;
    break;
  case TRACE_RULE_CONSUMED:
    learn_consumed (side, a);
    break;
  default:
    break;
  }
}
