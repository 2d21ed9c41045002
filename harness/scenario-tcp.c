/* SPDX-License-Identifier: Apache-2.0 */
/* scenario-tcp.c - the keys of a link with carrier = tcp: what its sockets are set to. */
#include "harness/scenario-private.h"

#include "config/units.h"

#include <string.h>

#define SOCKET_BUFFER_MIN_BYTES 1024
#define INITIAL_WINDOW_DEFAULT  10
#define INITIAL_WINDOW_MAX      1000

const char *const scenario_congestion_names[] = { "reno", "cubic", "bbr", NULL };

const char *
scenario_congestion_to_string (ScenarioCongestion congestion)
{
  return scenario_congestion_names[congestion];
}

static const char *const keys[] = { "congestion-control", "initial-window", "send-buffer",
                                    "user-timeout", "pacing" };
static const char *const pacing_names[] = { "off", "auto", NULL };

/* "auto", or bytes. */
static gint64
read_buffer (const Fields *fields, const char *key)
{
  const ScanEntry *entry = fields_find (fields, key);

  if (!entry || strcmp (entry->value, "auto") == 0)
    return SCENARIO_BUFFER_AUTO;
  return fields_bytes (fields, key, SCENARIO_BUFFER_AUTO, SOCKET_BUFFER_MIN_BYTES, G_MAXUINT32);
}

/* The link's own word, or [scenario]'s for all links. */
static ScenarioCongestion
read_congestion (Reader *reader, const Fields *fields)
{
  static const char key[] = "congestion-control";
  const ScanGroup *head = scan_doc_find (reader->doc, "scenario");
  Fields head_fields = { reader->errors, head };
  const Fields *from = fields;

  if (!fields_find (fields, key) && head && fields_find (&head_fields, key))
    from = &head_fields;
  return (ScenarioCongestion)fields_choice (from, key, SCENARIO_CONGESTION_CUBIC,
                                            scenario_congestion_names);
}

void
reader_check_tcp (Reader *reader)
{
  const ScanGroup *head = scan_doc_find (reader->doc, "scenario");
  Fields fields = { reader->errors, head };
  const ScanEntry *entry = head ? fields_find (&fields, "congestion-control") : NULL;

  if (!entry)
    return;
  for (guint i = 0; i < reader->scenario->links->len; i++)
    if (scenario_get_link (reader->scenario, i)->carrier == SCENARIO_CARRIER_TCP)
      return;
  fields_error (&fields, entry, "no link has carrier = tcp");
}

void
reader_read_tcp (Reader *reader, const Fields *fields, ScenarioLink *link)
{
  ScenarioTcp *tcp = &link->tcp;

  if (link->carrier != SCENARIO_CARRIER_TCP) {
    for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
      const ScanEntry *entry = fields_find (fields, keys[i]);
      if (entry)
        fields_error (fields, entry, "only a link with carrier = tcp has it");
    }
    return;
  }
  tcp->congestion = read_congestion (reader, fields);
  tcp->initial_window =
      fields_count (fields, "initial-window", INITIAL_WINDOW_DEFAULT, 1, INITIAL_WINDOW_MAX);
  tcp->send_buffer_bytes = read_buffer (fields, "send-buffer");
  tcp->user_timeout_ns = fields_time_or_never (fields, "user-timeout", CAIMAN_TIME_NEVER,
                                               CAIMAN_NS_PER_MS, SCENARIO_TIME_MAX_NS);
  tcp->is_paced = fields_choice (fields, "pacing", TRUE, pacing_names);
  link->receive_buffer_bytes = read_buffer (fields, "receive-buffer");
}

static void
print_buffer (GString *text, const char *key, gint64 bytes)
{
  g_autofree char *size = units_format_bytes (bytes);

  g_string_append_printf (text, "%s = %s\n", key, bytes == SCENARIO_BUFFER_AUTO ? "auto" : size);
}

void
scenario_print_tcp (GString *text, const ScenarioLink *link)
{
  const ScenarioTcp *tcp = &link->tcp;
  g_autofree char *timeout = value_format_time (tcp->user_timeout_ns);

  print_buffer (text, "receive-buffer", link->receive_buffer_bytes);
  if (link->carrier != SCENARIO_CARRIER_TCP)
    return;
  print_buffer (text, "send-buffer", tcp->send_buffer_bytes);
  g_string_append_printf (text, "congestion-control = %s\n",
                          scenario_congestion_names[tcp->congestion]);
  g_string_append_printf (text, "initial-window = %" G_GINT64_FORMAT "\n", tcp->initial_window);
  g_string_append_printf (text, "user-timeout = %s\n", timeout);
  g_string_append_printf (text, "pacing = %s\n", pacing_names[tcp->is_paced]);
}
