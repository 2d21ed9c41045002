/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-tcp-check.c - what a relay of byte streams in real time cannot honour. */
#include "harness/testbed-tcp-private.h"

/* What the kernel holds of a connection at either end cannot be made smaller than this. */
#define BUFFER_MIN_BYTES (16 * 1024)
/* One process relays and is both endpoints. */
#define RATE_MAX_BPS G_GINT64_CONSTANT (1000000000)

static void refuse (GPtrArray *refused, const char *where, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static void
refuse (GPtrArray *refused, const char *where, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (refused, g_strdup_printf ("%s: %s", where, what));
}

/* The parts @mask of @path. */
static void
check_path (const ScenarioPath *path, guint mask, const char *where, GPtrArray *refused)
{
  const ScenarioQueue *queue = &path->queue;

  if (mask & SCENARIO_SET_LOSS && path->loss.kind != SCENARIO_LOSS_NONE)
    refuse (refused, where,
            "loss: the testbed tcp relays streams and cannot lose packets; sim can");
  if (mask & SCENARIO_SET_QUEUE && queue->unit == SCENARIO_QUEUE_PACKETS)
    refuse (refused, where,
            "queue: the testbed tcp relays streams and has no packets to count; sim has");
  if (mask & SCENARIO_SET_QUEUE && queue->unit == SCENARIO_QUEUE_BYTES &&
      queue->limit < BUFFER_MIN_BYTES)
    refuse (refused, where,
            "queue: below 16 KiB the kernel's buffers alone are larger on the testbed tcp; sim has "
            "none");
  if (mask & SCENARIO_SET_RATE && path->rate_bps != SCENARIO_RATE_UNLIMITED &&
      path->rate_bps > RATE_MAX_BPS)
    refuse (refused, where, "rate: the testbed tcp relays at most 1 gbit; sim has no such limit");
}

static void
check_link (const ScenarioLink *link, GPtrArray *refused)
{
  static const char *const directions[] = { "up", "down" };
  g_autofree char *name = g_strdup_printf ("link %s", link->name);

  if (link->carrier != SCENARIO_CARRIER_PIPE)
    refuse (refused, name,
            "carrier = %s: a link of the testbed tcp is a relayed stream, which is carrier = pipe",
            scenario_carrier_to_string (link->carrier));
  if (link->receive_buffer_bytes != SCENARIO_BUFFER_AUTO &&
      link->receive_buffer_bytes < BUFFER_MIN_BYTES)
    refuse (
        refused, name,
        "receive-buffer: below 16 KiB the kernel's buffers alone are larger on the testbed tcp; "
        "sim has none");
  for (guint d = 0; d < SCENARIO_N_DIRECTIONS; d++) {
    g_autofree char *where = g_strdup_printf ("link %s: %s", link->name, directions[d]);
    check_path (&link->path[d], G_MAXUINT, where, refused);
  }
}

GPtrArray *
testbed_tcp_check (const Scenario *scenario)
{
  GPtrArray *refused = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < scenario->links->len; i++)
    check_link (scenario_get_link (scenario, i), refused);
  testbed_refuse_packets (scenario, refused);
  for (guint i = 0; i < scenario->events->len; i++) {
    const ScenarioEvent *event = scenario_get_event (scenario, i);
    g_autofree char *where = g_strdup_printf ("event %s: set", event->name);
    if (event->verb == SCENARIO_VERB_SET)
      check_path (&event->set_path, event->set_mask, where, refused);
  }
  return refused;
}
