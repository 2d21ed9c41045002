/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h - the strict line scanner under every file that people write, and its list of errors.
 *
 * Lines are empty, a comment ("#" at the start or after white space, up to the end of the line),
 * "[group]", or "key = value". Nothing is merged or guessed: what GKeyFile would let pass in
 * silence (a key given twice, a comment inside a value, a key before any group) is an error with
 * its line. Errors are collected, so that one look at a file tells all of them. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bounds of a file: what exceeds them is an error. */
#define SCAN_TEXT_MAX_BYTES (1024 * 1024)
#define SCAN_LINE_MAX_BYTES 8192

/* Errors that are kept, and that are told: nobody reads more. */
#define SCAN_ERRORS_MAX  200
#define SCAN_ERRORS_TOLD 20

/* Where something stands: a file by its number in a ScanErrors, and a line, 1 for the first and 0
 * for something without lines (an override from a command line). */
typedef struct {
  guint file;
  guint line;
} ScanPlace;

typedef struct {
  char *key;   /* white space inside is one space */
  char *value; /* without comment and outer white space; never empty */
  ScanPlace place;
} ScanEntry;

typedef struct {
  char *name;
  ScanPlace place;
  GPtrArray *entries; /* ScanEntry * */
} ScanGroup;

typedef struct {
  GPtrArray *groups; /* ScanGroup * */
} ScanDoc;

/* ---- errors ---- */

typedef struct _ScanErrors ScanErrors;

ScanErrors *scan_errors_new (void);
/* An empty list that knows the same files. */
ScanErrors *scan_errors_new_like (const ScanErrors *other);
void scan_errors_free (ScanErrors *errors);

/* The number of a file of this name; each call makes a new one. */
guint scan_errors_add_file (ScanErrors *errors, const char *name);
const char *scan_errors_get_file (const ScanErrors *errors, guint file);

/* Notes an error, unless it is there already or there are SCAN_ERRORS_MAX. */
void scan_errors_add (ScanErrors *errors, ScanPlace place, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

guint scan_errors_count (const ScanErrors *errors);

/* Place and text (borrowed) of the @index-th error, in the order in which they were added. */
const char *scan_errors_get (const ScanErrors *errors, guint index, ScanPlace *place_out);

/* Appends "file:line: message" (transfer full) of each to @messages: files in the order in which
 * they were added, then by line, then as they were found. */
void scan_errors_flush (ScanErrors *errors, GPtrArray *messages);

/* ---- scanning ---- */

/* Scans @size bytes of @text as file number @file. Errors are added to @errors; what could be
 * understood is returned all the same, so that its errors are told, too. Returns: (transfer full)
 */
ScanDoc *scan_text (const char *text, gsize size, guint file, ScanErrors *errors);

ScanDoc *scan_doc_new (void);
ScanDoc *scan_doc_copy (const ScanDoc *doc);
void scan_doc_free (ScanDoc *doc);

/* (nullable) the group of this name. */
ScanGroup *scan_doc_find (const ScanDoc *doc, const char *name);
/* Adds an empty group at the end. */
ScanGroup *scan_doc_add (ScanDoc *doc, const char *name, ScanPlace place);

/* (nullable) the entry of this key. */
ScanEntry *scan_group_find (const ScanGroup *group, const char *key);
/* Sets a key, replacing an entry of the same key where it stands. */
void scan_group_set (ScanGroup *group, const char *key, const char *value, ScanPlace place);
void scan_group_remove (ScanGroup *group, const char *key);

/* ---- inside a value ---- */

/* The parts of @value between @separator outside of parentheses (a space: any run of white space),
 * without outer white space; an empty part is kept when @separator is no space. @value is never
 * empty. Returns: (transfer full) NULL-terminated; NULL when parentheses do not match. */
char **scan_split (const char *value, char separator);

/* "name(a, b)" to {"name", "a", "b"}, "name" to {"name"}. NULL when it has neither form. */
char **scan_call (const char *value);

/* TRUE for 1 to 63 of letters, digits, "-" and "_". */
gboolean scan_is_name (const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScanErrors, scan_errors_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScanDoc, scan_doc_free)

G_END_DECLS
