/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - records runs in one SQLite database.
 *
 * A run is written in two transactions: store_run_begin() commits a row that says "unfinished",
 * store_run_finish() adds everything else and marks the row finished. So a process that is killed
 * at any moment leaves a readable database in which each run is all there or marked unfinished.
 *
 * Several processes may write to one database at once; each waits up to 30 s for the others. A
 * Store may be shared by threads (it locks itself); it must not be carried across fork(): open it
 * in the child. Nothing here blocks for long but for that wait.
 *
 *   g_autoptr (Store) store = store_open ("results.db", STORE_OPEN_CREATE, &error);
 *   store_campaign_begin (store, "nightly", "caiman run ...", &campaign_id, &error);
 *   g_autoptr (StoreRun) run = store_run_new ();
 *   run->scenario_name = store_run_string (run, name);  ...  run->campaign_id = campaign_id;
 *   store_run_begin (store, run, &error);               // sets run->id
 *   ... simulate; append to run->metrics, run->events, ...
 *   run->outcome = "survives";  run->exit_class = 0;
 *   store_run_finish (store, run, &error);
 *   store_campaign_end (store, campaign_id, &error);
 *
 * A FALSE or NULL result comes with @error set; nothing was written then. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define STORE_ERROR (store_error_quark ())
GQuark store_error_quark (void);

typedef enum {
  STORE_ERROR_FAILED,      /* what SQLite says, and not one of the below; a damaged database */
  STORE_ERROR_FULL,        /* the disk is full: nothing of the transaction was recorded */
  STORE_ERROR_BUSY,        /* another process kept the database locked for 30 s */
  STORE_ERROR_CANNOT_OPEN, /* no such file, or no permission */
  STORE_ERROR_NOT_A_STORE, /* a file of another kind */
  STORE_ERROR_TOO_NEW,     /* written by a later version of caiman */
  STORE_ERROR_TOO_OLD,     /* opened read-only, and so old that it must be migrated first */
  STORE_ERROR_NOT_FOUND,   /* no such run or campaign (any more) */
} StoreError;

/* The exit status for @error (of any domain): 2 where the user named something that is not there
 * or not a store, 70 for everything else. */
int store_error_get_exit_status (const GError *error);

typedef enum {
  STORE_OPEN_READ_ONLY = 0, /* must exist, and is read as it is if it is of an earlier version */
  STORE_OPEN_WRITE = 1,     /* must exist, is migrated to the current schema */
  STORE_OPEN_CREATE = 2,    /* as WRITE, and made when missing */
  STORE_OPEN_ALONE = 3,     /* as WRITE, for one thread alone, which costs less */
} StoreOpenMode;

typedef struct _Store Store;

/* Returns: (transfer full): an open store, or NULL with STORE_ERROR. */
Store *store_open (const char *path, StoreOpenMode mode, GError **error);

/* Accepts NULL. Everything that was recorded is in the database already. */
void store_close (Store *store);

/* The path as given to store_open() (borrowed). */
const char *store_get_path (const Store *store);

/* The version of the schema that this build writes. */
int store_get_schema_version (void);

/* A campaign groups runs: one invocation of a tool, or a name that several share. */
gboolean store_campaign_begin (Store *store, const char *name, const char *command,
                               gint64 *campaign_id_out, GError **error);
gboolean store_campaign_end (Store *store, gint64 campaign_id, GError **error);

/* --- What a run consists of ---------------------------------------------------------------
 *
 * Strings are borrowed: they are static, or live in the run (store_run_string()). -1 stands for
 * "not known" in a field of type gint64 that says so, NAN in a double; both become NULL in the
 * database, null in JSON and "-" in text. Times t_ns count from the client's first connect. */

typedef enum { STORE_SIDE_CLIENT, STORE_SIDE_SERVER, STORE_SIDE_HARNESS } StoreSide;

/* "client", "server" or "harness". */
const char *store_side_to_string (StoreSide side);

typedef struct {
  const char *side;  /* "client", "server", or "" for both; each name once per side */
  const char *name;  /* as in the scenario file, e.g. "ping-timeout" */
  const char *value; /* in @unit, as text */
  const char *unit;  /* "ns", "bytes", "bit/s", ... or "" */
} StoreParameter;

typedef struct {
  gint64 rate_bps;    /* -1: unlimited */
  gint64 delay_ns;    /* propagation delay, one way */
  const char *jitter; /* as in the scenario file, "none" where there is none */
  const char *loss;
  const char *queue;
} StoreLinkDirection;

/* A link; others refer to it by its index in StoreRun.links. */
typedef struct {
  const char *name;
  const char *carrier;     /* "pipe", "tcp" */
  StoreLinkDirection up;   /* client to server */
  StoreLinkDirection down; /* server to client */
  gint64 weight;
  gint64 cost;
  gint64 quota_bytes; /* -1: none */
} StoreLink;

/* A flow of one direction; others refer to it by its index in StoreRun.flows. */
typedef struct {
  const char *name;
  StoreSide from;         /* the side that sends */
  const char *kind;       /* "bulk", "rate", "request", "on-off", "messages" */
  gint64 offered_bytes;   /* payload given to the connection by the end of the run */
  gint64 delivered_bytes; /* payload taken from it at the other side */
  gboolean complete;      /* all that the scenario asked for was delivered */
} StoreFlow;

typedef enum {
  STORE_SUBJECT_RUN,        /* @subject is "" */
  STORE_SUBJECT_CONNECTION, /* @subject is "", "client" or "server" */
  STORE_SUBJECT_FLOW,       /* @subject is the flow's name */
  STORE_SUBJECT_LINK,       /* @subject is the link's name, or e.g. "wifi.up" for one direction */
} StoreSubject;

/* "run", "connection", "flow" or "link". */
const char *store_subject_to_string (StoreSubject subject_kind);

/* Units: "ns", "bytes", "bit/s", "ratio" (1 = 100 %), "count"; any other is shown as it is.
 * Integers are exact up to 2^53. Metrics of flows named "lost-..." (unit ns) are what the table
 * "where the lost time went" shows. */
typedef struct {
  StoreSubject subject_kind;
  const char *subject;
  const char *name; /* e.g. "goodput" */
  double value;     /* NAN: not defined in this run */
  const char *unit;
} StoreMetric;

/* What a side knew of a link at an instant. Byte counts are totals since the run's start. */
typedef struct {
  gint64 t_ns;
  guint link; /* index */
  StoreSide side;
  const char *state; /* e.g. "working" */
  gint64 rtt_ns;     /* smoothed; -1: not known */
  gint64 in_flight_bytes;
  gint64 limit_bytes; /* the link's window */
  gint64 sent_bytes;
  gint64 delivered_bytes; /* acknowledged */
  gint64 resent_bytes;
  gint64 queue_bytes; /* waiting in the link's outbox and the path's queue */
  const char *hold;   /* what kept new data off it, "none" or "peer-window", ...; NULL: not known */
} StoreLinkSample;

/* Payload of which the transmissions over @link were not the first. */
typedef struct {
  StoreSide side;
  gint link;         /* index; -1: not known */
  gint from_link;    /* of the link that had it before; -1: not known */
  const char *cause; /* e.g. "suspected" */
  gint64 n_messages;
  gint64 bytes;
} StoreResend;

/* Bytes of a flow waited, and none was delivered. */
typedef struct {
  guint flow; /* index */
  gint64 begin_ns, end_ns;
} StoreStall;

typedef struct {
  gint64 t_ns;
  guint flow; /* index */
  gint64 offered_bytes;
  gint64 delivered_bytes;
  gint64 reorder_bytes; /* held by the receiver until what is before them arrives */
} StoreFlowSample;

/* A change of state, a fault's start or end, or what a side reported. */
typedef struct {
  gint64 t_ns;
  StoreSide side;
  gint link;          /* index; -1: the event is not about a link */
  const char *kind;   /* e.g. "link-state", "fault-start" */
  const char *reason; /* a name of core/error.h's list, "none" or "" */
  gint64 a, b;        /* two numbers; the kind says what they mean, 0 where nothing */
  const char *text;   /* for people; "" where there is nothing to add */
} StoreEvent;

#define STORE_DIGEST_BYTES 32

/* The rolling digest after @n_events trace events. */
typedef struct {
  gint64 n_events;
  gint64 t_ns;
  guint8 digest[STORE_DIGEST_BYTES];
} StoreCheckpoint;

/* Some of the first trace events of a run, in order and without a gap; what is in @data is the
 * writer's business (harness/trace-block.h). */
typedef struct {
  gint64 first_event; /* its number, from 0 */
  gint64 n_events;
  GBytes *data; /* (owned) */
} StoreTraceBlock;

typedef struct {
  const char *name;   /* as in the file, e.g. "upload.efficiency" */
  const char *bound;  /* e.g. ">= 95%" */
  const char *actual; /* in the same unit, for people; NULL: not defined in this run */
  gboolean held;
  gint line; /* in the scenario file; 0: an expectation that every run has (the oracle's) */
} StoreExpectation;

typedef struct {
  /* Set by store_run_begin(), or by a load. */
  gint64 id;
  gint64 started_us; /* real time, microseconds since 1970; begin fills it in where it is 0 */
  gboolean finished;

  /* To be set before store_run_begin(). */
  gint64 campaign_id;
  const char *scenario_name;
  const char *scenario_text; /* resolved: reading it again gives the same run */
  const char *scenario_hash; /* hex */
  const char *variant;       /* what a sweep has set, e.g. "link lte.delay=20ms"; NULL: no sweep */
  gint64 seed;               /* >= 0 */
  const char *policy;
  const char *testbed;  /* "sim", "tcp", "lab" */
  const char *git_id;   /* of the build */
  const char *host;     /* NULL: begin fills in this host's name */
  const char *build_id; /* of the binary; NULL: begin fills in that of this program */
  const char *origin;   /* names the run in all databases; NULL: begin makes one up */

  /* To be set before store_run_finish(). */
  const char *digest;  /* hex; NULL where the run has none */
  const char *outcome; /* one token: "survives", "all-links-failed", ... */
  int exit_class;      /* the exit status that this run alone would give */
  gint64 wall_ns;
  gint64 simulated_ns;
  gint64 n_events; /* trace events */

  /* Filled by the runner during the run. */
  GArray *parameters; /* of StoreParameter */
  GArray *links;      /* of StoreLink */
  GArray *flows;      /* of StoreFlow */
  GArray *metrics;    /* of StoreMetric, in the order to be shown; each once */
  GArray *
      link_samples; /* of StoreLinkSample; of two of a link and side at one t_ns the later counts */
  GArray *flow_samples; /* of StoreFlowSample; likewise */
  GArray *events;       /* of StoreEvent, in order */
  GArray *checkpoints;  /* of StoreCheckpoint, in order */
  GArray *trace_blocks; /* of StoreTraceBlock, in order */
  GArray *expectations; /* of StoreExpectation, in the file's order */
  GArray *resends;      /* of StoreResend: store_run_count_resend() */
  GArray *stalls;       /* of StoreStall, in order for each flow */

  /* Of a run that is recorded while it goes on (store_run_append()): what is in @links and @events
   * follows on so many that are recorded already. Else 0. */
  gint64 first_link, first_event;
  gboolean was_appended; /* set by store_run_append() */

  /* Private. */
  GStringChunk *strings;
} StoreRun;

/* Returns: (transfer full): a run without a single row. */
StoreRun *store_run_new (void);

/* Accepts NULL. */
void store_run_free (StoreRun *run);

/* A copy of @text (nullable) that lives as long as @run (borrowed). Equal texts share one copy;
 * what is not UTF-8 in it is replaced, because neither the database nor JSON could carry it. */
const char *store_run_string (StoreRun *run, const char *text);

/* Appends one metric; @subject and @name are copied into the run, as is @unit. */
void store_run_add_metric (StoreRun *run, StoreSubject subject_kind, const char *subject,
                           const char *name, double value, const char *unit);

/* The value of a metric, NAN where the run does not have it. */
double store_run_get_metric (const StoreRun *run, StoreSubject subject_kind, const char *subject,
                             const char *name);

/* Counts a message that was sent again: adds to the row of its links and cause. @cause is static.
 */
void store_run_count_resend (StoreRun *run, StoreSide side, gint link, gint from_link,
                             const char *cause, gint64 bytes);

/* Appends the next @n_events trace events; takes @data. */
void store_run_take_trace_block (StoreRun *run, gint64 n_events, GBytes *data);

/* How many trace events are in the blocks: the first so many of the run. */
gint64 store_run_get_kept_events (const StoreRun *run);

/* Commits the row of an unfinished run and sets @run's id, start and host. */
gboolean store_run_begin (Store *store, StoreRun *run, GError **error);

/* Commits all rows of @run in one transaction and marks it finished. On failure @run is still
 * marked unfinished, in the database and in the struct; a second try is allowed. */
gboolean store_run_finish (Store *store, StoreRun *run, GError **error);

/* Commits all rows of @run, which goes on: what has no end in sight is recorded bit by bit, so that
 * neither memory nor a kill costs more than the latest bit. Between two calls the caller empties
 * parameters, links, samples and events, and counts first_link and first_event up; flows, metrics
 * and resends always replace those recorded before. The last bit goes with store_run_finish(). Of
 * the fields to be set before that, wall_ns, simulated_ns and n_events are recorded. On failure
 * nothing was written, and the same call may be made again. */
gboolean store_run_append (Store *store, StoreRun *run, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Store, store_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (StoreRun, store_run_free)

G_END_DECLS
