/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - the table of tunables and what must hold between them.
 *
 * The values of the presets named after the peers are those of PROTOCOL.md, 7. */
#include "core/config.h"

#include <stddef.h>
#include <string.h>

#define US(n)  ((n)*CAIMAN_NS_PER_US)
#define MS(n)  ((n)*CAIMAN_NS_PER_MS)
#define S(n)   ((n)*CAIMAN_NS_PER_S)
#define DAY    S (86400)
#define KIB(n) ((n)*G_GINT64_CONSTANT (1024))
#define MIB(n) (KIB (n) * 1024)
#define GIB(n) (MIB (n) * 1024)
#define NEVER  CAIMAN_TIME_NEVER

static const char *const preset_names[] = { "adaptive", "aggligator-0.9", "aggligator-0.10", NULL };
static const char *const policy_names[] = { "adaptive",  "min-rtt",   "round-robin",
                                            "redundant", "reference", NULL };
static const char *const ping_mode_names[] = { "periodic", "when-idle", "after-timeout", NULL };

G_STATIC_ASSERT (G_N_ELEMENTS (preset_names) == CAIMAN_N_PRESETS + 1);
G_STATIC_ASSERT (G_N_ELEMENTS (policy_names) == CAIMAN_N_POLICIES + 1);

/* One line per tunable: name, field, range, then the presets' values in the order of CaimanPreset.
 * The trailing part sets what only some kinds have. */
#define TUNABLE(name_, kind_, field_, min_, max_, v1, v2, v3, doc_, ...)                           \
  {                                                                                                \
    .name = name_, .doc = doc_, .kind = CAIMAN_TUNABLE_##kind_,                                    \
    .offset = offsetof (CaimanConfig, field_), .min = min_, .max = max_,                           \
    .preset_values = { v1, v2, v3 }, __VA_ARGS__                                                   \
  }
#define DURATION(name, field, min, max, v1, v2, v3, doc)                                           \
  TUNABLE (name, DURATION, field, min, max, v1, v2, v3, doc, .allows_never = FALSE)
#define DURATION_OR_NEVER(name, field, min, max, v1, v2, v3, doc)                                  \
  TUNABLE (name, DURATION, field, min, max, v1, v2, v3, doc, .allows_never = TRUE)
#define BYTES(name, field, min, max, v1, v2, v3, doc)                                              \
  TUNABLE (name, BYTES, field, min, max, v1, v2, v3, doc, .enum_names = NULL)
#define COUNT(name, field, min, max, v1, v2, v3, doc)                                              \
  TUNABLE (name, COUNT, field, min, max, v1, v2, v3, doc, .enum_names = NULL)
#define BOOLEAN(name, field, v1, v2, v3, doc)                                                      \
  TUNABLE (name, BOOLEAN, field, 0, 1, v1, v2, v3, doc, .enum_names = NULL)
#define ENUM(name, field, names, v1, v2, v3, doc)                                                  \
  TUNABLE (name, ENUM, field, 0, G_N_ELEMENTS (names) - 2, v1, v2, v3, doc, .enum_names = names)

/* clang-format off */
static const CaimanTunable tunables[] = {
  ENUM ("policy", policy, policy_names,
        CAIMAN_POLICY_ADAPTIVE, CAIMAN_POLICY_REFERENCE, CAIMAN_POLICY_REFERENCE,
        "how the sender chooses links and sizes their windows"),
  BYTES ("stream-chunk", stream_chunk_bytes, 0, CAIMAN_FRAME_PAYLOAD_MAX_BYTES,
         0, KIB (8), KIB (8),
         "data per message of the byte-stream view; 0: by the speed of the link"),

  BYTES ("send-buffer", send_buffer_bytes, KIB (1), GIB (64),
         MIB (64), MIB (64), MIB (128),
         "most data sent and not yet acknowledged"),
  BYTES ("receive-buffer", receive_buffer_bytes, KIB (1), G_MAXUINT32,
         MIB (64), MIB (64), MIB (128),
         "most data received and not yet consumed by the application; told to the peer"),
  BOOLEAN ("consumed-when-empty", consumed_when_empty, FALSE, TRUE, FALSE,
           "tell the peer what was consumed also when the receiver has run empty"),

  BYTES ("link-window-start", link_window_start_bytes, 128, GIB (16),
         KIB (64), KIB (8), KIB (8),
         "unacknowledged data that a new link may have"),
  BYTES ("link-window-max", link_window_max_bytes, 128, GIB (16),
         MIB (128), MIB (32), MIB (128),
         "unacknowledged data that any link may have"),

  COUNT ("ack-timeout-factor", ack_timeout_factor, 1, 100, 3, 5, 3,
         "acknowledgement time-out as a multiple of the RTT"),
  DURATION ("ack-timeout-min", ack_timeout_min_ns, MS (1), DAY, S (1), S (1), S (1),
            "shortest acknowledgement time-out"),
  DURATION ("ack-timeout-max", ack_timeout_max_ns, MS (1), DAY, S (30), S (30), S (30),
            "longest acknowledgement time-out"),
  COUNT ("ack-timeout-resend-factor", ack_timeout_resend_factor, 1, 100, 3, 3, 3,
         "the time-out is multiplied by this for data that was sent again"),
  COUNT ("ack-timeout-young-factor", ack_timeout_young_factor, 1, 100, 3, 1, 3,
         "the time-out is multiplied by this while the RTT has fewer than ten samples"),
  DURATION ("max-ack-delay", max_ack_delay_ns, 0, S (1), 0, MS (500), MS (50),
            "how long the peer may hold an acknowledgement back"),
  DURATION ("ack-flush-delay", ack_flush_delay_ns, 0, S (1), 0, 0, 0,
            "acknowledgements wait this long for something else to be sent with; 0: not at all"),

  BYTES ("test-data", test_data_bytes, 0, MIB (128), 0, MIB (32), KIB (64),
         "filler that a new link must carry before it is used; 0: no test"),
  DURATION ("retest-interval", retest_interval_ns, MS (1), DAY, S (1), S (15), S (3),
            "time from a failed test of a link to the next one"),
  ENUM ("ping-mode", ping_mode, ping_mode_names,
        CAIMAN_PING_WHEN_IDLE, CAIMAN_PING_WHEN_IDLE, CAIMAN_PING_WHEN_IDLE,
        "when a link is pinged"),
  DURATION ("ping-interval", ping_interval_ns, MS (1), DAY, S (15), S (15), S (15),
            "time between pings, or of silence before one"),
  DURATION ("ping-timeout", ping_timeout_ns, MS (1), DAY, S (40), S (40), S (40),
            "a link is removed when a ping or a send takes longer"),
  DURATION ("ping-max", ping_max_ns, 0, DAY, 0, 0, 0,
            "a link with a longer RTT does not work; 0: no limit"),
  DURATION ("non-working-timeout", non_working_timeout_ns, MS (1), DAY, S (20), S (600), S (20),
            "a link that has not worked this long is removed"),
  DURATION ("no-link-timeout", no_link_timeout_ns, MS (1), DAY, S (90), S (90), S (120),
            "the connection fails after this long without a working link"),
  DURATION ("termination-timeout", termination_timeout_ns, MS (1), DAY, S (300), S (300), S (300),
            "longest time that closing may take"),
  COUNT ("slow-link-factor", slow_link_factor, 0, 1000, 0, 0, 5,
         "a link whose RTT is above this multiple of the best loses window; 0: never"),

  DURATION ("handshake-timeout", handshake_timeout_ns, MS (1), DAY, S (40), S (40), S (40),
            "a link is removed when its handshake takes longer"),
  COUNT ("handshakes-max", handshakes_max, 1, 1000000, 1024, 1024, 1024,
         "links of a server that may be in their handshake, or wait for room among new connections"),
  COUNT ("handshakes-per-address-max", handshakes_per_address_max, 1, 1000000, 64, 64, 64,
         "how many of these may come from the same address"),
  COUNT ("pending-connections", pending_connections_max, 1, 65536, 32, 32, 32,
         "new connections that may wait for the server to accept them"),
  COUNT ("links-max", links_max, 1, CAIMAN_LINKS_MAX, 64, 64, 64,
         "links that a server lets one connection have"),
  DURATION_OR_NEVER ("reconnect-delay", reconnect_delay_ns, MS (1), DAY, S (10), S (10), S (10),
                     "time from one attempt to open a link to the next; never: no second one"),
  DURATION_OR_NEVER ("race-after", race_after_ns, MS (1), DAY, MS (500), NEVER, NEVER,
                     "silence of a link after which fresh connects race it; never: none do"),
  DURATION ("race-interval", race_interval_ns, MS (1), DAY, MS (250), MS (250), MS (250),
            "time between the connects that race a silent link"),

  DURATION ("suspect-floor", suspect_floor_ns, MS (1), S (10), MS (30), MS (30), MS (30),
            "adaptive: shortest time above the SRTT after which a silent link is suspected"),
  DURATION ("condemn-min", condemn_min_ns, MS (1), DAY, MS (200), MS (200), MS (200),
            "adaptive: shortest silence after which a suspected link stops working"),
  DURATION ("chunk-time", chunk_time_ns, US (100), S (1), MS (2), MS (2), MS (2),
            "adaptive: a message of the byte-stream view takes its link about this long"),
  DURATION ("cost-delay", cost_delay_ns, 0, DAY, S (1), S (1), S (1),
            "demand must go unmet this long before a link of higher cost is used"),

  COUNT ("reference-generation", reference_generation, 9, 10, 10, 9, 10,
         "reference: follow the peers' version 0.9 or 0.10 where they differ"),
};
/* clang-format on */

const CaimanTunable *
caiman_config_get_tunables (gsize *n_out)
{
  *n_out = G_N_ELEMENTS (tunables);
  return tunables;
}

const CaimanTunable *
caiman_config_find_tunable (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (tunables); i++) {
    if (strcmp (name, tunables[i].name) == 0)
      return &tunables[i];
  }
  return NULL;
}

static gint64 *
field_of (CaimanConfig *config, const CaimanTunable *tunable)
{
  return (gint64 *)((char *)config + tunable->offset);
}

void
caiman_config_init (CaimanConfig *config, CaimanPreset preset)
{
  g_assert ((guint)preset < CAIMAN_N_PRESETS);
  memset (config, 0, sizeof *config);
  for (gsize i = 0; i < G_N_ELEMENTS (tunables); i++)
    *field_of (config, &tunables[i]) = tunables[i].preset_values[preset];
}

gint64
caiman_config_get (const CaimanConfig *config, const CaimanTunable *tunable)
{
  return *(const gint64 *)((const char *)config + tunable->offset);
}

typedef struct {
  const char *name;
  gint64 size;
} Unit;

/* "64 MiB", "1500 us": in the largest of @units that needs no fraction; the last one has size 1. */
static char *
format_in_units (gint64 value, const Unit *units)
{
  while (units->size > 1 && (value == 0 || value % units->size != 0))
    units++;
  return g_strdup_printf ("%" G_GINT64_FORMAT " %s", value / units->size, units->name);
}

static char *
format_value (const CaimanTunable *tunable, gint64 value)
{
  static const Unit time_units[] = {
    { "s", S (1) }, { "ms", MS (1) }, { "us", US (1) }, { "ns", 1 }
  };
  static const Unit byte_units[] = {
    { "GiB", GIB (1) }, { "MiB", MIB (1) }, { "KiB", KIB (1) }, { "bytes", 1 }
  };

  switch (tunable->kind) {
  case CAIMAN_TUNABLE_DURATION:
    if (value == CAIMAN_TIME_NEVER)
      return g_strdup ("never");
    return format_in_units (value, time_units);
  case CAIMAN_TUNABLE_BYTES:
    return format_in_units (value, byte_units);
  case CAIMAN_TUNABLE_ENUM:
    if (value >= tunable->min && value <= tunable->max)
      return g_strdup (tunable->enum_names[value]);
    break;
  case CAIMAN_TUNABLE_COUNT:
  case CAIMAN_TUNABLE_BOOLEAN:
    break;
  }
  return g_strdup_printf ("%" G_GINT64_FORMAT, value);
}

static gboolean
check_range (const CaimanTunable *tunable, gint64 value, GError **error)
{
  if (value == CAIMAN_TIME_NEVER && tunable->allows_never)
    return TRUE;
  if (value >= tunable->min && value <= tunable->max)
    return TRUE;

  g_autofree char *got = format_value (tunable, value);
  g_autofree char *min = format_value (tunable, tunable->min);
  g_autofree char *max = format_value (tunable, tunable->max);
  g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT,
               "%s = %s is out of range (%s to %s%s)", tunable->name, got, min, max,
               tunable->allows_never ? ", or never" : "");
  return FALSE;
}

gboolean
caiman_config_set (CaimanConfig *config, const CaimanTunable *tunable, gint64 value, GError **error)
{
  if (!check_range (tunable, value, error))
    return FALSE;
  *field_of (config, tunable) = value;
  return TRUE;
}

/* Fails unless @low_name's value is at most @high_name's. */
static gboolean
check_order (const CaimanConfig *config, const char *low_name, const char *high_name,
             GError **error)
{
  const CaimanTunable *low = caiman_config_find_tunable (low_name);
  const CaimanTunable *high = caiman_config_find_tunable (high_name);
  gint64 low_value = caiman_config_get (config, low);
  gint64 high_value = caiman_config_get (config, high);

  if (low_value <= high_value)
    return TRUE;
  g_autofree char *low_text = format_value (low, low_value);
  g_autofree char *high_text = format_value (high, high_value);
  g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT,
               "%s = %s must not be above %s = %s", low_name, low_text, high_name, high_text);
  return FALSE;
}

/* A chunk of the byte stream must be a message that a peer with our own buffers would take
 * (PROTOCOL.md, 5: less than half of the receive buffer). */
static gboolean
check_stream_chunk (const CaimanConfig *config, GError **error)
{
  gint64 message_max_bytes = config->receive_buffer_bytes / 2 - 1;
  if (config->stream_chunk_bytes <= message_max_bytes)
    return TRUE;
  g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT,
               "stream-chunk = %" G_GINT64_FORMAT " bytes must be below half of receive-buffer = "
               "%" G_GINT64_FORMAT " bytes",
               config->stream_chunk_bytes, config->receive_buffer_bytes);
  return FALSE;
}

gboolean
caiman_config_validate (const CaimanConfig *config, GError **error)
{
  /* Each would make the lower one pointless: a window that starts above its limit, a suspicion
   * later than the verdict, a race or a limit that only a link already removed could reach. */
  static const char *const ordered[][2] = {
    { "ack-timeout-min", "ack-timeout-max" },
    { "max-ack-delay", "ack-timeout-max" },
    { "link-window-start", "link-window-max" },
    { "stream-chunk", "send-buffer" },
    { "ping-max", "ping-timeout" },
    { "race-interval", "ping-timeout" },
    { "suspect-floor", "condemn-min" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (tunables); i++) {
    if (!check_range (&tunables[i], caiman_config_get (config, &tunables[i]), error))
      return FALSE;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (ordered); i++) {
    if (!check_order (config, ordered[i][0], ordered[i][1], error))
      return FALSE;
  }
  return check_stream_chunk (config, error);
}

/* The index of @name in the NULL-terminated @names, or -1. */
static int
find_name (const char *const *names, const char *name)
{
  for (int i = 0; names[i]; i++) {
    if (strcmp (name, names[i]) == 0)
      return i;
  }
  return -1;
}

const char *
caiman_preset_to_string (CaimanPreset preset)
{
  g_assert ((guint)preset < CAIMAN_N_PRESETS);
  return preset_names[preset];
}

gboolean
caiman_preset_from_string (const char *name, CaimanPreset *preset_out)
{
  int index = find_name (preset_names, name);
  if (index < 0)
    return FALSE;
  *preset_out = (CaimanPreset)index;
  return TRUE;
}

const char *
caiman_policy_to_string (CaimanPolicy policy)
{
  g_assert ((guint)policy < CAIMAN_N_POLICIES);
  return policy_names[policy];
}

gboolean
caiman_policy_from_string (const char *name, CaimanPolicy *policy_out)
{
  int index = find_name (policy_names, name);
  if (index < 0)
    return FALSE;
  *policy_out = (CaimanPolicy)index;
  return TRUE;
}
