/* SPDX-License-Identifier: Apache-2.0 */
/* oracle.c - see oracle.h.
 *
 * Per direction there is a ring with one slot per sequence number, twice the sequence window long,
 * so that whatever is under way has a slot of its own. It is made page by page, as a short run
 * needs little of it. */
#include "harness/oracle.h"

#include "core/message.h"
#include "core/serial.h"

#include <string.h>

#define RING_SLOTS (2 * CAIMAN_SEQ_WINDOW)
#define PAGE_SLOTS 512
#define RING_PAGES (RING_SLOTS / PAGE_SLOTS)
G_STATIC_ASSERT (RING_SLOTS % PAGE_SLOTS == 0);

enum {
  SLOT_SENT = 1 << 0,
  SLOT_RECEIVED = 1 << 1,
  SLOT_ACKED = 1 << 2,
  SLOT_DELIVERED = 1 << 3,
};

typedef struct {
  guint32 seq;
  guint32 flags; /* 0: unused */
} Slot;

/* What one side sends. */
typedef struct {
  Slot *pages[RING_PAGES]; /* (owned) of PAGE_SLOTS each; NULL: all unused */
  gboolean any_sent, any_delivered;
  guint32 last_sent;      /* highest sequence number, control messages included */
  guint32 last_delivered; /* of Data */
} Direction;

typedef struct {
  guint32 link_id;
  gboolean blocked[2]; /* by this side, by the peer */
} BlockedLink;

typedef struct {
  gint64 receive_buffer_bytes;
  guint64 received_bytes; /* new Data, by its trace */
  guint64 read_bytes;     /* by its application, by the harness */
  gboolean dropped;       /* the receiver: what comes is thrown away */
  gboolean crashed;
  gboolean overflow_told;
  GArray *blocked; /* of BlockedLink: those that were ever blocked */
} Side;

struct _Oracle {
  OracleFunc func;
  gpointer user_data;
  Direction sent_by[SCENARIO_N_SIDES];
  Side side[SCENARIO_N_SIDES];
  guint64 count[2];
  gboolean has_no_traces;
};

Oracle *
oracle_new (const gint64 receive_buffer_bytes[SCENARIO_N_SIDES], OracleFunc func,
            gpointer user_data)
{
  Oracle *oracle = g_new0 (Oracle, 1);

  oracle->func = func;
  oracle->user_data = user_data;
  for (guint s = 0; s < SCENARIO_N_SIDES; s++) {
    oracle->side[s].receive_buffer_bytes = receive_buffer_bytes[s];
    oracle->side[s].blocked = g_array_new (FALSE, TRUE, sizeof (BlockedLink));
  }
  return oracle;
}

void
oracle_free (Oracle *oracle)
{
  if (!oracle)
    return;
  for (guint s = 0; s < SCENARIO_N_SIDES; s++) {
    for (guint p = 0; p < RING_PAGES; p++)
      g_free (oracle->sent_by[s].pages[p]);
    g_array_unref (oracle->side[s].blocked);
  }
  g_free (oracle);
}

void
oracle_report (Oracle *oracle, OracleKind kind, gint64 t_ns, const char *format, ...)
{
  if (++oracle->count[kind] > ORACLE_REPORTS_MAX || !oracle->func)
    return;
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  oracle->func (oracle->user_data, kind, t_ns, text);
}

guint64
oracle_get_count (const Oracle *oracle, OracleKind kind)
{
  return oracle->count[kind];
}

gboolean
oracle_get_last_sent (const Oracle *oracle, ScenarioSide side, guint32 *seq_out)
{
  *seq_out = oracle->sent_by[side].last_sent;
  return oracle->sent_by[side].any_sent;
}

void
oracle_crashed (Oracle *oracle, ScenarioSide side)
{
  oracle->side[side].crashed = TRUE;
}

void
oracle_receiver_dropped (Oracle *oracle, ScenarioSide side)
{
  oracle->side[side].dropped = TRUE;
}

static gboolean
is_judged (const Oracle *oracle)
{
  return !oracle->side[SCENARIO_SIDE_CLIENT].crashed && !oracle->side[SCENARIO_SIDE_SERVER].crashed;
}

/* --- Slots --- */

/* The slot of @seq; a slot of another number that is @fresh is taken over. NULL: never sent. */
static Slot *
find_slot (Direction *direction, guint32 seq, gboolean fresh)
{
  guint32 at = seq % RING_SLOTS;
  Slot **page = &direction->pages[at / PAGE_SLOTS];

  if (!*page && !fresh)
    return NULL;
  if (!*page)
    *page = g_new0 (Slot, PAGE_SLOTS);
  Slot *slot = &(*page)[at % PAGE_SLOTS];
  if (slot->flags && slot->seq == seq)
    return slot;
  if (!fresh)
    return NULL;
  slot->seq = seq;
  slot->flags = 0;
  return slot;
}

static void
note_sent (Direction *direction, guint32 seq)
{
  if (!direction->any_sent || caiman_serial_before (direction->last_sent, seq))
    direction->last_sent = seq;
  direction->any_sent = TRUE;
}

/* --- Links --- */

static BlockedLink *
find_blocked (Side *side, guint32 link_id)
{
  for (guint i = 0; i < side->blocked->len; i++) {
    BlockedLink *link = &g_array_index (side->blocked, BlockedLink, i);
    if (link->link_id == link_id)
      return link;
  }
  return NULL;
}

static void
link_blocked (Side *side, const CaimanTraceEvent *event)
{
  BlockedLink *link = find_blocked (side, event->link_id);

  if (!link) {
    g_array_set_size (side->blocked, side->blocked->len + 1);
    link = &g_array_index (side->blocked, BlockedLink, side->blocked->len - 1);
    link->link_id = event->link_id;
  }
  link->blocked[event->b ? 1 : 0] = event->a != 0;
}

static void
check_not_blocked (Oracle *oracle, ScenarioSide side, const CaimanTraceEvent *event,
                   const char *what)
{
  const BlockedLink *link = find_blocked (&oracle->side[side], event->link_id);

  if (link && (link->blocked[0] || link->blocked[1]))
    oracle_report (oracle, ORACLE_SAFETY, event->time_ns,
                   "%s sent %s on link %u, which it knows to be blocked",
                   scenario_side_to_string (side), what, event->link_id);
}

/* --- Data --- */

static void
data_sent (Oracle *oracle, ScenarioSide side, const CaimanTraceEvent *event)
{
  Direction *direction = &oracle->sent_by[side];
  Slot *slot = find_slot (direction, (guint32)event->a, TRUE);

  slot->flags |= SLOT_SENT;
  note_sent (direction, slot->seq);
}

static void
data_acked (Oracle *oracle, ScenarioSide side, const CaimanTraceEvent *event)
{
  Slot *slot = find_slot (&oracle->sent_by[side], (guint32)event->a, FALSE);

  /* Only Data is followed; other reliable messages have no slot. */
  if (!slot || !(slot->flags & SLOT_SENT))
    return;
  if (!(slot->flags & SLOT_RECEIVED))
    oracle_report (oracle, ORACLE_SAFETY, event->time_ns,
                   "%s takes message %u as acknowledged, which the other side has not received",
                   scenario_side_to_string (side), slot->seq);
  slot->flags |= SLOT_ACKED;
}

static void
check_buffer (Oracle *oracle, ScenarioSide side, gint64 t_ns)
{
  Side *receiver = &oracle->side[side];

  if (receiver->dropped || receiver->overflow_told ||
      receiver->received_bytes <= receiver->read_bytes + (guint64)receiver->receive_buffer_bytes)
    return;
  receiver->overflow_told = TRUE;
  oracle_report (oracle, ORACLE_SAFETY, t_ns,
                 "%s holds %" G_GUINT64_FORMAT
                 " bytes, more than its receive buffer of %" G_GINT64_FORMAT,
                 scenario_side_to_string (side), receiver->received_bytes - receiver->read_bytes,
                 receiver->receive_buffer_bytes);
}

static void
data_received (Oracle *oracle, ScenarioSide side, const CaimanTraceEvent *event)
{
  Slot *slot = find_slot (&oracle->sent_by[!side], (guint32)event->a, TRUE);

  if (slot->flags & SLOT_RECEIVED)
    oracle_report (oracle, ORACLE_SAFETY, event->time_ns, "%s took message %u as new twice",
                   scenario_side_to_string (side), slot->seq);
  slot->flags |= SLOT_RECEIVED;
  oracle->side[side].received_bytes += event->b;
  check_buffer (oracle, side, event->time_ns);
}

/* Whether Data that was sent before @seq and after the last delivered one is left out. */
static void
check_none_skipped (Oracle *oracle, ScenarioSide side, guint32 seq, gint64 t_ns)
{
  Direction *direction = &oracle->sent_by[!side];
  guint32 next = direction->any_delivered ? direction->last_delivered + 1 : 0;

  for (; caiman_serial_before (next, seq); next++) {
    const Slot *slot = find_slot (direction, next, FALSE);
    if (slot && !(slot->flags & SLOT_DELIVERED))
      oracle_report (oracle, ORACLE_SAFETY, t_ns, "%s left message %u out before delivering %u",
                     scenario_side_to_string (side), next, seq);
  }
}

static void
data_delivered (Oracle *oracle, ScenarioSide side, const CaimanTraceEvent *event)
{
  Direction *direction = &oracle->sent_by[!side];
  guint32 seq = (guint32)event->a;
  Slot *slot = find_slot (direction, seq, FALSE);
  const char *name = scenario_side_to_string (side);

  if (!slot || !(slot->flags & SLOT_SENT)) {
    oracle_report (oracle, ORACLE_SAFETY, event->time_ns,
                   "%s delivered message %u, which was never sent", name, seq);
    return;
  }
  if (slot->flags & SLOT_DELIVERED) {
    oracle_report (oracle, ORACLE_SAFETY, event->time_ns, "%s delivered message %u twice", name,
                   seq);
    return;
  }
  slot->flags |= SLOT_DELIVERED;
  if (direction->any_delivered && !caiman_serial_before (direction->last_delivered, seq)) {
    oracle_report (oracle, ORACLE_SAFETY, event->time_ns, "%s delivered message %u behind %u", name,
                   seq, direction->last_delivered);
    return;
  }
  check_none_skipped (oracle, side, seq, event->time_ns);
  direction->any_delivered = TRUE;
  direction->last_delivered = seq;
}

void
oracle_expect_no_traces (Oracle *oracle)
{
  oracle->has_no_traces = TRUE;
}

void
oracle_read (Oracle *oracle, ScenarioSide side, guint64 bytes, gint64 t_ns)
{
  Side *reader = &oracle->side[side];

  reader->read_bytes += bytes;
  if (!oracle->has_no_traces && reader->read_bytes > reader->received_bytes && is_judged (oracle))
    oracle_report (oracle, ORACLE_SAFETY, t_ns,
                   "%s read %" G_GUINT64_FORMAT " bytes, but has received %" G_GUINT64_FORMAT,
                   scenario_side_to_string (side), reader->read_bytes, reader->received_bytes);
}

void
oracle_trace (Oracle *oracle, ScenarioSide side, const CaimanTraceEvent *event)
{
  gboolean judged = is_judged (oracle);

  switch (event->type) {
  case CAIMAN_TRACE_LINK_BLOCKED:
    link_blocked (&oracle->side[side], event);
    break;
  case CAIMAN_TRACE_DATA_SENT:
    data_sent (oracle, side, event);
    check_not_blocked (oracle, side, event, "data");
    break;
  case CAIMAN_TRACE_DATA_RESENT:
  case CAIMAN_TRACE_DATA_DUPLICATED:
    check_not_blocked (oracle, side, event, "data again");
    break;
  case CAIMAN_TRACE_CONTROL_SENT:
    if (!caiman_message_type_is_reliable ((CaimanMessageType)event->a))
      break;
    note_sent (&oracle->sent_by[side], (guint32)event->b);
    check_not_blocked (oracle, side, event,
                       caiman_message_type_to_string ((CaimanMessageType)event->a));
    break;
  case CAIMAN_TRACE_DATA_ACKED:
    if (judged)
      data_acked (oracle, side, event);
    break;
  case CAIMAN_TRACE_DATA_RECEIVED:
    if (judged)
      data_received (oracle, side, event);
    break;
  case CAIMAN_TRACE_DATA_DELIVERED:
    if (judged)
      data_delivered (oracle, side, event);
    break;
  default:
    break;
  }
}
