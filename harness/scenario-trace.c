/* SPDX-License-Identifier: Apache-2.0 */
/* scenario-trace.c - [trace NAME], and files of traces.
 *
 * When a scenario comes from a file, the files that it names are read at once, and their contents
 * take the place of their names: "rate = trace(lte.mahi)" becomes "rate = trace(lte)" and a group
 * [trace lte] with the data as words (sim/trace-file.h). So all that comes after, and above all the
 * resolved text that is stored with a run, needs no file. */
#include "harness/scenario-private.h"

#include "sim/trace-file.h"

#include <errno.h>
#include <string.h>

/* Of all traces of a scenario together, as words: the resolved text must stay below what the
 * scanner reads. */
#define WORDS_MAX_BYTES (SCAN_TEXT_MAX_BYTES / 4 * 3)
/* Of a line of words. */
#define DATA_LINE_BYTES 4000

static const char *const kind_names[] = { "opportunities", "steps", NULL };
static const char *const field_names[] = { "rate", "delay", "loss", NULL };

void
scenario_trace_free (gpointer data)
{
  ScenarioTrace *trace = data;
  g_free (trace->name);
  sim_trace_unref (trace->trace);
  g_free (trace);
}

/* ---- writing a group ---- */

static char *
format_fields (const SimTrace *trace)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; field_names[i]; i++)
    if (sim_trace_get_fields (trace) & 1u << i)
      g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", field_names[i]);
  return g_string_free (text, FALSE);
}

static void
set_group (ScanGroup *group, const SimTrace *trace, ScanPlace place)
{
  g_autofree char *words = sim_trace_format_words (trace);
  g_autofree char *fields = format_fields (trace);
  guint line = 0;

  scan_group_set (group, "kind", kind_names[sim_trace_get_kind (trace)], place);
  if (sim_trace_get_kind (trace) == SIM_TRACE_STEPS)
    scan_group_set (group, "columns", fields, place);
  for (const char *rest = words; *rest;) {
    gsize size = strlen (rest);
    if (size > DATA_LINE_BYTES)
      for (size = DATA_LINE_BYTES; rest[size] != ' ';)
        size--;
    g_autofree char *key = g_strdup_printf ("data-%u", ++line);
    g_autofree char *value = g_strndup (rest, size);
    scan_group_set (group, key, value, place);
    rest += size;
    while (*rest == ' ')
      rest++;
  }
}

void
scenario_trace_print (GString *text, const ScenarioTrace *trace)
{
  g_autoptr (ScanDoc) doc = scan_doc_new ();
  ScanGroup *group = scan_doc_add (doc, trace->name, (ScanPlace) { 0, 0 });

  set_group (group, trace->trace, group->place);
  g_string_append_printf (text, "\n[trace %s]\n", trace->name);
  for (guint i = 0; i < group->entries->len; i++) {
    const ScanEntry *entry = g_ptr_array_index (group->entries, i);
    g_string_append_printf (text, "%s = %s\n", entry->key, entry->value);
  }
}

/* ---- files ---- */

typedef struct {
  ScanDoc *doc;
  ScanErrors *errors;
  GHashTable *names; /* path to name of the trace; looked up only */
  gsize words_bytes;
} Loading;

/* A path relative to the file in which @place is. */
static char *
make_path (const Loading *loading, ScanPlace place, const char *file)
{
  g_autofree char *dir = g_path_get_dirname (scan_errors_get_file (loading->errors, place.file));

  if (g_path_is_absolute (file) || strcmp (dir, ".") == 0)
    return g_strdup (file);
  return g_build_filename (dir, file, NULL);
}

/* (nullable) The text of a file that is not too large. */
static char *
read_file (const char *path, gsize *size_out, char **problem_out)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GMappedFile) mapped = g_mapped_file_new (path, FALSE, &error);

  if (!mapped) {
    *problem_out =
        g_strdup (g_file_test (path, G_FILE_TEST_EXISTS) ? error->message : "no such file");
    return NULL;
  }
  *size_out = g_mapped_file_get_length (mapped);
  if (*size_out > SIM_TRACE_FILE_MAX_BYTES) {
    *problem_out = g_strdup ("it is larger than 16 MiB");
    return NULL;
  }
  return *size_out > 0 ? g_memdup2 (g_mapped_file_get_contents (mapped), *size_out) : g_strdup ("");
}

/* (nullable) NULL: noted. What is wrong inside the file is told at its own line. */
static SimTrace *
load_trace (Loading *loading, const ScanEntry *entry, const char *path)
{
  g_autofree char *problem = NULL;
  gsize size;
  guint line;
  g_autofree char *text = read_file (path, &size, &problem);
  SimTrace *trace;

  if (!text) {
    scan_errors_add (loading->errors, entry->place, "%s: cannot read '%s': %s", entry->key, path,
                     problem);
    return NULL;
  }
  trace = sim_trace_parse_file (text, size, &line, &problem);
  if (!trace) {
    ScanPlace place = { scan_errors_add_file (loading->errors, path), line };
    scan_errors_add (loading->errors, place, "%s", problem);
  }
  return trace;
}

/* Puts what is in the file at @path into @group. */
static void
fill_group (Loading *loading, ScanGroup *group, const ScanEntry *entry, const char *path)
{
  g_autoptr (SimTrace) trace = load_trace (loading, entry, path);
  g_autofree char *words = trace ? sim_trace_format_words (trace) : NULL;

  if (!trace)
    return;
  loading->words_bytes += strlen (words);
  if (loading->words_bytes > WORDS_MAX_BYTES) {
    scan_errors_add (loading->errors, entry->place,
                     "%s: the traces are too long to be kept with the runs: %" G_GSIZE_FORMAT
                     " KiB in short form, at most %d; cut them or round their times",
                     entry->key, loading->words_bytes / 1024, WORDS_MAX_BYTES / 1024);
    return;
  }
  set_group (group, trace, entry->place);
}

/* "dir/lte trace.mahi" to "lte-trace", or "lte-trace-2" when there is one. */
static char *
invent_name (const Loading *loading, const char *path)
{
  g_autofree char *base = g_path_get_basename (path);
  char *dot = strchr (base + 1, '.');
  g_autofree char *name = NULL;

  if (dot)
    *dot = '\0';
  for (char *p = base; *p; p++)
    if (!g_ascii_isalnum (*p) && *p != '-' && *p != '_')
      *p = '-';
  for (guint i = 1;; i++) {
    name = i == 1 ? g_strndup (base, 50) : g_strdup_printf ("%.50s-%u", base, i);
    g_autofree char *group = g_strdup_printf ("trace %s", name);
    if (!scan_doc_find (loading->doc, group))
      return g_steal_pointer (&name);
    g_clear_pointer (&name, g_free);
  }
}

/* "trace(FILE)" becomes "trace(NAME)"; each file is read once. */
static void
replace_file (Loading *loading, ScanEntry *entry)
{
  g_auto (GStrv) call = scan_call (entry->value);
  const char *name;

  if (!call || strcmp (call[0], "trace") != 0 || !call[1] || call[2] || !strpbrk (call[1], "./"))
    return;
  g_autofree char *path = make_path (loading, entry->place, call[1]);
  name = g_hash_table_lookup (loading->names, path);
  if (!name) {
    char *invented = invent_name (loading, path);
    g_autofree char *group_name = g_strdup_printf ("trace %s", invented);
    fill_group (loading, scan_doc_add (loading->doc, group_name, entry->place), entry, path);
    g_hash_table_insert (loading->names, g_strdup (path), invented);
    name = invented;
  }
  g_free (entry->value);
  entry->value = g_strdup_printf ("trace(%s)", name);
}

static void
load_group_file (Loading *loading, ScanGroup *group)
{
  const ScanEntry *entry = scan_group_find (group, "file");

  if (!entry)
    return;
  if (group->entries->len > 1) {
    scan_errors_add (loading->errors, entry->place, "file: a trace from a file has no other key");
    g_ptr_array_set_size (group->entries, 0);
    return;
  }
  g_autofree char *path = make_path (loading, entry->place, entry->value);
  ScanEntry copy = { g_strdup ("file"), NULL, entry->place };
  scan_group_remove (group, "file");
  fill_group (loading, group, &copy, path);
  g_free (copy.key);
}

void
scenario_traces_load (ScanDoc *doc, ScanErrors *errors)
{
  Loading loading = { .doc = doc,
                      .errors = errors,
                      .names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free) };
  guint n_groups = doc->groups->len; /* those that are added need nothing */

  for (guint i = 0; i < n_groups; i++) {
    ScanGroup *group = g_ptr_array_index (doc->groups, i);
    gboolean takes_traces =
        reader_get_name (group, "link") || reader_get_name (group, "bottleneck");
    if (reader_get_name (group, "trace"))
      load_group_file (&loading, group);
    for (guint k = 0; takes_traces && k < group->entries->len; k++)
      replace_file (&loading, g_ptr_array_index (group->entries, k));
  }
  g_hash_table_unref (loading.names);
}

/* ---- reading a group ---- */

static SimTraceFields
read_columns (const Fields *fields)
{
  const ScanEntry *entry = fields_require (fields, "columns");
  g_auto (GStrv) words = entry ? scan_split (entry->value, ',') : NULL;
  guint columns = 0;

  for (guint i = 0; words && words[i]; i++) {
    int index = value_find_name (field_names, words[i]);
    if (index < 0 || columns >= 1u << index)
      fields_error (fields, entry, "columns are 'rate', 'delay' and 'loss', in this order");
    else
      columns |= 1u << index;
  }
  return columns;
}

/* (transfer full) The words of data-1, data-2, ...; notes all keys that are none of the group's. */
static char *
read_data (const Fields *fields, gboolean has_columns)
{
  GString *text = g_string_new (NULL);
  guint line = 0;

  for (guint i = 0; i < fields->group->entries->len; i++) {
    const ScanEntry *entry = g_ptr_array_index (fields->group->entries, i);
    g_autofree char *expected = g_strdup_printf ("data-%u", line + 1);
    if (strcmp (entry->key, "kind") == 0 || (has_columns && strcmp (entry->key, "columns") == 0))
      continue;
    if (strcmp (entry->key, "file") == 0)
      fields_error (fields, entry, "a text in memory reads no files");
    else if (strcmp (entry->key, expected) != 0)
      fields_error (fields, entry,
                    "the keys of a trace are 'kind', 'columns' (of steps), and "
                    "'data-1', 'data-2' and so on; or 'file' alone");
    else
      g_string_append_printf (text, "%s%s", line++ > 0 ? " " : "", entry->value);
  }
  return g_string_free (text, FALSE);
}

static void
read_trace (Reader *reader, const ScanGroup *group, const char *name)
{
  Fields fields = { reader->errors, group };
  SimTraceKind kind;
  SimTraceFields columns = 0;
  g_autofree char *problem = NULL;
  SimTrace *trace;

  /* Nothing could be loaded: told already. */
  if (group->entries->len == 0 && scan_errors_count (reader->errors) > 0)
    return;
  if (!scan_group_find (group, "file"))
    fields_require (&fields, "kind");
  kind = (SimTraceKind)fields_choice (&fields, "kind", SIM_TRACE_OPPORTUNITIES, kind_names);
  if (kind == SIM_TRACE_STEPS)
    columns = read_columns (&fields);
  g_autofree char *words = read_data (&fields, kind == SIM_TRACE_STEPS);
  trace = sim_trace_parse_words (kind, columns, words, &problem);
  if (!trace) {
    fields_group_error (&fields, "%s", problem);
    return;
  }
  ScenarioTrace *item = g_new0 (ScenarioTrace, 1);
  item->name = g_strdup (name);
  item->trace = trace;
  item->line = group->place.line;
  g_ptr_array_add (reader->scenario->traces, item);
}

void
reader_read_traces (Reader *reader)
{
  for (guint i = 0; i < reader->doc->groups->len; i++) {
    const ScanGroup *group = g_ptr_array_index (reader->doc->groups, i);
    const char *name = reader_get_name (group, "trace");
    if (name && scenario_find_trace (reader->scenario, name) < 0 &&
        reader->scenario->traces->len < SCENARIO_ITEMS_MAX)
      read_trace (reader, group, name);
  }
}

gboolean
reader_take_trace (Reader *reader, const Fields *fields, const ScanEntry *entry, guint field,
                   guint *number_out)
{
  g_auto (GStrv) call = scan_call (entry->value);
  int index;

  if (!call || strcmp (call[0], "trace") != 0)
    return FALSE;
  if (!call[1] || call[1][0] == '\0' || call[2]) {
    fields_error (fields, entry, "a trace is written trace(FILE) or trace(NAME)");
    return TRUE;
  }
  index = scenario_find_trace (reader->scenario, call[1]);
  if (index < 0) {
    g_autofree char *group = g_strdup_printf ("trace %s", call[1]);
    if (!scan_doc_find (reader->doc, group))
      fields_error (fields, entry,
                    strpbrk (call[1], "./") ? "'%s' is not in the file itself: a trace that is set "
                                              "from elsewhere needs a group [trace NAME] there"
                                            : "there is no [trace %s]",
                    call[1]);
    return TRUE;
  }
  if (!(sim_trace_get_fields (scenario_get_trace (reader->scenario, index)->trace) & field))
    fields_error (fields, entry, "the trace '%s' has no column for it", call[1]);
  *number_out = (guint)index + 1;
  return TRUE;
}
