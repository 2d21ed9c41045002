/* SPDX-License-Identifier: Apache-2.0 */
/* record-writer.h - writes runs to a database in a thread of its own, because a database may make
 * its writers wait for half a minute, and links must not.
 *
 * Parts are written in the order in which they were given. A run of which one part could not be
 * written gets no further ones; it stays as it is, marked unfinished. */
#pragma once

#include "reports/store.h"

G_BEGIN_DECLS

typedef struct _RecordWriter RecordWriter;
typedef struct _RecordedRun RecordedRun;

/* Opens, or makes, the database and begins a campaign: @campaign its name, @command the command
 * line. The caller's thread waits for it. */
RecordWriter *record_writer_new (const char *path, const char *campaign, const char *command,
                                 GError **error);

/* Waits until all is written; but once a part cannot be written, nothing more is tried. Accepts
 * NULL.
 */
void record_writer_free (RecordWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RecordWriter, record_writer_free)

/* A new run. @part (transfer full) has its head set and may have rows; its campaign is set here.
 * The result belongs to the writer and is valid until record_writer_finish(). */
RecordedRun *record_writer_begin (RecordWriter *writer, StoreRun *part);

/* Further rows: @part (transfer full) is a run of its own with first_link and first_event set. */
void record_writer_append (RecordWriter *writer, RecordedRun *run, StoreRun *part);

/* The last rows, with outcome and exit class. */
void record_writer_finish (RecordWriter *writer, RecordedRun *run, StoreRun *part);

/* Parts that wait to be written, and the memory that they take, about. */
guint record_writer_get_backlog (RecordWriter *writer);
gsize record_writer_get_backlog_bytes (RecordWriter *writer);

/* (transfer full, nullable) What went wrong since the last call; of several the first. */
char *record_writer_take_problem (RecordWriter *writer);

G_END_DECLS
