/* SPDX-License-Identifier: Apache-2.0 */
/* tap.c - see tap.h. */
#include "reports/tap.h"

#include "reports/format.h"

#define CLASS_SKIPPED 77

/* A description: one line, in which '#' would begin a directive and '\' would escape. */
static void
append_description (GString *out, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  for (const char *p = valid; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    if (c == '#' || c == '\\')
      g_string_append_c (out, '\\');
    g_string_append_unichar (out, g_unichar_iscntrl (c) ? ' ' : c);
  }
}

/* A YAML scalar in double quotes. */
static void
append_quoted (GString *out, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_string_append_c (out, '"');
  for (const char *p = valid; *p; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    if (c == '"' || c == '\\')
      g_string_append_printf (out, "\\%c", (char)c);
    else if (g_unichar_iscntrl (c))
      g_string_append_c (out, ' ');
    else
      g_string_append_unichar (out, c);
  }
  g_string_append_c (out, '"');
}

static void
append_member (GString *out, const char *indent, const char *key, const char *value)
{
  g_string_append_printf (out, "%s%s: ", indent, key);
  append_quoted (out, value);
  g_string_append_c (out, '\n');
}

static void
append_expectations (GString *out, const StoreRun *run)
{
  gboolean has_head = FALSE;
  for (guint i = 0; i < run->expectations->len; i++) {
    const StoreExpectation *e = &g_array_index (run->expectations, StoreExpectation, i);
    if (e->held)
      continue;
    if (!has_head)
      g_string_append (out, "  failed:\n");
    has_head = TRUE;
    append_member (out, "    - ", "name", e->name);
    append_member (out, "      ", "expected", e->bound);
    append_member (out, "      ", "got", e->actual ? e->actual : "nothing");
  }
}

static void
append_diagnostics (GString *out, const StoreRun *run, const char *const *problems,
                    const char *db_path)
{
  g_string_append (out, "  ---\n");
  append_member (out, "  ", "message",
                 run->finished ? format_exit_class (run->exit_class) : "UNFINISHED");
  append_member (out, "  ", "outcome", run->outcome ? run->outcome : "none");
  if (problems && problems[0])
    g_string_append (out, "  problems:\n");
  for (gsize i = 0; problems && problems[i]; i++) {
    g_string_append (out, "    - ");
    append_quoted (out, problems[i]);
    g_string_append_c (out, '\n');
  }
  append_expectations (out, run);
  if (db_path && run->id > 0) {
    g_autofree char *quoted = g_shell_quote (db_path);
    g_autofree char *command =
        g_strdup_printf ("caiman replay %s %" G_GINT64_FORMAT, quoted, run->id);
    append_member (out, "  ", "replay", command);
  }
  g_string_append (out, "  ...\n");
}

char *
tap_format_run (guint number, const StoreRun *run, const char *const *problems, const char *db_path)
{
  GString *out = g_string_new (NULL);
  gboolean is_skipped = run->finished && run->exit_class == CLASS_SKIPPED;
  gboolean is_ok = run->finished && (run->exit_class == 0 || is_skipped);
  g_autofree char *name = g_strdup_printf (
      "%s, seed %" G_GINT64_FORMAT ", %s, %s%s%s", run->scenario_name, run->seed, run->policy,
      run->testbed, run->variant ? ", " : "", run->variant ? run->variant : "");
  g_string_append_printf (out, "%s %u - ", is_ok ? "ok" : "not ok", number);
  append_description (out, name);
  if (is_skipped) {
    g_string_append (out, " # SKIP ");
    append_description (out, problems && problems[0] ? problems[0]
                             : run->outcome          ? run->outcome
                                                     : "");
  }
  g_string_append_c (out, '\n');
  if (!is_ok)
    append_diagnostics (out, run, problems, db_path);
  return g_string_free (out, FALSE);
}

char *
tap_format_end (guint n_runs, const char *why_not)
{
  if (!why_not)
    return g_strdup_printf ("1..%u%s\n", n_runs, n_runs == 0 ? " # SKIP no runs" : "");
  GString *out = g_string_new ("Bail out! ");
  append_description (out, why_not);
  g_string_append_c (out, '\n');
  return g_string_free (out, FALSE);
}
