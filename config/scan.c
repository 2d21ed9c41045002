/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c - lines to groups and entries. */
#include "config/scan.h"

#include <string.h>

#define NAME_MAX_BYTES 63

static void
entry_free (gpointer data)
{
  ScanEntry *entry = data;
  g_free (entry->key);
  g_free (entry->value);
  g_free (entry);
}

static void
group_free (gpointer data)
{
  ScanGroup *group = data;
  g_free (group->name);
  g_ptr_array_unref (group->entries);
  g_free (group);
}

ScanDoc *
scan_doc_new (void)
{
  ScanDoc *doc = g_new0 (ScanDoc, 1);
  doc->groups = g_ptr_array_new_with_free_func (group_free);
  return doc;
}

void
scan_doc_free (ScanDoc *doc)
{
  if (!doc)
    return;
  g_ptr_array_unref (doc->groups);
  g_free (doc);
}

ScanDoc *
scan_doc_copy (const ScanDoc *doc)
{
  ScanDoc *copy = scan_doc_new ();

  for (guint i = 0; i < doc->groups->len; i++) {
    const ScanGroup *group = g_ptr_array_index (doc->groups, i);
    ScanGroup *group_copy = scan_doc_add (copy, group->name, group->place);
    for (guint j = 0; j < group->entries->len; j++) {
      const ScanEntry *entry = g_ptr_array_index (group->entries, j);
      scan_group_set (group_copy, entry->key, entry->value, entry->place);
    }
  }
  return copy;
}

ScanGroup *
scan_doc_find (const ScanDoc *doc, const char *name)
{
  for (guint i = 0; i < doc->groups->len; i++) {
    ScanGroup *group = g_ptr_array_index (doc->groups, i);
    if (strcmp (group->name, name) == 0)
      return group;
  }
  return NULL;
}

ScanGroup *
scan_doc_add (ScanDoc *doc, const char *name, ScanPlace place)
{
  ScanGroup *group = g_new0 (ScanGroup, 1);
  group->name = g_strdup (name);
  group->place = place;
  group->entries = g_ptr_array_new_with_free_func (entry_free);
  g_ptr_array_add (doc->groups, group);
  return group;
}

ScanEntry *
scan_group_find (const ScanGroup *group, const char *key)
{
  for (guint i = 0; i < group->entries->len; i++) {
    ScanEntry *entry = g_ptr_array_index (group->entries, i);
    if (strcmp (entry->key, key) == 0)
      return entry;
  }
  return NULL;
}

void
scan_group_set (ScanGroup *group, const char *key, const char *value, ScanPlace place)
{
  ScanEntry *entry = scan_group_find (group, key);

  if (!entry) {
    entry = g_new0 (ScanEntry, 1);
    entry->key = g_strdup (key);
    g_ptr_array_add (group->entries, entry);
  }
  char *old_value = entry->value;
  entry->value = g_strdup (value);
  entry->place = place;
  g_free (old_value);
}

void
scan_group_remove (ScanGroup *group, const char *key)
{
  ScanEntry *entry = scan_group_find (group, key);
  if (entry)
    g_ptr_array_remove (group->entries, entry);
}

/* ---- lines ---- */

typedef struct {
  ScanDoc *doc;
  ScanErrors *errors;
  ScanGroup *group;       /* where entries go; NULL before the first header */
  GHashTable *keys;       /* keys of @group, to find duplicates without a search per line */
  GHashTable *groups;     /* name to ScanGroup; looked up only, never iterated */
  gboolean told_no_group; /* entries without a group are passed over */
  ScanPlace place;
} Scanner;

/* Cuts @line at a comment and strips it. */
static void
strip_comment (char *line)
{
  for (char *c = line; *c; c++)
    if (*c == '#' && (c == line || g_ascii_isspace (c[-1]))) {
      *c = '\0';
      break;
    }
  g_strstrip (line);
}

/* Makes each run of white space one space. */
static void
squeeze_spaces (char *text)
{
  char *to = text;

  for (const char *from = text; *from; from++) {
    if (g_ascii_isspace (*from)) {
      if (to > text && to[-1] == ' ')
        continue;
      *to++ = ' ';
    } else {
      *to++ = *from;
    }
  }
  *to = '\0';
}

static gboolean
has_only (const char *text, const char *punctuation)
{
  for (const char *c = text; *c; c++)
    if (!g_ascii_isalnum (*c) && !strchr (punctuation, *c))
      return FALSE;
  return *text != '\0';
}

static void
scan_header (Scanner *scanner, char *line)
{
  gsize len = strlen (line);
  gboolean is_closed = line[len - 1] == ']';

  /* What is meant is clear all the same, so that the entries can be read. */
  if (is_closed)
    line[len - 1] = '\0';
  else
    scan_errors_add (scanner->errors, scanner->place, "group header lacks its ']'");
  char *name = g_strstrip (line + 1);
  squeeze_spaces (name);
  if (!has_only (name, "-_ ")) {
    if (is_closed)
      scan_errors_add (scanner->errors, scanner->place,
                       "'%s' is not a group name (letters, digits, '-', '_' and a space)", name);
    scanner->group = NULL;
    scanner->told_no_group = TRUE;
    return;
  }
  ScanGroup *earlier = g_hash_table_lookup (scanner->groups, name);
  if (earlier) {
    /* Its entries are read into a group of their own, so that they are not told as duplicates. */
    scan_errors_add (scanner->errors, scanner->place, "group [%s] is already there in line %u",
                     name, earlier->place.line);
  }
  scanner->group = scan_doc_add (scanner->doc, name, scanner->place);
  g_hash_table_remove_all (scanner->keys);
  if (!earlier)
    g_hash_table_insert (scanner->groups, scanner->group->name, scanner->group);
}

static void
complain_about_key (Scanner *scanner, const char *key, const char *value)
{
  char last = key[0] ? key[strlen (key) - 1] : '\0';

  if (last == '<' || last == '>') {
    g_autofree char *name = g_strstrip (g_strndup (key, strlen (key) - 1));
    scan_errors_add (scanner->errors, scanner->place, "a bound is written '%s = %c= %s'", name,
                     last, value);
    return;
  }
  if (key[0] == '\0')
    scan_errors_add (scanner->errors, scanner->place, "no key before the '='");
  else
    scan_errors_add (scanner->errors, scanner->place,
                     "'%s' is not a key (letters, digits, '-', '_', '.' and spaces)", key);
}

static void
scan_entry (Scanner *scanner, char *line)
{
  char *equals = strchr (line, '=');

  if (!equals) {
    scan_errors_add (scanner->errors, scanner->place,
                     "neither '[group]' nor 'key = value' nor a comment");
    return;
  }
  *equals = '\0';
  char *key = g_strstrip (line);
  char *value = g_strstrip (equals + 1);
  squeeze_spaces (key);
  if (!has_only (key, "-_. ")) {
    complain_about_key (scanner, key, value);
    return;
  }
  if (*value == '\0') {
    scan_errors_add (scanner->errors, scanner->place, "key '%s' has no value", key);
    return;
  }
  if (!scanner->group) {
    if (!scanner->told_no_group)
      scan_errors_add (scanner->errors, scanner->place, "key '%s' stands before any group", key);
    scanner->told_no_group = TRUE;
    return;
  }
  gpointer earlier_line = g_hash_table_lookup (scanner->keys, key);
  if (earlier_line) {
    scan_errors_add (scanner->errors, scanner->place, "key '%s' is already set in line %u", key,
                     GPOINTER_TO_UINT (earlier_line));
    return;
  }
  ScanEntry *entry = g_new0 (ScanEntry, 1);
  entry->key = g_strdup (key);
  entry->value = g_strdup (value);
  entry->place = scanner->place;
  g_ptr_array_add (scanner->group->entries, entry);
  g_hash_table_insert (scanner->keys, entry->key, GUINT_TO_POINTER (scanner->place.line));
}

static void
scan_line (Scanner *scanner, const char *start, gsize len)
{
  if (len > SCAN_LINE_MAX_BYTES) {
    scan_errors_add (scanner->errors, scanner->place, "line is longer than %d bytes",
                     SCAN_LINE_MAX_BYTES);
    return;
  }
  if (!g_utf8_validate_len (start, len, NULL)) {
    scan_errors_add (scanner->errors, scanner->place, "line is not UTF-8 text");
    return;
  }
  g_autofree char *line = g_strndup (start, len);
  strip_comment (line);
  if (line[0] == '[')
    scan_header (scanner, line);
  else if (line[0] != '\0')
    scan_entry (scanner, line);
}

ScanDoc *
scan_text (const char *text, gsize size, guint file, ScanErrors *errors)
{
  Scanner scanner = { .doc = scan_doc_new (), .errors = errors, .place = { file, 1 } };

  if (size > SCAN_TEXT_MAX_BYTES) {
    scan_errors_add (errors, scanner.place, "file is larger than %d bytes", SCAN_TEXT_MAX_BYTES);
    return scanner.doc;
  }
  /* Some editors begin a file with a byte order mark. */
  gsize begin = size >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
  scanner.keys = g_hash_table_new (g_str_hash, g_str_equal);
  scanner.groups = g_hash_table_new (g_str_hash, g_str_equal);
  for (gsize start = begin; start < size; scanner.place.line++) {
    const char *newline = memchr (text + start, '\n', size - start);
    gsize len = newline ? (gsize)(newline - (text + start)) : size - start;
    scan_line (&scanner, text + start, len);
    start += len + 1;
  }
  g_hash_table_unref (scanner.keys);
  g_hash_table_unref (scanner.groups);
  return scanner.doc;
}

/* ---- inside a value ---- */

static void
add_part (GPtrArray *parts, const char *start, gsize len, gboolean keep_empty)
{
  char *part = g_strstrip (g_strndup (start, len));

  if (*part || keep_empty)
    g_ptr_array_add (parts, part);
  else
    g_free (part);
}

char **
scan_split (const char *value, char separator)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  gboolean by_space = separator == ' ';
  const char *start = value, *c;
  int depth = 0;

  for (c = value; *c; c++) {
    if (*c == '(')
      depth++;
    else if (*c == ')' && --depth < 0)
      return NULL;
    else if (depth == 0 && (by_space ? g_ascii_isspace (*c) : *c == separator)) {
      add_part (parts, start, c - start, !by_space);
      start = c + 1;
    }
  }
  if (depth != 0)
    return NULL;
  add_part (parts, start, c - start, !by_space);
  g_ptr_array_add (parts, NULL);
  return (char **)g_ptr_array_steal (parts, NULL);
}

char **
scan_call (const char *value)
{
  g_autofree char *copy = g_strstrip (g_strdup (value));
  char *open = strchr (copy, '(');
  gsize len = strlen (copy);

  if (!open) {
    char *one[] = { copy, NULL };
    return len > 0 ? g_strdupv (one) : NULL;
  }
  if (copy[len - 1] != ')')
    return NULL;
  copy[len - 1] = '\0';
  *open = '\0';
  g_autofree char *all = g_strconcat (copy, ",", open + 1, NULL);
  return strpbrk (open + 1, "()") ? NULL : scan_split (all, ',');
}

gboolean
scan_is_name (const char *text)
{
  return has_only (text, "-_") && strlen (text) <= NAME_MAX_BYTES;
}
