/* SPDX-License-Identifier: Apache-2.0 */
/* record-writer.c - see record-writer.h. */
#include "apps/record-writer.h"

/* Of a part without rows, and of a metric with its text. */
#define PART_BYTES   2048
#define METRIC_BYTES 64

typedef enum { JOB_BEGIN, JOB_APPEND, JOB_FINISH, JOB_STOP } JobType;

typedef struct {
  JobType type;
  RecordedRun *run;
  StoreRun *part;
  gsize size_bytes;
} Job;

/* All of it is the thread's alone. */
struct _RecordedRun {
  gint64 id; /* 0: it could not be begun, or a part could not be written */
  gboolean was_appended;
};

struct _RecordWriter {
  Store *store;
  gint64 campaign_id;
  GThread *thread;
  GAsyncQueue *jobs; /* of Job */
  gboolean gave_up;  /* the thread's: it ends, and something could not be written */
  guint n_given_up;
  GMutex mutex;
  /* Under @mutex: */
  char *problem;
  gsize backlog_bytes;
  gboolean ends;
};

static gsize
get_size (const StoreRun *part)
{
  const GArray *const arrays[] = { part->parameters,   part->links,  part->flows,
                                   part->link_samples, part->events, part->flow_samples };
  gsize size_bytes = PART_BYTES + part->metrics->len * (sizeof (StoreMetric) + METRIC_BYTES);
  for (gsize i = 0; i < G_N_ELEMENTS (arrays); i++)
    size_bytes += arrays[i]->len * g_array_get_element_size ((GArray *)arrays[i]);
  return size_bytes;
}

static void
job_free (Job *job)
{
  store_run_free (job->part);
  g_free (job);
}

static void
report (RecordWriter *writer, const GError *error)
{
  g_mutex_lock (&writer->mutex);
  if (writer->problem == NULL)
    writer->problem = g_strdup (error->message);
  writer->gave_up |= writer->ends;
  g_mutex_unlock (&writer->mutex);
}

/* --- The thread --- */

static gboolean
begin (RecordWriter *writer, Job *job, GError **error)
{
  job->part->campaign_id = writer->campaign_id;
  if (!store_run_begin (writer->store, job->part, error))
    return FALSE;
  job->run->id = job->part->id;
  return store_run_append (writer->store, job->part, error);
}

static gboolean
write_part (RecordWriter *writer, Job *job, GError **error)
{
  if (job->type == JOB_BEGIN)
    return begin (writer, job, error);
  if (job->run->id == 0)
    return TRUE;
  job->part->id = job->run->id;
  job->part->was_appended = job->run->was_appended;
  return job->type == JOB_FINISH ? store_run_finish (writer->store, job->part, error)
                                 : store_run_append (writer->store, job->part, error);
}

static void
do_job (RecordWriter *writer, Job *job)
{
  g_autoptr (GError) error = NULL;
  if (writer->gave_up) {
    writer->n_given_up++;
  } else if (!write_part (writer, job, &error)) {
    report (writer, error);
    job->run->id = 0;
  }
  job->run->was_appended = TRUE;
  g_mutex_lock (&writer->mutex);
  writer->backlog_bytes -= job->size_bytes;
  g_mutex_unlock (&writer->mutex);
}

static gpointer
work (gpointer data)
{
  RecordWriter *writer = data;
  for (;;) {
    Job *job = g_async_queue_pop (writer->jobs);
    JobType type = job->type;
    if (type != JOB_STOP)
      do_job (writer, job);
    if (type == JOB_FINISH)
      g_free (job->run);
    job_free (job);
    if (type == JOB_STOP)
      return NULL;
  }
}

/* --- The caller's side --- */

RecordWriter *
record_writer_new (const char *path, const char *campaign, const char *command, GError **error)
{
  g_autoptr (Store) store = store_open (path, STORE_OPEN_CREATE, error);
  gint64 campaign_id;
  if (store == NULL || !store_campaign_begin (store, campaign, command, &campaign_id, error))
    return NULL;
  RecordWriter *writer = g_new0 (RecordWriter, 1);
  writer->store = g_steal_pointer (&store);
  writer->campaign_id = campaign_id;
  writer->jobs = g_async_queue_new ();
  g_mutex_init (&writer->mutex);
  writer->thread = g_thread_new ("record", work, writer);
  return writer;
}

static void
push (RecordWriter *writer, JobType type, RecordedRun *run, StoreRun *part)
{
  Job *job = g_new0 (Job, 1);
  job->type = type;
  job->run = run;
  job->part = part;
  job->size_bytes = part ? get_size (part) : 0;
  g_mutex_lock (&writer->mutex);
  writer->backlog_bytes += job->size_bytes;
  writer->ends |= type == JOB_STOP;
  g_mutex_unlock (&writer->mutex);
  g_async_queue_push (writer->jobs, job);
}

void
record_writer_free (RecordWriter *writer)
{
  if (writer == NULL)
    return;
  push (writer, JOB_STOP, NULL, NULL);
  g_thread_join (writer->thread);
  g_autoptr (GError) error = NULL;
  if (!store_campaign_end (writer->store, writer->campaign_id, &error))
    g_warning ("%s", error->message);
  if (writer->problem != NULL)
    g_warning ("%s", writer->problem);
  if (writer->n_given_up > 0)
    g_warning ("%u more parts of the record were given up", writer->n_given_up);
  store_close (writer->store);
  g_async_queue_unref (writer->jobs);
  g_mutex_clear (&writer->mutex);
  g_free (writer->problem);
  g_free (writer);
}

RecordedRun *
record_writer_begin (RecordWriter *writer, StoreRun *part)
{
  RecordedRun *run = g_new0 (RecordedRun, 1);
  push (writer, JOB_BEGIN, run, part);
  return run;
}

void
record_writer_append (RecordWriter *writer, RecordedRun *run, StoreRun *part)
{
  push (writer, JOB_APPEND, run, part);
}

void
record_writer_finish (RecordWriter *writer, RecordedRun *run, StoreRun *part)
{
  push (writer, JOB_FINISH, run, part);
}

guint
record_writer_get_backlog (RecordWriter *writer)
{
  return (guint)MAX (g_async_queue_length (writer->jobs), 0);
}

gsize
record_writer_get_backlog_bytes (RecordWriter *writer)
{
  g_mutex_lock (&writer->mutex);
  gsize backlog_bytes = writer->backlog_bytes;
  g_mutex_unlock (&writer->mutex);
  return backlog_bytes;
}

char *
record_writer_take_problem (RecordWriter *writer)
{
  g_mutex_lock (&writer->mutex);
  char *problem = g_steal_pointer (&writer->problem);
  g_mutex_unlock (&writer->mutex);
  return problem;
}
