/* SPDX-License-Identifier: Apache-2.0 */
/* traffic-send.c - what is due when, and giving it to the connection.
 *
 * A source prepares one piece at a time: a message, a write of a paced flow, or a block of bulk
 * data. It is due at an instant that follows from the scenario alone, so that an application which
 * could not send for a while has a backlog, and latency counts from when a message was due. */
#include "harness/traffic-private.h"

#include "harness/sizes.h"

#include <string.h>

Source *
source_new (Traffic *traffic, guint flow, gboolean is_responses, guint64 seed)
{
  const ScenarioFlow *spec = scenario_get_flow (traffic->scenario, flow);
  const char *part = is_responses ? "responses" : "data";
  g_autofree char *content_name = g_strdup_printf ("content/%s/%s", spec->name, part);
  g_autofree char *sizes_name = g_strdup_printf ("sizes/%s/%s", spec->name, part);
  Source *source = g_new0 (Source, 1);

  source->traffic = traffic;
  source->spec = spec;
  source->flow = flow;
  source->is_responses = is_responses;
  source->lane = traffic_get_lane (traffic, is_responses ? !spec->from : spec->from);
  source->start_ns = CAIMAN_TIME_NEVER;
  source->next_due_ns = CAIMAN_TIME_NEVER;
  source->waiting_since_ns = CAIMAN_TIME_NEVER;
  content_init (&source->content, seed, content_name);
  caiman_prng_init_stream (&source->sizes, seed, sizes_name);
  return source;
}

void
source_free (gpointer data)
{
  Source *source = data;

  g_clear_pointer (&source->block, g_bytes_unref);
  g_free (source);
}

/* --- What is due --- */

static gint64
draw_piece_bytes (Source *source)
{
  const ScenarioFlow *spec = source->spec;

  if (spec->kind == SCENARIO_TRAFFIC_REQUEST)
    return sizes_draw (source->is_responses ? &spec->response_size : &spec->request_size,
                       &source->sizes, source->n_pieces);
  if (spec->kind == SCENARIO_TRAFFIC_BULK && source->lane->mode == SCENARIO_MODE_STREAM)
    return TRAFFIC_BLOCK_BYTES;
  gint64 bytes = sizes_draw (&spec->message_size, &source->sizes, source->n_pieces);
  /* A stream has no empty writes, and a flow that ends by its bytes must get on. */
  if (source->lane->mode == SCENARIO_MODE_STREAM || spec->kind != SCENARIO_TRAFFIC_MESSAGES)
    bytes = MAX (bytes, 1);
  return bytes;
}

/* When the piece behind @bytes_before bytes is due on a clock that runs only during "on". */
static gint64
get_paced_due (const Source *source, gint64 bytes_before)
{
  const ScenarioFlow *spec = source->spec;
  gint64 offset_ns = caiman_muldiv (bytes_before, 8 * CAIMAN_NS_PER_S, spec->rate_bps);

  if (spec->kind == SCENARIO_TRAFFIC_ON_OFF)
    offset_ns += caiman_muldiv (offset_ns / spec->on_ns, spec->off_ns, 1);
  return caiman_time_add (source->start_ns, offset_ns);
}

static gint64
get_next_due (const Source *source)
{
  const ScenarioFlow *spec = source->spec;

  switch (spec->kind) {
  case SCENARIO_TRAFFIC_RATE:
  case SCENARIO_TRAFFIC_ON_OFF:
    return get_paced_due (source, source->piece_bytes_total);
  case SCENARIO_TRAFFIC_MESSAGES:
    return caiman_time_add (source->start_ns,
                            caiman_muldiv ((gint64)source->n_pieces, spec->interval_ns, 1));
  case SCENARIO_TRAFFIC_REQUEST:
    return source->next_due_ns;
  case SCENARIO_TRAFFIC_BULK:
  case SCENARIO_N_TRAFFIC_KINDS:
    break;
  }
  return source->start_ns;
}

static void
finish_source (Source *source)
{
  source->done = TRUE;
  /* Its responses may be complete by that, at the other endpoint. */
  if (source->other)
    testbed_timer_arm (lane_get_other (source->lane)->finish_timer,
                       testbed_now (source->traffic->testbed));
  traffic_check_flow (source->traffic, source->flow);
}

static gboolean
has_sent_all (const Source *source)
{
  const ScenarioFlow *spec = source->spec;

  if (source->is_responses)
    return source->other->done && !source->other->has_piece &&
           source->n_pieces == source->other->n_pieces;
  if (spec->kind == SCENARIO_TRAFFIC_REQUEST || spec->kind == SCENARIO_TRAFFIC_MESSAGES)
    return spec->count != G_MAXINT64 && source->n_pieces >= (guint64)spec->count;
  return source->piece_bytes_total >= spec->bytes;
}

/* Prepares the next piece if it is due; else *@due_inout is lowered to when it will be. */
static gboolean
prepare_piece (Source *source, gint64 now_ns, gint64 *due_inout)
{
  if (source->has_piece)
    return TRUE;
  if (source->done || source->start_ns == CAIMAN_TIME_NEVER)
    return FALSE;
  gint64 due_ns = get_next_due (source);
  gboolean stopped =
      !source->is_responses && (now_ns >= source->spec->stops_ns ||
                                (due_ns != CAIMAN_TIME_NEVER && due_ns >= source->spec->stops_ns));
  if (stopped || has_sent_all (source)) {
    finish_source (source);
    return FALSE;
  }
  if (due_ns > now_ns) {
    *due_inout =
        MIN (*due_inout, source->is_responses ? due_ns : MIN (due_ns, source->spec->stops_ns));
    return FALSE;
  }
  gint64 bytes = draw_piece_bytes (source);
  if (source->spec->bytes != G_MAXINT64 && source->spec->kind != SCENARIO_TRAFFIC_REQUEST &&
      source->spec->kind != SCENARIO_TRAFFIC_MESSAGES)
    bytes = MIN (bytes, source->spec->bytes - source->piece_bytes_total);
  source->has_piece = TRUE;
  source->piece_bytes = bytes;
  source->piece_due_ns = source->spec->kind == SCENARIO_TRAFFIC_BULK ? now_ns : due_ns;
  source->piece_bytes_total += bytes;
  source->n_pieces++;
  source->next_due_ns = CAIMAN_TIME_NEVER;
  if (!source->is_responses)
    source->request_due_ns = due_ns;
  return TRUE;
}

void
source_stop (Source *source)
{
  source->stopped |= !source->done || source->has_piece;
  source->done = TRUE;
  source->has_piece = FALSE;
  g_clear_pointer (&source->block, g_bytes_unref);
}

void
source_trigger (Source *source, gint64 due_ns)
{
  source->next_due_ns = due_ns;
  lane_send (source->lane);
}

/* --- Giving it to the connection --- */

static void
note_accepted (Source *source, gsize bytes, gint64 now_ns)
{
  Record record = { .source = source,
                    .due_ns = source->piece_due_ns,
                    .bytes = (guint32)bytes,
                    .is_end = (gint64)(source->block_offset + bytes) == source->piece_bytes };

  source->block_offset += bytes;
  if (source->offered_bytes == source->delivered_bytes)
    source->waiting_since_ns = now_ns;
  source->offered_bytes += bytes;
  source->lane->last_sent_ns = now_ns;
  lane_push_record (source->lane, &record);
  if (source->is_responses)
    measure_response_offered (source->traffic->measure, source->flow, (gint64)bytes, now_ns);
  else
    measure_flow_offered (source->traffic->measure, source->flow, (gint64)bytes, now_ns);
  if (!record.is_end)
    return;
  source->offered_messages++;
  source->has_piece = FALSE;
  source->block_offset = 0;
  g_clear_pointer (&source->block, g_bytes_unref);
}

/* Content is made block by block, so that a huge request or response needs no memory. */
static void
make_block (Source *source)
{
  gsize size = (gsize)source->piece_bytes - source->block_offset;

  if (source->lane->mode == SCENARIO_MODE_STREAM)
    size = MIN (size, TRAFFIC_BLOCK_BYTES);
  source->block = content_make (&source->content, source->offered_bytes, size);
}

/* FALSE: the connection takes nothing more now, or ever. */
static gboolean
write_stream (Source *source, AppEnd *end, gint64 now_ns)
{
  if (!source->block) {
    make_block (source);
    source->block_start = 0;
  }
  gssize taken = end->klass->write (end, source->block, source->block_start, now_ns);
  if (taken <= 0)
    return FALSE;
  GBytes *block = source->block;
  source->block_start += (gsize)taken;
  gboolean used_up = source->block_start == g_bytes_get_size (block);
  note_accepted (source, (gsize)taken, now_ns);
  if (used_up)
    g_clear_pointer (&source->block, g_bytes_unref);
  return TRUE;
}

static gboolean
send_message (Source *source, AppEnd *end, gint64 now_ns)
{
  /* The scenario reader has seen to that. */
  g_assert ((gsize)source->piece_bytes <= end->klass->get_message_max (end));
  if (!source->block)
    make_block (source);
  if (!end->klass->send (end, source->block, now_ns))
    return FALSE;
  note_accepted (source, (gsize)source->piece_bytes, now_ns);
  return TRUE;
}

static gboolean
send_piece (Source *source, gint64 now_ns)
{
  Lane *lane = source->lane;
  AppEnd *end = source->traffic->end[lane->sender];
  gboolean taken;

  if (lane->n_records >= TRAFFIC_RECORDS_MAX) {
    lane->blocked = TRUE;
    return FALSE;
  }
  if (lane->mode == SCENARIO_MODE_STREAM)
    taken = write_stream (source, end, now_ns);
  else
    taken = send_message (source, end, now_ns);
  if (!taken)
    lane->blocked = TRUE;
  return taken;
}

/* The next source, in turn, that has something due; NULL: none, *@due_out says when. */
static Source *
pick_source (Lane *lane, gint64 now_ns, gint64 *due_out)
{
  *due_out = CAIMAN_TIME_NEVER;
  for (guint i = 0; i < lane->sources->len; i++) {
    guint index = (lane->next_source + i) % lane->sources->len;
    Source *source = g_ptr_array_index (lane->sources, index);
    if (prepare_piece (source, now_ns, due_out)) {
      lane->next_source = (index + 1) % lane->sources->len;
      return source;
    }
  }
  return NULL;
}

/* --- Closing --- */

/* When the sender is to be closed; CAIMAN_TIME_NEVER: not (yet). */
static gint64
get_finish_time (Lane *lane)
{
  gint64 delay_ns = 0;
  const Lane *other = lane_get_other (lane);

  if (lane->sources->len == 0) {
    gboolean idle = other->sources->len == 0 && !lane->traffic->scenario->ends_at_duration;
    return idle || other->read_end || other->dropped ? 0 : CAIMAN_TIME_NEVER;
  }
  for (guint i = 0; i < lane->sources->len; i++) {
    Source *source = g_ptr_array_index (lane->sources, i);
    if (source->is_responses && !source->done && has_sent_all (source))
      finish_source (source);
    if (!source->done || source->has_piece || source->spec->close == SCENARIO_CLOSE_NEVER)
      return CAIMAN_TIME_NEVER;
    if (source->spec->close == SCENARIO_CLOSE_LATE)
      delay_ns = MAX (delay_ns, source->spec->close_delay_ns);
  }
  return caiman_time_add (lane->last_sent_ns, delay_ns);
}

static void
check_finish (Lane *lane, gint64 now_ns)
{
  if (lane->finished)
    return;
  AppEnd *end = lane->traffic->end[lane->sender];
  gint64 finish_ns = get_finish_time (lane);
  if (finish_ns > now_ns) {
    if (finish_ns != CAIMAN_TIME_NEVER)
      testbed_timer_arm (lane->finish_timer, finish_ns);
    return;
  }
  lane->finished = TRUE;
  end->klass->finish (end, now_ns);
}

void
lane_send (Lane *lane)
{
  gint64 now_ns = testbed_now (lane->traffic->testbed);
  gint64 due_ns = CAIMAN_TIME_NEVER;

  if (!lane->is_open || lane->finished || lane->cut)
    return;
  while (!lane->blocked) {
    Source *source = pick_source (lane, now_ns, &due_ns);
    if (!source)
      break;
    if (!send_piece (source, now_ns))
      break;
  }
  if (!lane->blocked)
    testbed_timer_arm (lane->send_timer, due_ns);
  check_finish (lane, now_ns);
}
