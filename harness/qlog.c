/* SPDX-License-Identifier: Apache-2.0 */
/* qlog.c - see qlog.h. Four sources, each in order of time, are merged: trace events, rows of
 * events, samples of links and of flows. */
#include "harness/qlog.h"

#include "core/message.h"
#include "core/state-names.h"
#include "harness/trace-stream.h"

#include <errno.h>
#include <string.h>

typedef struct {
  const StoreRun *run;
  FILE *file;
  StoreSide side;
  gboolean has_event; /* a comma is due */
  gboolean has_field;
  TraceStream *stream;
  TraceRecord record; /* the next of the stream that is this side's */
  gboolean has_record;
  gint64 traced_ns; /* time of the last record of either side */
  guint event;      /* the next of run->events */
  guint flow_sample;
  GArray *link_samples, *flow_samples; /* of guint: indexes, by time */
  guint link_sample;
} Qlog;

/* ---- JSON ---- */

static void
put_string (Qlog *qlog, const char *text)
{
  fputc ('"', qlog->file);
  for (const char *c = text ? text : ""; *c; c++) {
    if (*c == '"' || *c == '\\')
      fprintf (qlog->file, "\\%c", *c);
    else if ((guchar)*c < 0x20 || *c == 0x7f)
      fprintf (qlog->file, "\\u%04x", (guchar)*c);
    else
      fputc (*c, qlog->file);
  }
  fputc ('"', qlog->file);
}

static void
put_ms (Qlog *qlog, gint64 ns)
{
  guint64 size_ns = ns < 0 ? 0 - (guint64)ns : (guint64)ns;
  fprintf (qlog->file, "%s%" G_GUINT64_FORMAT ".%06" G_GUINT64_FORMAT, ns < 0 ? "-" : "",
           size_ns / CAIMAN_NS_PER_MS, size_ns % CAIMAN_NS_PER_MS);
}

static void
put_name (Qlog *qlog, const char *name)
{
  fprintf (qlog->file, "%s\"%s\":", qlog->has_field ? "," : "", name);
  qlog->has_field = TRUE;
}

static void
field_string (Qlog *qlog, const char *name, const char *text)
{
  put_name (qlog, name);
  put_string (qlog, text);
}

static void
field_number (Qlog *qlog, const char *name, gint64 value)
{
  put_name (qlog, name);
  fprintf (qlog->file, "%" G_GINT64_FORMAT, value);
}

static void
field_ms (Qlog *qlog, const char *name, gint64 ns)
{
  put_name (qlog, name);
  put_ms (qlog, ns);
}

static void
field_bool (Qlog *qlog, const char *name, gboolean value)
{
  put_name (qlog, name);
  fputs (value ? "true" : "false", qlog->file);
}

/* NULL: not known. */
static const char *
get_link_name (const StoreRun *run, int link)
{
  if (link < 0 || (guint)link >= run->links->len)
    return NULL;
  return g_array_index (run->links, StoreLink, link).name;
}

static void
begin_event (Qlog *qlog, gint64 t_ns, const char *name, int link)
{
  const char *link_name = get_link_name (qlog->run, link);
  fputs (qlog->has_event ? ",\n{" : "\n{", qlog->file);
  qlog->has_event = TRUE;
  qlog->has_field = FALSE;
  field_ms (qlog, "time", t_ns);
  field_string (qlog, "name", name);
  if (link_name != NULL)
    field_string (qlog, "group_id", link_name);
  put_name (qlog, "data");
  fputc ('{', qlog->file);
  qlog->has_field = FALSE;
}

static void
end_event (Qlog *qlog)
{
  fputs ("}}", qlog->file);
}

/* ---- trace events ---- */

static const char *
connection_state_to_string (guint64 state)
{
  return state < CAIMAN_N_CONNECTION_STATES
             ? caiman_connection_state_to_string ((CaimanConnectionState)state)
             : "unknown";
}

static const char *
link_state_to_string (guint64 state)
{
  return state < CAIMAN_N_LINK_STATES ? caiman_link_state_to_string ((CaimanLinkState)state)
                                      : "unknown";
}

static const char *
message_to_string (guint64 type)
{
  return type >= CAIMAN_MESSAGE_WELCOME && type <= CAIMAN_MESSAGE_TERMINATE
             ? caiman_message_type_to_string ((CaimanMessageType)type)
             : "unknown";
}

static void
put_connection_state (Qlog *qlog, guint64 a, guint64 b)
{
  field_string (qlog, "old", connection_state_to_string (a));
  field_string (qlog, "new", connection_state_to_string (b));
}

static void
put_link_state (Qlog *qlog, guint64 a, guint64 b)
{
  field_string (qlog, "old", link_state_to_string (a));
  field_string (qlog, "new", link_state_to_string (b));
}

static void
put_blocked (Qlog *qlog, guint64 a, guint64 b)
{
  field_bool (qlog, "blocked", a != 0);
  field_string (qlog, "by", b != 0 ? "remote" : "local");
}

static void
put_suspected (Qlog *qlog, guint64 a, guint64 b)
{
  field_bool (qlog, "suspected", a != 0);
  field_ms (qlog, "silence", (gint64)b);
}

static void
put_window (Qlog *qlog, guint64 a, guint64 b)
{
  field_number (qlog, "congestion_window", (gint64)b);
}

static void
put_rtt (Qlog *qlog, guint64 a, guint64 b)
{
  field_ms (qlog, "latest_rtt", (gint64)a);
  field_ms (qlog, "smoothed_rtt", (gint64)b);
}

static void
put_control (Qlog *qlog, guint64 a, guint64 b)
{
  field_string (qlog, "message", message_to_string (a));
  field_number (qlog, "value", (gint64)b);
}

static void
put_data (Qlog *qlog, guint64 a, guint64 b)
{
  field_number (qlog, "seq", (gint64)a);
  field_number (qlog, "length", (gint64)b);
}

static void
put_consumed (Qlog *qlog, guint64 a, guint64 b)
{
  field_number (qlog, "length", (gint64)a);
  field_number (qlog, "total", (gint64)b);
}

static void
put_ack (Qlog *qlog, guint64 a, guint64 b)
{
  field_number (qlog, "seq", (gint64)a);
}

static void
put_unknown (Qlog *qlog, guint64 a, guint64 b)
{
  field_number (qlog, "a", (gint64)a);
  field_number (qlog, "b", (gint64)b);
}

typedef struct {
  const char *type; /* as in a trace */
  const char *name; /* as in qlog */
  void (*put) (Qlog *qlog, guint64 a, guint64 b);
} QlogType;

/* By name, since the record may be of a build that numbers types otherwise. */
static const QlogType types[] = {
  { "connection-state", "connectivity:connection_state_updated", put_connection_state },
  { "link-state", "connectivity:link_state_updated", put_link_state },
  { "link-blocked", "connectivity:link_blocked_updated", put_blocked },
  { "link-suspected", "recovery:link_suspected_updated", put_suspected },
  { "link-window", "recovery:metrics_updated", put_window },
  { "link-rtt", "recovery:metrics_updated", put_rtt },
  { "control-sent", "transport:control_sent", put_control },
  { "control-received", "transport:control_received", put_control },
  { "data-sent", "transport:data_sent", put_data },
  { "data-resent", "transport:data_resent", put_data },
  { "data-duplicated", "transport:data_duplicated", put_data },
  { "data-acked", "recovery:data_acked", put_data },
  { "data-received", "transport:data_received", put_data },
  { "duplicate-received", "transport:duplicate_received", put_data },
  { "data-delivered", "transport:data_delivered", put_data },
  { "data-consumed", "transport:data_consumed", put_consumed },
  { "ack-sent", "transport:ack_sent", put_ack },
};

static QlogType
find_type (const char *type)
{
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++) {
    if (strcmp (types[i].type, type) == 0)
      return types[i];
  }
  return (QlogType) { type, "caiman:unknown", put_unknown };
}

static void
write_typed (Qlog *qlog, gint64 t_ns, const char *type_name, int link, guint64 a, guint64 b,
             const char *reason)
{
  QlogType type = find_type (type_name);
  begin_event (qlog, t_ns, type.name, link);
  type.put (qlog, a, b);
  if (type.put == put_unknown)
    field_string (qlog, "type", type_name);
  if (reason != NULL && *reason != '\0' && strcmp (reason, "none") != 0)
    field_string (qlog, "trigger", reason);
  end_event (qlog);
}

/* ---- samples and what the scenario did ---- */

static void
write_marker (Qlog *qlog, const StoreEvent *event)
{
  begin_event (qlog, event->t_ns, "simulation:marker", event->link);
  field_string (qlog, "type", event->kind);
  field_string (qlog, "message", event->text);
  end_event (qlog);
}

static void
write_link_sample (Qlog *qlog, const StoreLinkSample *sample)
{
  begin_event (qlog, sample->t_ns, "recovery:metrics_updated", (int)sample->link);
  if (sample->rtt_ns >= 0)
    field_ms (qlog, "smoothed_rtt", sample->rtt_ns);
  field_number (qlog, "bytes_in_flight", sample->in_flight_bytes);
  field_number (qlog, "congestion_window", sample->limit_bytes);
  field_string (qlog, "link_state", sample->state);
  if (sample->hold != NULL)
    field_string (qlog, "hold", sample->hold);
  field_number (qlog, "sent_bytes", sample->sent_bytes);
  field_number (qlog, "acked_bytes", sample->delivered_bytes);
  field_number (qlog, "resent_bytes", sample->resent_bytes);
  field_number (qlog, "queue_bytes", sample->queue_bytes);
  end_event (qlog);
}

static void
write_flow_sample (Qlog *qlog, const StoreFlowSample *sample)
{
  const GArray *flows = qlog->run->flows;
  begin_event (qlog, sample->t_ns, "caiman:flow_updated", -1);
  if (sample->flow < flows->len)
    field_string (qlog, "flow", g_array_index (flows, StoreFlow, sample->flow).name);
  field_number (qlog, "offered_bytes", sample->offered_bytes);
  field_number (qlog, "delivered_bytes", sample->delivered_bytes);
  field_number (qlog, "reorder_bytes", sample->reorder_bytes);
  end_event (qlog);
}

static gint
compare_link_samples (gconstpointer a, gconstpointer b, gpointer run)
{
  const GArray *samples = ((const StoreRun *)run)->link_samples;
  guint i = *(const guint *)a, k = *(const guint *)b;
  gint64 ti = g_array_index (samples, StoreLinkSample, i).t_ns;
  gint64 tk = g_array_index (samples, StoreLinkSample, k).t_ns;
  return ti != tk ? (ti < tk ? -1 : 1) : i < k ? -1 : i > k;
}

static gint
compare_flow_samples (gconstpointer a, gconstpointer b, gpointer run)
{
  const GArray *samples = ((const StoreRun *)run)->flow_samples;
  guint i = *(const guint *)a, k = *(const guint *)b;
  gint64 ti = g_array_index (samples, StoreFlowSample, i).t_ns;
  gint64 tk = g_array_index (samples, StoreFlowSample, k).t_ns;
  return ti != tk ? (ti < tk ? -1 : 1) : i < k ? -1 : i > k;
}

static void
order_samples (Qlog *qlog)
{
  StoreRun *run = (StoreRun *)qlog->run;
  qlog->link_samples = g_array_new (FALSE, FALSE, sizeof (guint));
  qlog->flow_samples = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint i = 0; i < run->link_samples->len; i++) {
    if (g_array_index (run->link_samples, StoreLinkSample, i).side == qlog->side)
      g_array_append_val (qlog->link_samples, i);
  }
  for (guint i = 0; i < run->flow_samples->len; i++)
    g_array_append_val (qlog->flow_samples, i);
  g_array_sort_with_data (qlog->link_samples, compare_link_samples, run);
  g_array_sort_with_data (qlog->flow_samples, compare_flow_samples, run);
}

/* ---- the four sources ---- */

static void
advance_record (Qlog *qlog)
{
  const ScenarioSide side =
      qlog->side == STORE_SIDE_CLIENT ? SCENARIO_SIDE_CLIENT : SCENARIO_SIDE_SERVER;
  do {
    qlog->has_record = trace_stream_next (qlog->stream, &qlog->record);
    if (qlog->has_record)
      qlog->traced_ns = qlog->record.time_ns;
  } while (qlog->has_record && qlog->record.side != side);
}

/* Rows of the other side are left out, and changes of state of this one while the trace has them:
 * those up to the last trace event that was kept. */
static gboolean
is_row_wanted (const Qlog *qlog, const StoreEvent *event)
{
  if (event->side == STORE_SIDE_HARNESS)
    return TRUE;
  return event->side == qlog->side && !qlog->has_record && event->t_ns > qlog->traced_ns;
}

static const StoreEvent *
peek_event (Qlog *qlog)
{
  const GArray *events = qlog->run->events;
  for (; qlog->event < events->len; qlog->event++) {
    const StoreEvent *event = &g_array_index (events, StoreEvent, qlog->event);
    if (is_row_wanted (qlog, event))
      return event;
    if (qlog->has_record && event->t_ns > qlog->record.time_ns)
      return NULL; /* not its turn before the record's */
  }
  return NULL;
}

static void
write_row (Qlog *qlog, const StoreEvent *event)
{
  if (event->side == STORE_SIDE_HARNESS)
    write_marker (qlog, event);
  else
    write_typed (qlog, event->t_ns, event->kind, event->link, (guint64)event->a, (guint64)event->b,
                 event->reason);
  qlog->event++;
}

static const StoreLinkSample *
peek_link_sample (const Qlog *qlog)
{
  if (qlog->link_sample >= qlog->link_samples->len)
    return NULL;
  return &g_array_index (qlog->run->link_samples, StoreLinkSample,
                         g_array_index (qlog->link_samples, guint, qlog->link_sample));
}

static const StoreFlowSample *
peek_flow_sample (const Qlog *qlog)
{
  if (qlog->flow_sample >= qlog->flow_samples->len)
    return NULL;
  return &g_array_index (qlog->run->flow_samples, StoreFlowSample,
                         g_array_index (qlog->flow_samples, guint, qlog->flow_sample));
}

/* Writes what is first of the four. FALSE: all are empty. */
static gboolean
write_next (Qlog *qlog)
{
  const StoreEvent *event = peek_event (qlog);
  const StoreLinkSample *link_sample = peek_link_sample (qlog);
  const StoreFlowSample *flow_sample = peek_flow_sample (qlog);
  gint64 record_ns = qlog->has_record ? qlog->record.time_ns : G_MAXINT64;
  gint64 event_ns = event ? event->t_ns : G_MAXINT64;
  gint64 link_ns = link_sample ? link_sample->t_ns : G_MAXINT64;
  gint64 flow_ns = flow_sample ? flow_sample->t_ns : G_MAXINT64;
  gint64 first_ns = MIN (MIN (record_ns, event_ns), MIN (link_ns, flow_ns));

  if (event && event_ns == first_ns) {
    write_row (qlog, event);
  } else if (qlog->has_record && record_ns == first_ns) {
    const TraceRecord *record = &qlog->record;
    write_typed (qlog, record_ns, record->type, record->link, record->a, record->b, record->reason);
    advance_record (qlog);
  } else if (link_sample && link_ns == first_ns) {
    write_link_sample (qlog, link_sample);
    qlog->link_sample++;
  } else if (flow_sample) {
    write_flow_sample (qlog, flow_sample);
    qlog->flow_sample++;
  } else {
    return FALSE;
  }
  return TRUE;
}

/* ---- the file ---- */

static void
write_scenario (Qlog *qlog)
{
  const StoreRun *run = qlog->run;
  begin_event (qlog, 0, "simulation:scenario", -1);
  field_string (qlog, "name", run->scenario_name);
  put_name (qlog, "details");
  fputc ('{', qlog->file);
  qlog->has_field = FALSE;
  field_number (qlog, "seed", run->seed);
  field_string (qlog, "policy", run->policy);
  field_string (qlog, "testbed", run->testbed);
  field_string (qlog, "hash", run->scenario_hash);
  if (run->variant != NULL)
    field_string (qlog, "variant", run->variant);
  field_string (qlog, "build", run->git_id);
  fputc ('}', qlog->file);
  end_event (qlog);
}

/* FALSE: the trace events are damaged. */
static gboolean
write_trace (const StoreRun *run, StoreSide side, FILE *file)
{
  Qlog qlog = { .run = run, .file = file, .side = side, .traced_ns = -1 };
  const char *name = store_side_to_string (side);

  qlog.stream = trace_stream_new (run);
  order_samples (&qlog);
  fprintf (file,
           "{\"title\":\"%s\",\"vantage_point\":{\"name\":\"%s\",\"type\":\"%s\"},"
           "\"common_fields\":{\"time_format\":\"relative\",\"reference_time\":0,"
           "\"protocol_type\":[\"LIAG\"]},\"events\":[",
           name, name, name);
  write_scenario (&qlog);
  advance_record (&qlog);
  while (write_next (&qlog)) {
  }
  fputs ("\n]}", file);
  gboolean is_sound = !trace_stream_is_damaged (qlog.stream);
  trace_stream_free (qlog.stream);
  g_array_unref (qlog.link_samples);
  g_array_unref (qlog.flow_samples);
  return is_sound;
}

gboolean
qlog_write (const StoreRun *run, QlogSides sides, FILE *file, gint64 *missing_out, GError **error)
{
  Qlog head = { .run = run, .file = file };
  g_autofree char *title =
      g_strdup_printf ("%s, seed %" G_GINT64_FORMAT, run->scenario_name, run->seed);
  gboolean is_sound = TRUE;

  *missing_out = MAX (run->n_events - store_run_get_kept_events (run), 0);
  errno = 0;
  fputs ("{\"qlog_version\":\"0.3\",\"qlog_format\":\"JSON\",\"title\":", file);
  put_string (&head, title);
  fputs (",\"traces\":[\n", file);
  if (sides & QLOG_CLIENT)
    is_sound &= write_trace (run, STORE_SIDE_CLIENT, file);
  if (sides == (QLOG_CLIENT | QLOG_SERVER))
    fputs (",\n", file);
  if (sides & QLOG_SERVER)
    is_sound &= write_trace (run, STORE_SIDE_SERVER, file);
  fputs ("\n]}\n", file);
  if (fflush (file) != 0 || ferror (file)) {
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "cannot write: %s",
                 g_strerror (errno));
    return FALSE;
  }
  if (!is_sound)
    g_set_error (error, STORE_ERROR, STORE_ERROR_FAILED,
                 "the recorded events of run %" G_GINT64_FORMAT " are damaged", run->id);
  return is_sound;
}
