/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - every tunable of an endpoint, with unit, range, default and presets.
 *
 * A CaimanConfig is a plain struct. Fill it with caiman_config_init(), change fields directly or by
 * name, and have it checked by caiman_config_validate(); endpoints copy it. The table that
 * caiman_config_get_tunables() returns is what scenario files, `--help` and the docs read. */
#pragma once

#include "error.h"

G_BEGIN_DECLS

typedef enum {
  CAIMAN_PRESET_ADAPTIVE,
  CAIMAN_PRESET_AGGLIGATOR_0_9,  /* aggligator 0.9.11 (PROTOCOL.md, 7) */
  CAIMAN_PRESET_AGGLIGATOR_0_10, /* aggligator 0.10 to 0.12 */
  CAIMAN_N_PRESETS
} CaimanPreset;

typedef enum {
  CAIMAN_POLICY_ADAPTIVE,
  CAIMAN_POLICY_MIN_RTT,
  CAIMAN_POLICY_ROUND_ROBIN,
  CAIMAN_POLICY_REDUNDANT,
  CAIMAN_POLICY_REFERENCE,
  CAIMAN_N_POLICIES
} CaimanPolicy;

typedef enum {
  CAIMAN_PING_PERIODIC,      /* every ping-interval */
  CAIMAN_PING_WHEN_IDLE,     /* when nothing was received for ping-interval */
  CAIMAN_PING_AFTER_TIMEOUT, /* only when an acknowledgement is overdue */
} CaimanPingMode;

typedef struct {
  /* Sender policy. */
  gint64 policy;             /* CaimanPolicy */
  gint64 stream_chunk_bytes; /* data per message of the byte-stream view; 0: by link speed */

  /* Flow control. */
  gint64 send_buffer_bytes;    /* most bytes accepted and not acknowledged */
  gint64 receive_buffer_bytes; /* most bytes received and not consumed; told to the peer */
  gint64 consumed_when_empty;  /* boolean: send Consumed also when the receiver has run empty */

  /* Limit of unacknowledged data per link. */
  gint64 link_window_start_bytes;
  gint64 link_window_max_bytes;

  /* Acknowledgement time-out: factor x RTT within [min, max]; x resend factor for resent data. */
  gint64 ack_timeout_factor;
  gint64 ack_timeout_min_ns;
  gint64 ack_timeout_max_ns;
  gint64 ack_timeout_resend_factor;
  gint64 ack_timeout_young_factor; /* while the RTT has fewer than ten samples */
  gint64 max_ack_delay_ns;         /* how long the peer may hold an acknowledgement back */
  gint64 ack_flush_delay_ns;       /* how long this end holds them back, to send several at once */

  /* Link life. */
  gint64 test_data_bytes;    /* filler of a link test; 0: a new link needs no test */
  gint64 retest_interval_ns; /* after a failed test */
  gint64 ping_mode;          /* CaimanPingMode */
  gint64 ping_interval_ns;
  gint64 ping_timeout_ns; /* also bounds a send without progress and the end of a link */
  gint64 ping_max_ns;     /* slower links do not work; 0: no limit */
  gint64 non_working_timeout_ns;
  gint64 no_link_timeout_ns;
  gint64 termination_timeout_ns;
  gint64 slow_link_factor; /* a link above this times the best RTT loses window; 0: never */

  /* Server and connector. */
  gint64 handshake_timeout_ns;
  gint64 handshakes_max;             /* of a server, in progress or waiting for the queue below */
  gint64 handshakes_per_address_max; /* of those, of one network (CaimanLinkInfo) */
  gint64 pending_connections_max;    /* queue of new connections */
  gint64 links_max;                  /* of one connection, as the server sees it */
  gint64 reconnect_delay_ns;         /* CAIMAN_TIME_NEVER: links that went are not reopened */
  gint64 race_after_ns; /* silence after which fresh connects race a link; never: off */
  gint64 race_interval_ns;

  /* Policy adaptive. */
  gint64 suspect_floor_ns; /* smallest probe time-out above SRTT */
  gint64 condemn_min_ns;   /* silence that makes a suspected link not working, at least */
  gint64 chunk_time_ns;    /* data of the byte-stream view: this much time of the link */
  gint64 cost_delay_ns;    /* demand unmet this long before a costlier link is used */

  /* Policy reference. */
  gint64 reference_generation; /* 9 or 10: whose rules where the peers differ */
} CaimanConfig;

typedef enum {
  CAIMAN_TUNABLE_DURATION, /* ns */
  CAIMAN_TUNABLE_BYTES,
  CAIMAN_TUNABLE_COUNT,   /* plain number */
  CAIMAN_TUNABLE_BOOLEAN, /* 0 or 1 */
  CAIMAN_TUNABLE_ENUM,    /* index into @enum_names */
} CaimanTunableKind;

typedef struct {
  const char *name; /* kebab-case, e.g. "send-buffer"; the unit is in @kind */
  const char *doc;  /* one line */
  CaimanTunableKind kind;
  gsize offset;                           /* of the gint64 in CaimanConfig */
  gint64 min, max;                        /* accepted range, both included */
  gboolean allows_never;                  /* CAIMAN_TIME_NEVER is accepted, too ("never") */
  const char *const *enum_names;          /* NULL-terminated; NULL unless ENUM */
  gint64 preset_values[CAIMAN_N_PRESETS]; /* default of each preset */
} CaimanTunable;

/* The table, in the order of the struct; static. */
const CaimanTunable *caiman_config_get_tunables (gsize *n_out);

/* The entry of @name, or NULL. */
const CaimanTunable *caiman_config_find_tunable (const char *name);

/* Fills @config with the values of @preset. */
void caiman_config_init (CaimanConfig *config, CaimanPreset preset);

gint64 caiman_config_get (const CaimanConfig *config, const CaimanTunable *tunable);

/* Sets one value; FALSE with CAIMAN_REASON_INVALID_ARGUMENT, naming value and range, when it is
 * out of range (nothing is changed then). */
gboolean caiman_config_set (CaimanConfig *config, const CaimanTunable *tunable, gint64 value,
                            GError **error);

/* All ranges, and what must hold between values (e.g. minimum <= maximum). */
gboolean caiman_config_validate (const CaimanConfig *config, GError **error);

/* "adaptive", "aggligator-0.9", "aggligator-0.10"; "adaptive", "min-rtt", ... */
const char *caiman_preset_to_string (CaimanPreset preset);
gboolean caiman_preset_from_string (const char *name, CaimanPreset *preset_out);
const char *caiman_policy_to_string (CaimanPolicy policy);
gboolean caiman_policy_from_string (const char *name, CaimanPolicy *policy_out);

G_END_DECLS
