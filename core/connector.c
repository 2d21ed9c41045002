/* SPDX-License-Identifier: Apache-2.0 */
/* connector.c - when to open a transport over which path.
 *
 * A path has at most one accepted link, and a list of attempts: transports that are connecting, and
 * links whose handshake is under way. Without a link there is usually one attempt; a race, against
 * a silent link or against a connect that hangs, adds more, and the first one to be accepted wins
 * and clears the list. */
#include "core/connector.h"

/* Most attempts of one path at a time. When a race has that many, the oldest gives way to a fresh
 * one, but never before it had the time of ATTEMPT_RTTS round trips. */
#define ATTEMPTS_MAX 8
#define ATTEMPT_RTTS 4

/* A connect hangs when TCP has sent its second SYN (at 0 and 1 s) without an answer; the next ones
 * would go out at 3 and 7 s. From then on a fresh attempt each second is quicker. The same holds
 * for a handshake: a server's full accept queue looks as if it had connected, and is silent. */
#define HANGING_AFTER_NS    (3 * CAIMAN_NS_PER_S / 2)
#define HANGING_INTERVAL_NS CAIMAN_NS_PER_S

/* What a filter refuses is tried again after this, then after twice as long, and so on up to the
 * reconnect delay. */
#define REFUSED_DELAY_NS CAIMAN_NS_PER_S

typedef struct {
  guint32 id;
  gint64 opened_ns;
  gint64 connected_ns; /* when @link was made */
  CaimanLink *link;    /* (owned) the link in its handshake; NULL: the transport is connecting */
} Attempt;

typedef struct {
  guint32 id;
  char *name, *local, *remote;
  GBytes *user_data; /* (nullable) */
  CaimanLinkInfo info;
  CaimanLink *link; /* (owned, nullable) the accepted link */
  gint64 link_connected_ns;
  gint64 reconnect_delay_ns;
  gint64 srtt_ns;          /* last known of any link of this path; 0: not known */
  gint64 patience_ns;      /* how long its link may be silent before it is raced */
  gint64 next_open_ns;     /* without link and attempt: when to open one */
  gint64 next_race_ns;     /* not before this is another attempt added */
  guint64 raced_packets;   /* received on the silent link when its race began */
  gboolean awaits_others;  /* our filter rejected it: wait until another link has gone */
  gint64 refused_delay_ns; /* how long it waited after the last time that a filter said no; 0 */
  GArray *attempts;        /* of Attempt, oldest first */
  CaimanReason failure;    /* of the last attempt; NONE: there is a link, or none has failed yet */
} Path;

struct _CaimanConnector {
  CaimanConnection *connection;
  const CaimanConfig *config; /* the connection's */
  GPtrArray *paths;           /* of Path (owned) */
  GArray *actions;            /* of CaimanConnectorAction, to be pulled */
  gint64 now_ns;              /* of the last call */
  guint32 last_path_id, last_attempt_id;
};

static void
attempt_clear (gpointer data)
{
  Attempt *attempt = data;
  caiman_link_unref (attempt->link);
}

static void
path_free (gpointer data)
{
  Path *path = data;
  g_array_unref (path->attempts);
  caiman_link_unref (path->link);
  g_clear_pointer (&path->user_data, g_bytes_unref);
  g_free (path->name);
  g_free (path->local);
  g_free (path->remote);
  g_free (path);
}

CaimanConnector *
caiman_connector_new (CaimanConnection *connection, gint64 now_ns)
{
  CaimanConnector *self = g_new0 (CaimanConnector, 1);
  self->connection = connection;
  self->config = caiman_connection_get_config (connection);
  self->paths = g_ptr_array_new_with_free_func (path_free);
  self->actions = g_array_new (FALSE, FALSE, sizeof (CaimanConnectorAction));
  self->now_ns = now_ns;
  return self;
}

void
caiman_connector_free (CaimanConnector *connector)
{
  if (!connector)
    return;
  g_ptr_array_unref (connector->paths);
  g_array_unref (connector->actions);
  g_free (connector);
}

static void
take_time (CaimanConnector *self, gint64 now_ns)
{
  g_assert (now_ns >= self->now_ns);
  self->now_ns = now_ns;
}

static gboolean
is_wanted (const CaimanConnector *self)
{
  CaimanConnectionState state = caiman_connection_get_state (self->connection);
  return state == CAIMAN_CONNECTION_CONNECTING || state == CAIMAN_CONNECTION_OPEN;
}

/* A race opens links a second time, which "reconnect-delay = never" rules out. */
static gboolean
may_race (const CaimanConnector *self, const Path *path)
{
  return self->config->race_after_ns != CAIMAN_TIME_NEVER &&
         path->reconnect_delay_ns != CAIMAN_TIME_NEVER;
}

/* --- Attempts --- */

static Attempt *
get_attempt (Path *path, guint index)
{
  return &g_array_index (path->attempts, Attempt, index);
}

static void
open_attempt (CaimanConnector *self, Path *path)
{
  CaimanConnectorAction action = { .type = CAIMAN_CONNECTOR_OPEN,
                                   .path_id = path->id,
                                   .attempt_id = ++self->last_attempt_id };
  Attempt attempt = { .id = action.attempt_id, .opened_ns = self->now_ns };
  g_array_append_val (path->attempts, attempt);
  g_array_append_val (self->actions, action);
}

/* An attempt whose OPEN nobody has pulled yet is simply forgotten. */
static gboolean
withdraw_open (CaimanConnector *self, guint32 attempt_id)
{
  for (guint i = 0; i < self->actions->len; i++) {
    const CaimanConnectorAction *action = &g_array_index (self->actions, CaimanConnectorAction, i);
    if (action->type == CAIMAN_CONNECTOR_OPEN && action->attempt_id == attempt_id) {
      g_array_remove_index (self->actions, i);
      return TRUE;
    }
  }
  return FALSE;
}

static void
cancel_attempt (CaimanConnector *self, Path *path, guint index)
{
  g_autoptr (CaimanLink) link = g_steal_pointer (&get_attempt (path, index)->link);
  guint32 attempt_id = get_attempt (path, index)->id;
  g_array_remove_index (path->attempts, index);
  if (link) {
    caiman_link_failed (link, CAIMAN_REASON_LINK_REPLACED, self->now_ns);
  } else if (!withdraw_open (self, attempt_id)) {
    CaimanConnectorAction action = { .type = CAIMAN_CONNECTOR_CANCEL,
                                     .path_id = path->id,
                                     .attempt_id = attempt_id };
    g_array_append_val (self->actions, action);
  }
}

static void
cancel_attempts (CaimanConnector *self, Path *path)
{
  while (path->attempts->len > 0)
    cancel_attempt (self, path, 0);
}

/* The path and index of an attempt that still counts. */
static Path *
find_attempt (CaimanConnector *self, guint32 attempt_id, guint *index_out)
{
  for (guint p = 0; p < self->paths->len; p++) {
    Path *path = self->paths->pdata[p];
    for (guint i = 0; i < path->attempts->len; i++) {
      if (get_attempt (path, i)->id == attempt_id) {
        *index_out = i;
        return path;
      }
    }
  }
  return NULL;
}

/* --- Races --- */

/* A link that is being closed needs no rescue. */
static gint64
get_silent_since (const Path *path)
{
  if (caiman_link_get_state (path->link) == CAIMAN_LINK_CLOSING)
    return CAIMAN_TIME_NEVER;
  return caiman_link_get_silent_since (path->link);
}

/* The silent link has spoken since its race began, or owes nothing any more. */
static gboolean
is_race_over (const CaimanConnector *self, const Path *path)
{
  if (!path->link || path->attempts->len == 0)
    return FALSE;
  CaimanLinkStats stats;
  caiman_link_get_stats (path->link, &stats, self->now_ns);
  return stats.received_packets != path->raced_packets ||
         get_silent_since (path) == CAIMAN_TIME_NEVER;
}

/* Of an attempt that has connected, which took a round trip: the handshake may take two, and the
 * far end its time. A SYN that had to be sent again makes it seem far longer, but the transport may
 * know better. */
static gint64
estimate_rtt (const CaimanConnector *self, const Attempt *attempt)
{
  CaimanLinkStats stats;
  caiman_link_get_stats (attempt->link, &stats, self->now_ns);
  gint64 connect_ns = attempt->connected_ns - attempt->opened_ns;
  return stats.hint.rtt_ns > 0 ? MIN (connect_ns, stats.hint.rtt_ns) : connect_ns;
}

/* When a race may begin; CAIMAN_TIME_NEVER when there is no cause. */
static gint64
get_race_start (const CaimanConnector *self, const Path *path)
{
  if (path->link)
    return caiman_time_add (get_silent_since (path), path->patience_ns);
  const Attempt *oldest = &g_array_index (path->attempts, Attempt, 0);
  gint64 patience_ns = MAX (HANGING_AFTER_NS, 2 * path->srtt_ns);
  if (!oldest->link)
    return caiman_time_add (oldest->opened_ns, patience_ns);
  return caiman_time_add (oldest->connected_ns,
                          MAX (patience_ns, ATTEMPT_RTTS * estimate_rtt (self, oldest)));
}

static gint64
get_race_interval (const CaimanConnector *self, const Path *path)
{
  gint64 interval_ns = self->config->race_interval_ns;
  return path->link ? interval_ns : MAX (interval_ns, HANGING_INTERVAL_NS);
}

/* An answer that is due takes a round trip in any case, so that a long one earns more patience. */
static void
look_at_link (CaimanConnector *self, Path *path)
{
  CaimanLinkStats stats;
  caiman_link_get_stats (path->link, &stats, self->now_ns);
  if (path->attempts->len == 0)
    path->raced_packets = stats.received_packets;
  path->srtt_ns = stats.srtt_ns;
  path->patience_ns = MAX (self->config->race_after_ns, 2 * stats.srtt_ns + 4 * stats.rttvar_ns);
}

static void
add_racer (CaimanConnector *self, Path *path)
{
  gint64 interval_ns = get_race_interval (self, path);
  if (path->attempts->len >= ATTEMPTS_MAX) {
    gint64 life_ns = MAX (ATTEMPTS_MAX * interval_ns, ATTEMPT_RTTS * path->srtt_ns);
    gint64 end_ns = caiman_time_add (get_attempt (path, 0)->opened_ns, life_ns);
    if (self->now_ns < end_ns) {
      path->next_race_ns = end_ns;
      return;
    }
    cancel_attempt (self, path, 0);
  }
  open_attempt (self, path);
  path->next_race_ns = caiman_time_add (self->now_ns, interval_ns);
}

static void
update_race (CaimanConnector *self, Path *path)
{
  if (is_race_over (self, path))
    cancel_attempts (self, path);
  if (path->link)
    look_at_link (self, path);
  if (!may_race (self, path))
    return;
  gint64 start_ns = get_race_start (self, path);
  if (self->now_ns >= MAX (start_ns, path->next_race_ns))
    add_racer (self, path);
}

/* --- Paths --- */

static void
update_path (CaimanConnector *self, Path *path)
{
  if (!is_wanted (self))
    cancel_attempts (self, path);
  else if (path->link || path->attempts->len > 0)
    update_race (self, path);
  else if (self->now_ns >= path->next_open_ns && !path->awaits_others) {
    path->next_open_ns = CAIMAN_TIME_NEVER;
    path->next_race_ns = self->now_ns;
    open_attempt (self, path);
  }
}

static gint64
get_path_deadline (const CaimanConnector *self, Path *path)
{
  if (!is_wanted (self))
    return path->attempts->len > 0 ? self->now_ns : CAIMAN_TIME_NEVER;
  if (!path->link && path->attempts->len == 0)
    return path->awaits_others ? CAIMAN_TIME_NEVER : path->next_open_ns;
  if (is_race_over (self, path))
    return self->now_ns;
  if (!may_race (self, path))
    return CAIMAN_TIME_NEVER;
  return MAX (get_race_start (self, path), path->next_race_ns);
}

guint32
caiman_connector_add_path (CaimanConnector *connector, const CaimanLinkInfo *info, gint64 start_ns,
                           gint64 now_ns)
{
  take_time (connector, now_ns);
  Path *path = g_new0 (Path, 1);
  path->id = ++connector->last_path_id;
  path->name = g_strdup (info->name);
  path->user_data = info->user_data ? g_bytes_ref (info->user_data) : NULL;
  path->info = *info;
  path->info.name = path->name;
  path->info.local = path->local = g_strdup (info->local);
  path->info.remote = path->remote = g_strdup (info->remote);
  path->next_open_ns = start_ns;
  path->reconnect_delay_ns = connector->config->reconnect_delay_ns;
  path->attempts = g_array_new (FALSE, FALSE, sizeof (Attempt));
  g_array_set_clear_func (path->attempts, attempt_clear);
  g_ptr_array_add (connector->paths, path);
  update_path (connector, path);
  return path->id;
}

void
caiman_connector_set_reconnect_delay (CaimanConnector *connector, guint32 path_id, gint64 delay_ns)
{
  for (guint i = 0; i < connector->paths->len; i++) {
    Path *path = connector->paths->pdata[i];
    if (path->id == path_id)
      path->reconnect_delay_ns = delay_ns;
  }
}

void
caiman_connector_remove_path (CaimanConnector *connector, guint32 path_id, gint64 now_ns)
{
  take_time (connector, now_ns);
  for (guint i = 0; i < connector->paths->len; i++) {
    Path *path = connector->paths->pdata[i];
    if (path->id != path_id)
      continue;
    cancel_attempts (connector, path);
    if (path->link)
      caiman_link_disconnect (path->link, now_ns);
    g_ptr_array_remove_index (connector->paths, i);
    return;
  }
}

gboolean
caiman_connector_next_action (CaimanConnector *connector, CaimanConnectorAction *action_out)
{
  if (connector->actions->len == 0)
    return FALSE;
  *action_out = g_array_index (connector->actions, CaimanConnectorAction, 0);
  g_array_remove_index (connector->actions, 0);
  return TRUE;
}

/* --- What became of an attempt --- */

CaimanLink *
caiman_connector_attempt_connected (CaimanConnector *connector, guint32 attempt_id, gint64 now_ns)
{
  take_time (connector, now_ns);
  guint index;
  Path *path = find_attempt (connector, attempt_id, &index);
  if (!path || get_attempt (path, index)->link)
    return NULL;
  CaimanLink *link = caiman_connection_add_link (connector->connection, &path->info, now_ns);
  if (!link) {
    g_array_remove_index (path->attempts, index);
    return NULL;
  }
  get_attempt (path, index)->link = caiman_link_ref (link);
  get_attempt (path, index)->connected_ns = now_ns;
  return link;
}

static void
remove_failed_attempt (CaimanConnector *self, Path *path, guint index, gint64 retry_ns)
{
  g_array_remove_index (path->attempts, index);
  path->next_open_ns = retry_ns;
}

void
caiman_connector_attempt_failed (CaimanConnector *connector, guint32 attempt_id,
                                 CaimanReason reason, gint64 now_ns)
{
  take_time (connector, now_ns);
  guint index;
  Path *path = find_attempt (connector, attempt_id, &index);
  if (!path)
    return;
  path->failure = reason;
  remove_failed_attempt (connector, path, index,
                         caiman_time_add (now_ns, path->reconnect_delay_ns));
}

/* When to open again what was established at @connected_ns and has gone now (PROTOCOL.md, 6). */
static gint64
get_reopen_time (const CaimanConnector *self, const Path *path, gint64 connected_ns)
{
  gint64 allowed_ns = caiman_time_add (connected_ns, path->reconnect_delay_ns);
  return MAX (allowed_ns, self->now_ns);
}

static void
attempt_accepted (CaimanConnector *self, Path *path, guint index)
{
  g_autoptr (CaimanLink) old_link = g_steal_pointer (&path->link);
  path->link = g_steal_pointer (&get_attempt (path, index)->link);
  path->link_connected_ns = get_attempt (path, index)->connected_ns;
  path->failure = CAIMAN_REASON_NONE;
  path->refused_delay_ns = 0;
  path->next_race_ns = self->now_ns;
  g_array_remove_index (path->attempts, index);
  cancel_attempts (self, path);
  look_at_link (self, path);
  if (old_link)
    caiman_link_failed (old_link, CAIMAN_REASON_LINK_REPLACED, self->now_ns);
}

/* A filter said no. If only because of a link that is dead, the server has seen so after a moment;
 * but most of what is redundant stays so. */
static void
attempt_refused (CaimanConnector *self, Path *path, guint index)
{
  gint64 delay_ns = path->refused_delay_ns == 0 ? REFUSED_DELAY_NS : 2 * path->refused_delay_ns;
  path->refused_delay_ns = MIN (delay_ns, path->reconnect_delay_ns);
  gint64 retry_ns = path->reconnect_delay_ns == CAIMAN_TIME_NEVER
                        ? CAIMAN_TIME_NEVER
                        : caiman_time_add (self->now_ns, path->refused_delay_ns);
  remove_failed_attempt (self, path, index, retry_ns);
  if (!path->link)
    return;
  cancel_attempts (self, path);
  path->next_race_ns = retry_ns;
}

/* The handshake failed, or a filter said no. */
static void
attempt_link_gone (CaimanConnector *self, Path *path, guint index, CaimanReason reason)
{
  path->failure = reason;
  if (reason == CAIMAN_REASON_LINK_REFUSED ||
      (reason == CAIMAN_REASON_LINK_FILTERED && path->link)) {
    attempt_refused (self, path, index);
    return;
  }
  gint64 retry_ns = get_reopen_time (self, path, get_attempt (path, index)->connected_ns);
  remove_failed_attempt (self, path, index, retry_ns);
  path->awaits_others |= reason == CAIMAN_REASON_LINK_FILTERED;
}

static void
path_link_gone (CaimanConnector *self, Path *path)
{
  g_clear_pointer (&path->link, caiman_link_unref);
  path->refused_delay_ns = 0;
  path->next_open_ns = get_reopen_time (self, path, path->link_connected_ns);
  for (guint i = 0; i < self->paths->len; i++) {
    Path *other = self->paths->pdata[i];
    if (other != path)
      other->awaits_others = FALSE;
  }
}

static void
path_link_event (CaimanConnector *self, Path *path, CaimanLink *link, gboolean gone,
                 CaimanReason reason)
{
  if (gone && path->link == link) {
    path_link_gone (self, path);
    return;
  }
  for (guint i = 0; i < path->attempts->len; i++) {
    if (get_attempt (path, i)->link != link)
      continue;
    CaimanLinkState state = caiman_link_get_state (link);
    if (gone)
      attempt_link_gone (self, path, i, reason);
    else if (state == CAIMAN_LINK_NEW || state == CAIMAN_LINK_WORKING)
      attempt_accepted (self, path, i);
    return;
  }
}

void
caiman_connector_link_event (CaimanConnector *connector, const CaimanEvent *event, gint64 now_ns)
{
  take_time (connector, now_ns);
  gboolean gone =
      event->type == CAIMAN_EVENT_LINK_CLOSE ||
      (event->type == CAIMAN_EVENT_LINK_STATE && event->link_state == CAIMAN_LINK_CLOSED);
  if (!gone && event->type != CAIMAN_EVENT_LINK_STATE)
    return;
  /* The link belongs to one path at most; to none when its path was removed. */
  for (guint i = 0; i < connector->paths->len; i++)
    path_link_event (connector, connector->paths->pdata[i], event->link, gone, event->reason);
}

gboolean
caiman_connector_get_path (const CaimanConnector *connector, guint index,
                           const CaimanLinkInfo **info_out, CaimanReason *failure_out)
{
  if (index >= connector->paths->len)
    return FALSE;
  const Path *path = connector->paths->pdata[index];
  *info_out = &path->info;
  *failure_out = path->failure;
  return TRUE;
}

gint64
caiman_connector_get_deadline (const CaimanConnector *connector)
{
  gint64 deadline_ns = CAIMAN_TIME_NEVER;
  for (guint i = 0; i < connector->paths->len; i++)
    deadline_ns = MIN (deadline_ns, get_path_deadline (connector, connector->paths->pdata[i]));
  return deadline_ns;
}

void
caiman_connector_advance (CaimanConnector *connector, gint64 now_ns)
{
  take_time (connector, now_ns);
  for (guint i = 0; i < connector->paths->len; i++)
    update_path (connector, connector->paths->pdata[i]);
}
