/* SPDX-License-Identifier: Apache-2.0 */
/* resolve.c - look-ups in threads, results through an eventfd. */
#include "transports/resolve.h"

#include "transports/address.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What the thread works on. Two references, of thread and loop; the thread writes @addresses and
 * @status, the loop reads them once @event_fd has told that this is done. */
typedef struct {
  gint references; /* atomic */
  int event_fd;
  char *host;
  CaimanLookup lookup;
  gpointer lookup_data;
  GArray *addresses;
  gint status; /* atomic */
} Job;

struct _CaimanResolve {
  CaimanLoopWatch watch;
  Job *job;
  CaimanResolved resolved;
  gpointer user_data;
};

static void
job_unref (Job *job)
{
  if (!g_atomic_int_dec_and_test (&job->references))
    return;
  close (job->event_fd);
  g_array_unref (job->addresses);
  g_free (job->host);
  g_free (job);
}

/* --- In the thread --- */

static int
look_up_by_system (const char *host, GArray *addresses, gpointer user_data)
{
  const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
  struct addrinfo *results = NULL;
  int status = getaddrinfo (host, NULL, &hints, &results);
  if (status != 0)
    return status;
  for (const struct addrinfo *info = results; info; info = info->ai_next) {
    struct sockaddr_storage address;
    if (caiman_address_normalise (info->ai_addr, &address))
      g_array_append_val (addresses, address);
  }
  freeaddrinfo (results);
  return 0;
}

static gpointer
run_job (gpointer data)
{
  Job *job = data;
  int status = job->lookup (job->host, job->addresses, job->lookup_data);
  g_atomic_int_set (&job->status, status);
  /* Cannot fail: it is the only write to this descriptor. */
  guint64 one = 1;
  if (write (job->event_fd, &one, sizeof one) != sizeof one)
    g_assert_not_reached ();
  job_unref (job);
  return NULL;
}

/* Signals are for the threads of the program. */
static gboolean
start_thread (Job *job, GError **error)
{
  sigset_t all, before;
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  g_atomic_int_inc (&job->references);
  GThread *thread = g_thread_try_new ("caiman-resolve", run_job, job, NULL);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  if (!thread) {
    job_unref (job);
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR, "no thread to look the name up in");
    return FALSE;
  }
  g_thread_unref (thread);
  return TRUE;
}

/* --- In the loop --- */

static void
remove_duplicates (GArray *addresses)
{
  for (guint i = 0; i < addresses->len; i++) {
    struct sockaddr_storage *address = &g_array_index (addresses, struct sockaddr_storage, i);
    caiman_address_set_port (address, 0);
    for (guint k = addresses->len - 1; k > i; k--) {
      if (caiman_address_is_same_host (address,
                                       &g_array_index (addresses, struct sockaddr_storage, k)))
        g_array_remove_index (addresses, k);
    }
  }
}

static void
ready (CaimanLoopWatch *watch, guint32 epoll_events)
{
  CaimanResolve *self = (CaimanResolve *)((char *)watch - offsetof (CaimanResolve, watch));
  caiman_loop_remove_watch (watch);
  Job *job = g_steal_pointer (&self->job);
  int status = g_atomic_int_get (&job->status);
  const char *error = NULL;
  if (status == 0)
    remove_duplicates (job->addresses);
  else
    g_array_set_size (job->addresses, 0);
  if (status == EAI_SYSTEM)
    error = "the system's resolver failed";
  else if (status != 0)
    error = gai_strerror (status);
  self->resolved (job->addresses, error, self->user_data); /* may free @self */
  job_unref (job);
}

CaimanResolve *
caiman_resolve_new (CaimanLoop *loop, const char *host, CaimanLookup lookup, gpointer lookup_data,
                    CaimanResolved resolved, gpointer user_data, GError **error)
{
  int event_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event_fd < 0) {
    g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR, "eventfd: %s", g_strerror (errno));
    return NULL;
  }
  g_autoptr (CaimanResolve) self = g_new0 (CaimanResolve, 1);
  self->job = g_new0 (Job, 1);
  self->job->references = 1;
  self->job->event_fd = event_fd;
  self->job->host = g_strdup (host);
  self->job->lookup = lookup ? lookup : look_up_by_system;
  self->job->lookup_data = lookup_data;
  self->job->addresses = g_array_new (FALSE, FALSE, sizeof (struct sockaddr_storage));
  self->watch.ready = ready;
  self->resolved = resolved;
  self->user_data = user_data;
  if (!caiman_loop_add_watch (loop, &self->watch, event_fd, EPOLLIN, error) ||
      !start_thread (self->job, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
caiman_resolve_free (CaimanResolve *resolve)
{
  if (!resolve)
    return;
  if (resolve->watch.loop)
    caiman_loop_remove_watch (&resolve->watch);
  if (resolve->job)
    job_unref (resolve->job);
  g_free (resolve);
}
