/* SPDX-License-Identifier: Apache-2.0 */
/* relay-line.c - see relay-line.h.
 *
 * The bytes of a line lie in one ring, in the order of the stream: those in flight, then those that
 * wait. What is known of them are parts: a waiting part is one put(), a flying one is a segment. */
#include "harness/relay-line.h"

#include "harness/relay-frames.h"

#include <string.h>

#define SEGMENT_MIN_BYTES     1448
#define SEGMENT_MAX_BYTES     (64 * 1024)
#define SEGMENT_TIME_NS       (250 * CAIMAN_NS_PER_US)
#define QUEUE_MIN_BYTES       (16 * 1024)
#define QUEUE_UNLIMITED_BYTES (256 * 1024)
#define RING_MIN_BYTES        4096u

typedef struct {
  GList node;
  RelayArrival kind;
  gsize size;    /* of DATA: what is left of it */
  gint64 at_ns;  /* waiting: there to be taken since; in flight: arrives at */
  guint64 order; /* waiting: of all parts of the bottleneck */
} Part;

struct _RelayBottleneck {
  SimPath *path;
  CaimanPrng corrupt_prng;
  guint64 n_corrupt;
  gboolean paused, dark;
  gint64 dark_since_ns; /* start of the latest darkness; -1: never yet */
  GQueue lines;         /* of RelayLine */
  guint64 next_order;
  gint64 free_ns;     /* since when it could have taken the next segment */
  gboolean held_back; /* nothing may leave although something waits */

  RelayLine *current; /* (nullable) whose segment is in service */
  gsize current_size;
  gint64 departs_ns; /* of the segment in service, unless held back */
  gint64 work_left;  /* of it, while held back */
};

struct _RelayLine {
  GList node; /* in RelayBottleneck.lines */
  RelayBottleneck *bottleneck;
  RelayFrames frames;
  gint64 limit_bytes;
  gboolean stuck;
  gboolean blocked;
  gint64 in_flight_max_bytes; /* while blocked */
  GQueue waiting, flying;     /* of Part */
  gint64 last_arrival_ns;
  guint8 *ring; /* of @ring_size bytes, a power of two */
  gsize ring_size;
  guint64 taken, left, put; /* positions in the stream: taken <= left <= put */
};

/* --- Parts and the ring --- */

static void
push_part (GQueue *queue, RelayArrival kind, gsize size, gint64 at_ns, guint64 order)
{
  Part *part = g_new0 (Part, 1);

  part->node.data = part;
  part->kind = kind;
  part->size = size;
  part->at_ns = at_ns;
  part->order = order;
  g_queue_push_tail_link (queue, &part->node);
}

static void
drop_head (GQueue *queue)
{
  g_free (g_queue_pop_head_link (queue)->data);
}

static void
drop_all (GQueue *queue)
{
  while (queue->head)
    drop_head (queue);
}

static void
grow_ring (RelayLine *line, gsize needed)
{
  gsize size = MAX (line->ring_size, RING_MIN_BYTES);
  while (size < needed)
    size *= 2;
  if (size == line->ring_size)
    return;
  guint8 *ring = g_malloc (size);
  for (guint64 at = line->taken; at < line->put;) {
    gsize from = at & (line->ring_size - 1), to = at & (size - 1);
    gsize n = (gsize)MIN (line->put - at, MIN (line->ring_size - from, size - to));
    memcpy (ring + to, line->ring + from, n);
    at += n;
  }
  g_free (line->ring);
  line->ring = ring;
  line->ring_size = size;
}

/* --- Service --- */

static gboolean
may_run (const RelayBottleneck *self)
{
  return !self->paused && !self->dark;
}

gsize
relay_bottleneck_get_segment_bytes (const RelayBottleneck *self)
{
  gint64 rate_bps = sim_path_get_config (self->path)->rate_bps;

  if (rate_bps == SIM_RATE_UNLIMITED)
    return SEGMENT_MAX_BYTES;
  gint64 bytes = caiman_muldiv (rate_bps, SEGMENT_TIME_NS, 8 * CAIMAN_NS_PER_S);
  return (gsize)CLAMP (bytes, SEGMENT_MIN_BYTES, SEGMENT_MAX_BYTES);
}

static gsize
get_next_size (const RelayLine *line)
{
  const Part *part = line->waiting.head->data;
  return MIN (part->size, relay_bottleneck_get_segment_bytes (line->bottleneck));
}

/* FALSE: whoever takes what arrives must first take what is on its way. */
static gboolean
has_place (const RelayLine *line)
{
  guint64 in_flight = line->left - line->taken;

  return !line->blocked || in_flight == 0 ||
         in_flight + get_next_size (line) <= (guint64)line->in_flight_max_bytes;
}

/* (nullable) The line whose turn it is: that which has waited longest of those that may go. */
static RelayLine *
pick_line (RelayBottleneck *self)
{
  RelayLine *picked = NULL;

  for (GList *node = self->lines.head; node; node = node->next) {
    RelayLine *line = node->data;
    if (line->stuck || !line->waiting.head)
      continue;
    if (!has_place (line))
      self->held_back = TRUE;
    else if (!picked || ((Part *)line->waiting.head->data)->order <
                            ((Part *)picked->waiting.head->data)->order)
      picked = line;
  }
  return picked;
}

/* Takes the next segment into service, if there is one. */
static void
start (RelayBottleneck *self, gint64 now_ns)
{
  gboolean was_held_back = self->held_back;

  if (self->current || !may_run (self))
    return;
  self->held_back = FALSE;
  self->current = pick_line (self);
  if (!self->current)
    return;
  /* What could not run for a while has nothing to catch up with. */
  if (was_held_back)
    self->free_ns = now_ns;
  const Part *part = self->current->waiting.head->data;
  self->current_size = get_next_size (self->current);
  self->departs_ns =
      sim_path_serialise (self->path, self->current_size, MAX (part->at_ns, self->free_ns));
}

/* Corruption happens while bytes pass the bottleneck. */
static void
pass_frames (RelayLine *line, gsize size)
{
  RelayBottleneck *self = line->bottleneck;

  while (size > 0) {
    gsize from = line->left & (line->ring_size - 1);
    gsize n = MIN (size, line->ring_size - from);
    relay_frames_pass (&line->frames, line->ring + from, n, &self->n_corrupt, &self->corrupt_prng);
    line->left += n;
    size -= n;
  }
}

static void
carry (RelayLine *line, RelayArrival kind, gsize size, gint64 arrival_ns)
{
  line->last_arrival_ns = MAX (arrival_ns, line->last_arrival_ns);
  push_part (&line->flying, kind, size, line->last_arrival_ns, 0);
}

/* The last bit of the segment in service is out. */
static void
depart (RelayBottleneck *self)
{
  RelayLine *line = self->current;
  Part *part = line->waiting.head->data;
  RelayArrival kind = part->kind;
  gsize size = self->current_size;

  self->current = NULL;
  self->free_ns = self->departs_ns;
  part->size -= size;
  if (part->size == 0)
    drop_head (&line->waiting);
  if (kind == RELAY_DATA) {
    pass_frames (line, size);
    sim_path_count (self->path, size);
  }
  carry (line, kind, size, self->departs_ns + sim_path_draw_delay (self->path));
}

void
relay_bottleneck_advance (RelayBottleneck *self, gint64 now_ns)
{
  start (self, now_ns);
  while (self->current && may_run (self) && self->departs_ns <= now_ns) {
    depart (self);
    start (self, now_ns);
  }
}

gint64
relay_bottleneck_get_deadline (const RelayBottleneck *self)
{
  return self->current && may_run (self) ? self->departs_ns : CAIMAN_TIME_NEVER;
}

/* Around a change: the segment in service stops, and goes on if it may. */
static void
interrupt (RelayBottleneck *self, gint64 now_ns)
{
  if (self->current && may_run (self))
    self->work_left = sim_path_interrupt (self->path, now_ns);
}

static void
resume (RelayBottleneck *self, gint64 now_ns)
{
  if (!may_run (self))
    return;
  self->free_ns = MAX (self->free_ns, now_ns);
  if (self->current)
    self->departs_ns = sim_path_resume (self->path, self->work_left, now_ns);
  start (self, now_ns);
}

/* @line's segment is no longer to be served; the next one's turn begins with advance(). */
static void
leave_service (RelayLine *line)
{
  RelayBottleneck *self = line->bottleneck;

  if (self->current != line)
    return;
  self->current = NULL;
  self->held_back = TRUE;
}

/* --- Bottleneck --- */

RelayBottleneck *
relay_bottleneck_new (const SimPathConfig *config, guint64 run_seed, const char *name,
                      SimDirection direction)
{
  RelayBottleneck *self = g_new0 (RelayBottleneck, 1);
  g_autofree char *stream =
      g_strdup_printf ("path/%s/%s/corrupt", name, direction == SIM_DIRECTION_UP ? "up" : "down");

  g_assert (config->loss.kind == SIM_LOSS_NONE);
  self->path = sim_path_new (config, run_seed, name, direction);
  caiman_prng_init_stream (&self->corrupt_prng, run_seed, stream);
  self->dark_since_ns = -1;
  g_queue_init (&self->lines);
  return self;
}

void
relay_bottleneck_free (RelayBottleneck *self)
{
  if (!self)
    return;
  g_assert (self->lines.length == 0);
  sim_path_free (self->path);
  g_free (self);
}

const SimPathConfig *
relay_bottleneck_get_config (const RelayBottleneck *self)
{
  return sim_path_get_config (self->path);
}

void
relay_bottleneck_set_config (RelayBottleneck *self, const SimPathConfig *config, gint64 now_ns)
{
  g_assert (config->loss.kind == SIM_LOSS_NONE);
  interrupt (self, now_ns);
  sim_path_set_rate (self->path, config->rate_bps);
  sim_path_set_delay (self->path, config->delay_ns);
  sim_path_set_jitter (self->path, &config->jitter);
  sim_path_set_queue (self->path, &config->queue);
  resume (self, now_ns);
}

void
relay_bottleneck_set_paused (RelayBottleneck *self, gboolean paused, gint64 now_ns)
{
  if (self->paused == paused)
    return;
  interrupt (self, now_ns);
  self->paused = paused;
  resume (self, now_ns);
}

void
relay_bottleneck_set_dark (RelayBottleneck *self, gboolean dark, gint64 now_ns)
{
  if (self->dark == dark)
    return;
  interrupt (self, now_ns);
  self->dark = dark;
  if (dark)
    self->dark_since_ns = now_ns;
  resume (self, now_ns);
}

void
relay_bottleneck_corrupt (RelayBottleneck *self, guint64 n_frames)
{
  self->n_corrupt = n_frames;
}

gboolean
relay_bottleneck_swallows (const RelayBottleneck *self)
{
  return !may_run (self);
}

gboolean
relay_bottleneck_has_swallowed (const RelayBottleneck *self, gint64 sent_ns)
{
  return self->dark || self->dark_since_ns >= sent_ns;
}

guint64
relay_bottleneck_get_bytes (const RelayBottleneck *self)
{
  return sim_path_get_stats (self->path)->bytes;
}

gint64
relay_get_queue_limit (const SimPathConfig *config)
{
  g_assert (config->queue.unit == SIM_QUEUE_TIME || config->queue.unit == SIM_QUEUE_BYTES);
  if (config->queue.unit == SIM_QUEUE_BYTES)
    return config->queue.value;
  if (config->rate_bps == SIM_RATE_UNLIMITED)
    return QUEUE_UNLIMITED_BYTES;
  gint64 bytes = caiman_muldiv (config->queue.value, config->rate_bps, 8 * CAIMAN_NS_PER_S);
  return MAX (bytes, QUEUE_MIN_BYTES);
}

/* --- Lines --- */

RelayLine *
relay_line_new (RelayBottleneck *bottleneck)
{
  RelayLine *line = g_new0 (RelayLine, 1);

  line->bottleneck = bottleneck;
  line->limit_bytes = G_MAXINT64;
  relay_frames_init (&line->frames);
  g_queue_init (&line->waiting);
  g_queue_init (&line->flying);
  line->node.data = line;
  g_queue_push_tail_link (&bottleneck->lines, &line->node);
  return line;
}

void
relay_line_free (RelayLine *line)
{
  if (!line)
    return;
  leave_service (line);
  g_queue_unlink (&line->bottleneck->lines, &line->node);
  drop_all (&line->waiting);
  drop_all (&line->flying);
  g_free (line->ring);
  g_free (line);
}

void
relay_line_set_limit (RelayLine *line, gint64 limit_bytes)
{
  line->limit_bytes = MAX (limit_bytes, 1);
}

gsize
relay_line_get_waiting (const RelayLine *line)
{
  return (gsize)(line->put - line->left);
}

gsize
relay_line_get_room (const RelayLine *line)
{
  guint64 waiting = line->put - line->left;
  return waiting < (guint64)line->limit_bytes ? (gsize)((guint64)line->limit_bytes - waiting) : 0;
}

void
relay_line_put (RelayLine *line, const guint8 *data, gsize size, gint64 since_ns)
{
  if (size == 0)
    return;
  grow_ring (line, (gsize)(line->put - line->taken) + size);
  push_part (&line->waiting, RELAY_DATA, size, since_ns, line->bottleneck->next_order++);
  while (size > 0) {
    gsize to = line->put & (line->ring_size - 1);
    gsize n = MIN (size, line->ring_size - to);
    memcpy (line->ring + to, data, n);
    line->put += n;
    data += n;
    size -= n;
  }
}

void
relay_line_put_fin (RelayLine *line, gint64 now_ns)
{
  push_part (&line->waiting, RELAY_FIN, 0, now_ns, line->bottleneck->next_order++);
}

static gint64
get_delay (const RelayLine *line)
{
  return sim_path_get_config (line->bottleneck->path)->delay_ns;
}

void
relay_line_put_open (RelayLine *line, gint64 now_ns)
{
  carry (line, RELAY_OPEN, 0, now_ns + get_delay (line));
}

void
relay_line_drop_waiting (RelayLine *line)
{
  leave_service (line);
  drop_all (&line->waiting);
  line->put = line->left;
}

void
relay_line_put_reset (RelayLine *line, gint64 now_ns)
{
  relay_line_drop_waiting (line);
  if (!line->stuck)
    carry (line, RELAY_RESET, 0, now_ns + get_delay (line));
}

void
relay_line_stick (RelayLine *line)
{
  line->stuck = TRUE;
  leave_service (line);
  drop_all (&line->flying);
  line->taken = line->left;
}

void
relay_line_set_blocked (RelayLine *line, gboolean blocked, gint64 in_flight_bytes)
{
  line->blocked = blocked;
  line->in_flight_max_bytes = in_flight_bytes;
}

/* The first thing in flight, unless a blackhole keeps it from arriving. */
static const Part *
get_first (const RelayLine *line)
{
  const RelayBottleneck *self = line->bottleneck;
  const Part *part = line->flying.head ? line->flying.head->data : NULL;

  return part && self->dark && part->at_ns > self->dark_since_ns ? NULL : part;
}

gint64
relay_line_get_arrival (const RelayLine *line)
{
  const Part *part = get_first (line);
  return part ? part->at_ns : CAIMAN_TIME_NEVER;
}

RelayArrival
relay_line_peek (const RelayLine *line, gint64 now_ns, const guint8 **data_out, gsize *size_out)
{
  const RelayBottleneck *self = line->bottleneck;
  const Part *first = get_first (line);
  gint64 until_ns = self->dark ? MIN (now_ns, self->dark_since_ns) : now_ns;
  gsize size = 0;

  if (!first || first->at_ns > until_ns)
    return RELAY_NOTHING;
  if (first->kind != RELAY_DATA)
    return first->kind;
  for (const GList *node = line->flying.head; node; node = node->next) {
    const Part *part = node->data;
    if (part->kind != RELAY_DATA || part->at_ns > until_ns)
      break;
    size += part->size;
  }
  gsize from = line->taken & (line->ring_size - 1);
  *data_out = line->ring + from;
  *size_out = MIN (size, line->ring_size - from);
  return RELAY_DATA;
}

void
relay_line_take (RelayLine *line, gsize size)
{
  Part *part = line->flying.head->data;

  line->taken += size;
  if (part->kind != RELAY_DATA)
    drop_head (&line->flying);
  while (size > 0) {
    part = line->flying.head->data;
    gsize n = MIN (size, part->size);
    part->size -= n;
    size -= n;
    if (part->size == 0)
      drop_head (&line->flying);
  }
}
