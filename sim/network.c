/* SPDX-License-Identifier: Apache-2.0 */
/* network.c - see network.h. */
#include "sim/network.h"

#include "sim/carrier.h"

struct _SimNetwork {
  CaimanTimerQueue *queue;
  guint64 run_seed;
  GPtrArray *paths; /* of SimLinkPath, in the order in which they were added */
  SimAcceptFunc accept;
  gpointer accept_data;
  SimTapFunc tap; /* (nullable) */
  gpointer tap_data;
};

static void
free_path (gpointer data)
{
  SimLinkPath *path = data;

  path->klass->free (path->carrier);
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++)
    sim_path_free (path->directions[d].path);
  g_free (path->name);
  g_free (path);
}

SimNetwork *
sim_network_new (CaimanTimerQueue *queue, guint64 run_seed)
{
  SimNetwork *network = g_new0 (SimNetwork, 1);

  network->queue = queue;
  network->run_seed = run_seed;
  network->paths = g_ptr_array_new_with_free_func (free_path);
  return network;
}

void
sim_network_free (SimNetwork *network)
{
  if (!network)
    return;
  g_ptr_array_unref (network->paths);
  g_free (network);
}

void
sim_network_set_accept (SimNetwork *network, SimAcceptFunc func, gpointer user_data)
{
  network->accept = func;
  network->accept_data = user_data;
}

void
sim_network_set_tap (SimNetwork *network, SimTapFunc func, gpointer user_data)
{
  network->tap = func;
  network->tap_data = user_data;
  for (guint i = 0; i < network->paths->len; i++)
    ((SimLinkPath *)network->paths->pdata[i])->tapped = func != NULL;
}

void
sim_link_path_tap (SimLinkPath *path, SimTapEvent event)
{
  const SimNetwork *network = path->network;

  if (!network->tap)
    return;
  event.time_ns = caiman_timer_queue_now (path->queue);
  event.path = path;
  network->tap (network->tap_data, &event);
}

CaimanTimerQueue *
sim_network_get_queue (SimNetwork *network)
{
  return network->queue;
}

static const SimCarrierClass *
get_carrier_class (SimCarrierKind kind)
{
  switch (kind) {
  case SIM_CARRIER_PIPE:
    return &sim_pipe_class;
  case SIM_CARRIER_TCP:
    return &sim_tcp_carrier_class;
  }
  g_assert_not_reached ();
}

SimLinkPath *
sim_network_add_path (SimNetwork *network, const char *name, SimCarrierKind kind,
                      const SimPathConfig config[SIM_N_DIRECTIONS])
{
  SimLinkPath *path = g_new0 (SimLinkPath, 1);

  g_assert (!sim_network_get_path (network, name));
  path->network = network;
  path->queue = network->queue;
  path->name = g_strdup (name);
  path->tapped = network->tap != NULL;
  path->connect_timeout_ns = SIM_CONNECT_TIMEOUT_DEFAULT_NS;
  path->receive_buffer_bytes = kind == SIM_CARRIER_PIPE ? SIM_RECEIVE_BUFFER_DEFAULT_BYTES : 0;
  sim_tcp_config_init (&path->tcp);
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
    path->directions[d].path = sim_path_new (&config[d], network->run_seed, name, d);
    path->directions[d].dark_since_ns = -1;
  }
  path->klass = get_carrier_class (kind);
  path->carrier = path->klass->new (path);
  g_ptr_array_add (network->paths, path);
  return path;
}

SimLinkPath *
sim_network_get_path (SimNetwork *network, const char *name)
{
  for (guint i = 0; i < network->paths->len; i++) {
    SimLinkPath *path = network->paths->pdata[i];
    if (g_str_equal (path->name, name))
      return path;
  }
  return NULL;
}

const char *
sim_link_path_get_name (const SimLinkPath *path)
{
  return path->name;
}

void
sim_link_path_set_user_data (SimLinkPath *path, gpointer user_data)
{
  path->user_data = user_data;
}

gpointer
sim_link_path_get_user_data (const SimLinkPath *path)
{
  return path->user_data;
}

CaimanTransport *
sim_link_path_connect (SimLinkPath *path)
{
  return path->klass->connect (path->carrier);
}

gsize
sim_link_path_get_queued_bytes (const SimLinkPath *path, SimDirection direction)
{
  return path->klass->get_queued_bytes (path->carrier, direction);
}

void
sim_link_path_set_connect_timeout (SimLinkPath *path, gint64 timeout_ns)
{
  g_assert (timeout_ns > 0);
  path->connect_timeout_ns = timeout_ns;
}

void
sim_link_path_set_tcp (SimLinkPath *path, const SimTcpConfig *config)
{
  path->tcp = *config;
}

const SimPathConfig *
sim_link_path_get_config (const SimLinkPath *path, SimDirection direction)
{
  return sim_path_get_config (path->directions[direction].path);
}

const SimPathStats *
sim_link_path_get_stats (const SimLinkPath *path, SimDirection direction)
{
  return sim_path_get_stats (path->directions[direction].path);
}

guint
sim_link_path_get_connections (const SimLinkPath *path)
{
  return path->klass->get_connections (path->carrier);
}

gboolean
sim_link_path_accepts (const SimLinkPath *path)
{
  return path->network->accept && !path->refusing;
}

void
sim_link_path_accept (SimLinkPath *path, CaimanTransport *end)
{
  g_assert (path->network->accept);
  path->network->accept (path->network->accept_data, path, end);
}

gint64
sim_link_path_get_rtt (const SimLinkPath *path)
{
  return sim_link_path_get_config (path, SIM_DIRECTION_UP)->delay_ns +
         sim_link_path_get_config (path, SIM_DIRECTION_DOWN)->delay_ns;
}

/* A change to some directions of @path: applies @change (@direction, @value) to each. */
typedef void (*ChangeFunc) (SimLinkPath *path, SimPathDirection *direction, gconstpointer value);

static void
change (SimLinkPath *path, SimDirections which, ChangeFunc func, gconstpointer value)
{
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
    if (!(which & (1u << d)))
      continue;
    path->klass->will_change (path->carrier, d);
    func (path, &path->directions[d], value);
    path->klass->changed (path->carrier, d);
  }
}

static void
change_rate (SimLinkPath *path, SimPathDirection *direction, gconstpointer value)
{
  sim_path_set_rate (direction->path, *(const gint64 *)value);
}

void
sim_link_path_set_rate (SimLinkPath *path, SimDirections which, gint64 rate_bps)
{
  change (path, which, change_rate, &rate_bps);
}

static void
change_delay (SimLinkPath *path, SimPathDirection *direction, gconstpointer value)
{
  sim_path_set_delay (direction->path, *(const gint64 *)value);
}

void
sim_link_path_set_delay (SimLinkPath *path, SimDirections which, gint64 delay_ns)
{
  change (path, which, change_delay, &delay_ns);
}

static void
change_jitter (SimLinkPath *path, SimPathDirection *direction, gconstpointer value)
{
  sim_path_set_jitter (direction->path, value);
}

void
sim_link_path_set_jitter (SimLinkPath *path, SimDirections which, const SimDist *jitter)
{
  change (path, which, change_jitter, jitter);
}

static void
change_loss (SimLinkPath *path, SimPathDirection *direction, gconstpointer value)
{
  sim_path_set_loss (direction->path, value);
}

void
sim_link_path_set_loss (SimLinkPath *path, SimDirections which, const SimLossConfig *loss)
{
  change (path, which, change_loss, loss);
}

typedef struct {
  guint32 mtu_bytes;
  gboolean is_blackhole;
} Mtu;

static void
change_mtu (SimLinkPath *path, SimPathDirection *direction, gconstpointer value)
{
  const Mtu *mtu = value;

  sim_path_set_mtu (direction->path, mtu->mtu_bytes, mtu->is_blackhole);
}

void
sim_link_path_set_mtu (SimLinkPath *path, SimDirections which, guint32 mtu_bytes,
                       gboolean is_blackhole)
{
  const Mtu mtu = { mtu_bytes, is_blackhole };

  change (path, which, change_mtu, &mtu);
}

static void
change_queue (SimLinkPath *path, SimPathDirection *direction, gconstpointer value)
{
  sim_path_set_queue (direction->path, value);
}

void
sim_link_path_set_queue (SimLinkPath *path, SimDirections which, const SimQueueLimit *queue)
{
  change (path, which, change_queue, queue);
}

static void
change_receive_buffer (SimLinkPath *path, SimPathDirection *direction, gconstpointer value)
{
  path->receive_buffer_bytes = *(const gsize *)value;
}

void
sim_link_path_set_receive_buffer (SimLinkPath *path, gsize size_bytes)
{
  g_assert (size_bytes > 0);
  change (path, SIM_DIRECTIONS_BOTH, change_receive_buffer, &size_bytes);
}

static void
change_blackhole (SimLinkPath *path, SimPathDirection *direction, gconstpointer value)
{
  gboolean on = *(const gboolean *)value;

  if (on && !direction->dark)
    direction->dark_since_ns = caiman_timer_queue_now (path->queue);
  direction->dark = on;
}

void
sim_link_path_set_blackhole (SimLinkPath *path, SimDirections which, gboolean on)
{
  change (path, which, change_blackhole, &on);
}

static void
change_paused (SimLinkPath *path, SimPathDirection *direction, gconstpointer value)
{
  direction->paused = *(const gboolean *)value;
}

void
sim_link_path_set_paused (SimLinkPath *path, SimDirections which, gboolean paused)
{
  change (path, which, change_paused, &paused);
}

void
sim_link_path_set_down (SimLinkPath *path, gboolean down)
{
  if (path->down == down)
    return;
  path->down = down;
  if (down)
    path->klass->went_down (path->carrier);
}

void
sim_link_path_reset (SimLinkPath *path)
{
  path->klass->reset (path->carrier);
}

void
sim_link_path_close (SimLinkPath *path)
{
  path->klass->close (path->carrier);
}

void
sim_link_path_half_open (SimLinkPath *path, SimDirections which)
{
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++)
    if (which & (1u << d))
      path->klass->half_open (path->carrier, d);
}

void
sim_link_path_rebind (SimLinkPath *path)
{
  g_assert (path->klass->rebind);
  path->klass->rebind (path->carrier);
}

void
sim_link_path_set_refusing (SimLinkPath *path, gboolean refusing)
{
  path->refusing = refusing;
}

void
sim_link_path_corrupt (SimLinkPath *path, SimDirections which, guint64 frames)
{
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++)
    if (which & (1u << d))
      path->directions[d].corrupt_frames = frames;
}
