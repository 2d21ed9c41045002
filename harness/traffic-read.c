/* SPDX-License-Identifier: Apache-2.0 */
/* traffic-read.c - reading what comes, at the reader's speed, and checking it against the records.
 *
 * The first record of the lane says which flow's content must come next and where its message ends;
 * that is the harness's own knowledge, not the core's. */
#include "harness/traffic-private.h"

#include <string.h>

/* How far a skip or repeat is looked for once content is wrong. */
#define SEARCH_BYTES (4u * 1024u * 1024u)

/* A slow reader reads what 10 ms bring, within these bounds. */
#define QUANTUM_MIN_BYTES 64
#define QUANTUM_NS        (10 * CAIMAN_NS_PER_MS)

static Flow *
get_flow (const Source *source)
{
  return &source->traffic->flows[source->flow];
}

/* --- Slow and late readers --- */

static gint64
get_quantum (const Flow *flow)
{
  gint64 bytes = caiman_muldiv (flow->reader_rate_bps, QUANTUM_NS, 8 * CAIMAN_NS_PER_S);
  return CLAMP (bytes, QUANTUM_MIN_BYTES, (gint64)TRAFFIC_BLOCK_BYTES);
}

static void
refill_credit (Flow *flow, gint64 now_ns)
{
  gint64 full = 2 * get_quantum (flow);
  gint64 bytes =
      caiman_muldiv (now_ns - flow->reader_credit_ns, flow->reader_rate_bps, 8 * CAIMAN_NS_PER_S);

  if (bytes >= full - flow->reader_credit_bytes) {
    flow->reader_credit_bytes = full;
    flow->reader_credit_ns = now_ns;
    return;
  }
  /* Only the time that whole bytes took is used up. */
  flow->reader_credit_bytes += bytes;
  flow->reader_credit_ns += caiman_muldiv (bytes, 8 * CAIMAN_NS_PER_S, flow->reader_rate_bps);
}

/* How many bytes the reader of @source takes now. 0: wait until *@until_out. */
static gsize
get_allowance (const Source *source, gint64 now_ns, gint64 *until_out)
{
  Flow *flow = get_flow (source);

  if (now_ns < source->spec->reader_starts_ns) {
    *until_out = source->spec->reader_starts_ns;
    return 0;
  }
  if (flow->reader_rate_bps == SCENARIO_RATE_UNLIMITED)
    return TRAFFIC_BLOCK_BYTES;
  refill_credit (flow, now_ns);
  gint64 quantum = get_quantum (flow);
  if (flow->reader_credit_bytes >= quantum)
    return (gsize)MIN (flow->reader_credit_bytes, (gint64)TRAFFIC_BLOCK_BYTES);
  *until_out = now_ns + 1 +
               caiman_muldiv (quantum - flow->reader_credit_bytes, 8 * CAIMAN_NS_PER_S,
                              flow->reader_rate_bps);
  return 0;
}

static void
use_credit (const Source *source, gsize bytes)
{
  Flow *flow = get_flow (source);

  if (flow->reader_rate_bps != SCENARIO_RATE_UNLIMITED)
    flow->reader_credit_bytes -= (gint64)bytes;
}

/* --- Checks --- */

static void
report_wrong (Lane *lane, const Source *source, const ContentError *error)
{
  static const char *const looks[] = {
    [CONTENT_SKIPPED] = "bytes are missing",
    [CONTENT_REPEATED] = "bytes are repeated",
    [CONTENT_CORRUPTED] = "bytes are wrong",
  };
  g_autofree char *amount = error->shift_bytes > 0
                                ? g_strdup_printf ("%" G_GUINT64_FORMAT " ", error->shift_bytes)
                                : g_strdup ("");

  lane->wrong = TRUE;
  oracle_report (lane->traffic->oracle, ORACLE_SAFETY, testbed_now (lane->traffic->testbed),
                 "%s%s: %s%s from byte %" G_GUINT64_FORMAT " on", source->spec->name,
                 source->is_responses ? " (responses)" : "", amount, looks[error->verdict],
                 error->position);
}

static void
check_content (Lane *lane, const Source *source, const guint8 *data, gsize size)
{
  ContentError error;

  if (!lane->wrong &&
      !content_check (&source->content, source->delivered_bytes, data, size, SEARCH_BYTES, &error))
    report_wrong (lane, source, &error);
}

static void
report_unexpected (Lane *lane, gsize size)
{
  if (lane->wrong)
    return;
  lane->wrong = TRUE;
  oracle_report (lane->traffic->oracle, ORACLE_SAFETY, testbed_now (lane->traffic->testbed),
                 "%s read %zu bytes more than were ever sent",
                 scenario_side_to_string (lane->reader), size);
}

/* The reader has seen the end, or the connection has ended gracefully. */
static void
check_nothing_missing (Lane *lane)
{
  guint64 missing = 0;

  for (guint i = 0; i < lane->sources->len; i++) {
    const Source *source = g_ptr_array_index (lane->sources, i);
    missing += source->offered_bytes - source->delivered_bytes;
  }
  if (lane->wrong || lane->n_records == 0)
    return;
  lane->wrong = TRUE;
  oracle_report (lane->traffic->oracle, ORACLE_SAFETY, testbed_now (lane->traffic->testbed),
                 "%s: the stream ended, but %" G_GUINT64_FORMAT
                 " bytes that were sent did not arrive",
                 lane_get_record (lane)->source->spec->name, missing);
}

/* --- Delivery --- */

static void
message_done (Lane *lane, const Record *record, gint64 now_ns)
{
  Source *source = record->source;
  Traffic *traffic = lane->traffic;
  gboolean is_request = source->spec->kind == SCENARIO_TRAFFIC_REQUEST;

  source->delivered_messages++;
  if (is_request && source->is_responses)
    measure_flow_message (traffic->measure, source->flow, now_ns - source->other->request_due_ns,
                          now_ns);
  else if (!is_request &&
           (lane->mode == SCENARIO_MODE_MESSAGES || source->spec->kind != SCENARIO_TRAFFIC_BULK))
    measure_flow_message (traffic->measure, source->flow, now_ns - record->due_ns, now_ns);
}

/* @bytes of the first record have been read and checked. */
static void
take_from_record (Lane *lane, gsize bytes, gint64 now_ns)
{
  Record record = *lane_get_record (lane);
  Source *source = record.source;
  gboolean is_request = source->spec->kind == SCENARIO_TRAFFIC_REQUEST;

  source->delivered_bytes += bytes;
  source->waiting_since_ns =
      source->delivered_bytes < source->offered_bytes ? now_ns : CAIMAN_TIME_NEVER;
  if (!source->is_responses)
    measure_flow_delivered (lane->traffic->measure, source->flow, (gint64)bytes, now_ns);
  lane->head_read_bytes += (guint32)bytes;
  gboolean is_done = lane->head_read_bytes >= record.bytes;
  if (is_done) {
    lane_pop_record (lane);
    if (record.is_end)
      message_done (lane, &record, now_ns);
  }
  traffic_check_flow (lane->traffic, source->flow);
  if (is_done && record.is_end && is_request)
    source_trigger (source->other, source->is_responses
                                       ? caiman_time_add (now_ns, source->spec->think_time_ns)
                                       : now_ns);
}

static void
deliver_stream (Lane *lane, const guint8 *data, gsize size, gint64 now_ns)
{
  while (size > 0) {
    Record *record = lane_get_record (lane);
    if (!record) {
      report_unexpected (lane, size);
      return;
    }
    gsize part = MIN (size, record->bytes - lane->head_read_bytes);
    check_content (lane, record->source, data, part);
    use_credit (record->source, part);
    take_from_record (lane, part, now_ns);
    data += part;
    size -= part;
  }
}

static void
deliver_message (Lane *lane, GBytes *message, gint64 now_ns)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (message, &size);
  Record *record = lane_get_record (lane);

  if (!record) {
    report_unexpected (lane, size);
    return;
  }
  check_content (lane, record->source, data, MIN (size, record->bytes));
  if (size != record->bytes && !lane->wrong) {
    lane->wrong = TRUE;
    oracle_report (lane->traffic->oracle, ORACLE_SAFETY, now_ns,
                   "%s: message %" G_GUINT64_FORMAT " has %zu bytes instead of %u",
                   record->source->spec->name, record->source->delivered_messages, size,
                   record->bytes);
  }
  use_credit (record->source, size);
  take_from_record (lane, record->bytes, now_ns);
}

/* --- Reading --- */

static void
see_end (Lane *lane)
{
  Lane *back = lane_get_other (lane);

  lane->read_end = TRUE;
  check_nothing_missing (lane);
  lane_send (back);
}

/* The whole of a message's data, without a copy: for a reader that is not held back. */
static gboolean
take_stream (Lane *lane, AppEnd *end, gint64 now_ns)
{
  gboolean ended;
  /* The end can come only after the sender has closed. */
  g_autoptr (GBytes) bytes = end->klass->receive (end, lane->finished, &ended, now_ns);

  if (bytes) {
    gsize size;
    const guint8 *data = g_bytes_get_data (bytes, &size);
    oracle_read (lane->traffic->oracle, lane->reader, size, now_ns);
    deliver_stream (lane, data, size, now_ns);
  } else if (ended) {
    see_end (lane);
  }
  return bytes != NULL;
}

/* FALSE: there is nothing (more) to read now. */
static gboolean
read_stream (Lane *lane, AppEnd *end, gsize allowance, gint64 now_ns)
{
  Traffic *traffic = lane->traffic;
  if (allowance >= TRAFFIC_BLOCK_BYTES && end->klass->receive)
    return take_stream (lane, end, now_ns);
  gssize n = end->klass->read (end, traffic->buffer, allowance, now_ns);

  if (n > 0) {
    oracle_read (traffic->oracle, lane->reader, (guint64)n, now_ns);
    deliver_stream (lane, traffic->buffer, (gsize)n, now_ns);
  } else if (n == 0) {
    see_end (lane);
  }
  return n > 0;
}

static gboolean
read_message (Lane *lane, AppEnd *end, gint64 now_ns)
{
  gboolean ended;
  /* The end can come only after the sender has closed. */
  GBytes *message = end->klass->receive (end, lane->finished, &ended, now_ns);

  if (message) {
    oracle_read (lane->traffic->oracle, lane->reader, g_bytes_get_size (message), now_ns);
    deliver_message (lane, message, now_ns);
    g_bytes_unref (message);
  } else if (ended) {
    see_end (lane);
  }
  return message != NULL;
}

static gboolean
read_some (Lane *lane, gsize allowance, gint64 now_ns)
{
  AppEnd *end = lane->traffic->end[lane->reader];

  if (lane->mode == SCENARIO_MODE_STREAM)
    return read_stream (lane, end, allowance, now_ns);
  return read_message (lane, end, now_ns);
}

void
lane_read (Lane *lane, gboolean draining)
{
  Traffic *traffic = lane->traffic;
  gint64 now_ns = testbed_now (traffic->testbed);
  gboolean was_full = lane->n_records >= TRAFFIC_RECORDS_MAX;

  lane->reader_waits = FALSE;
  while (traffic->end[lane->reader] && !lane->read_end && !lane->dropped) {
    const Record *record = lane_get_record (lane);
    gsize allowance = TRAFFIC_BLOCK_BYTES;
    gint64 until_ns;
    if (record && !draining)
      allowance = get_allowance (record->source, now_ns, &until_ns);
    if (allowance == 0) {
      lane->reader_waits = TRUE;
      testbed_timer_arm (lane->read_timer, until_ns);
      break;
    }
    if (!read_some (lane, allowance, now_ns))
      break;
  }
  if (was_full && lane->n_records < TRAFFIC_RECORDS_MAX)
    testbed_timer_arm (lane->send_timer, now_ns);
}
