/* SPDX-License-Identifier: Apache-2.0 */
/* verb-export.c - caiman export: one recorded run for other programs, as qlog or as packets. */
#include "harness/qlog.h"
#include "harness/recapture.h"
#include "harness/run.h"
#include "reports/query.h"
#include "tools/tool.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

typedef struct {
  char *format, *output, *side;
  gboolean has_side;
  ScenarioSide at;
} ExportVerb;

static int
export_qlog (const ExportVerb *verb, const StoreRun *run, FILE *file)
{
  g_autoptr (GError) error = NULL;
  gint64 n_missing;
  QlogSides sides = QLOG_CLIENT | QLOG_SERVER;
  if (verb->has_side)
    sides = verb->at == SCENARIO_SIDE_CLIENT ? QLOG_CLIENT : QLOG_SERVER;
  if (!qlog_write (run, sides, file, &n_missing, &error)) {
    tool_error ("%s", error->message);
    return RUN_EXIT_INTERNAL;
  }
  if (n_missing > 0)
    tool_error ("run %" G_GINT64_FORMAT " had %" G_GINT64_FORMAT
                " events more, which are not recorded (run --keep-events N): of those the changes"
                " of state are there alone",
                run->id, n_missing);
  return RUN_EXIT_HELD;
}

static int
export_pcapng (const ExportVerb *verb, const StoreRun *run, FILE *file)
{
  g_autoptr (GError) error = NULL;
  guint64 n_packets = 0;
  ScenarioSide side = verb->has_side ? verb->at : SCENARIO_SIDE_CLIENT;
  RecaptureVerdict verdict = recapture_run (run, side, file, &n_packets, &error);
  if (error != NULL)
    tool_error ("%s", error->message);
  else if (!tool_is_quiet ())
    g_printerr ("%" G_GUINT64_FORMAT " packets, as the %s sees them\n", n_packets,
                scenario_side_to_string (side));
  switch (verdict) {
  case RECAPTURE_SAME:
    return RUN_EXIT_HELD;
  case RECAPTURE_DIFFERENT:
    return RUN_EXIT_EXPECTATION;
  case RECAPTURE_REFUSED:
    return EXIT_STATUS_USAGE;
  case RECAPTURE_FAILED:
    break;
  }
  return RUN_EXIT_INTERNAL;
}

/* Whether both names are of one file. */
static gboolean
is_same_file (const char *a, const char *b)
{
  GStatBuf x, y;
  return g_stat (a, &x) == 0 && g_stat (b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* NULL: told. */
static FILE *
open_output (const ExportVerb *verb, const char *db)
{
  if (strcmp (verb->output, "-") == 0)
    return stdout;
  if (is_same_file (verb->output, db)) {
    tool_error ("%s is the database itself: choose another file", verb->output);
    return NULL;
  }
  FILE *file = fopen (verb->output, "we");
  if (file == NULL)
    tool_error ("%s: %s", verb->output, g_strerror (errno));
  return file;
}

static int
export_run (const ExportVerb *verb, const char *db, const StoreRun *run)
{
  FILE *file = open_output (verb, db);
  if (file == NULL)
    return EXIT_STATUS_USAGE;
  int status = strcmp (verb->format, "qlog") == 0 ? export_qlog (verb, run, file)
                                                  : export_pcapng (verb, run, file);
  if (file != stdout && fclose (file) != 0 && status == RUN_EXIT_HELD) {
    tool_error ("%s: %s", verb->output, g_strerror (errno));
    status = RUN_EXIT_INTERNAL;
  }
  if (file != stdout && status == EXIT_STATUS_USAGE)
    g_unlink (verb->output); /* nothing is in it */
  return status;
}

/* FALSE: told. */
static gboolean
check_options (ExportVerb *verb)
{
  if (verb->format == NULL ||
      (strcmp (verb->format, "qlog") != 0 && strcmp (verb->format, "pcapng") != 0)) {
    tool_error ("--format takes qlog or pcapng%s%s%s", verb->format ? ", and not '" : "",
                verb->format ? verb->format : "", verb->format ? "'" : "");
    return FALSE;
  }
  if (verb->output == NULL) {
    tool_error ("-o FILE is missing; '-' is standard output");
    return FALSE;
  }
  verb->has_side = verb->side != NULL;
  if (!verb->has_side)
    return TRUE;
  for (ScenarioSide side = 0; side < SCENARIO_N_SIDES; side++) {
    verb->at = side;
    if (strcmp (verb->side, scenario_side_to_string (side)) == 0)
      return TRUE;
  }
  tool_error ("--side takes client or server, and not '%s'", verb->side);
  return FALSE;
}

static int
export_id (ExportVerb *verb, const char *db, const char *id_text)
{
  g_autoptr (GError) error = NULL;
  gint64 id;
  if (!check_options (verb) || !tool_parse_run_id (id_text, &id))
    return EXIT_STATUS_USAGE;
  g_autoptr (Store) store = store_open (db, STORE_OPEN_READ_ONLY, &error);
  if (store == NULL)
    return tool_fail (error);
  QueryParts parts = strcmp (verb->format, "qlog") == 0 ? QUERY_ALL : QUERY_HEAD;
  g_autoptr (StoreRun) run = query_load_run (store, id, parts, &error);
  if (run == NULL)
    return tool_fail (error);
  return export_run (verb, db, run);
}

int
verb_export (int argc, char **argv)
{
  int status;
  ExportVerb verb = { 0 };
  const GOptionEntry entries[] = {
    { "format", 0, 0, G_OPTION_ARG_STRING, &verb.format,
      "qlog: events and samples, as JSON; pcapng: packets, for Wireshark", "FORMAT" },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &verb.output, "Write there; '-' is standard output",
      "FILE" },
    { "side", 0, 0, G_OPTION_ARG_STRING, &verb.side,
      "client or server: where packets are seen (default client); of qlog its trace alone",
      "SIDE" },
    G_OPTION_ENTRY_NULL,
  };
  if (tool_parse (&argc, &argv, entries, "DB RUN",
                  "Writes one recorded run for other programs: what both sides did, as qlog, or\n"
                  "the packets on the simulated links, as pcapng. For packets the run is run\n"
                  "again, and compared with the recorded one. In Wireshark the dissector\n"
                  "tools/wireshark/caiman.lua shows the messages.",
                  "Exit status: 0, 1 the packets are not those of the recorded run, 2 usage, no\n"
                  "such run, or one without packets, 70 internal or database error.",
                  2, 2, &status))
    status = export_id (&verb, argv[1], argv[2]);
  g_free (verb.format);
  g_free (verb.output);
  g_free (verb.side);
  return status;
}
