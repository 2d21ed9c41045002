/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel-config.h - what a tunnel is to do: from the command line, from a file (docs/tunnel.md), or
 * from both, where the command line wins and its ports are added to those of the file. */
#pragma once

#include "apps/options.h"

G_BEGIN_DECLS

/* The default port of links, as the peers' (PROTOCOL.md, section 8). */
#define TUNNEL_PORT 5800

/* Server: connections for @port are forwarded to the target. */
typedef struct {
  guint16 port;
  char *host;
  guint16 target_port;
} TunnelPublish;

/* Client: connections to @client_port (0: one that is free) are forwarded to the server's port. */
typedef struct {
  guint16 server_port, client_port;
  gboolean global; /* on all interfaces, not on loopback alone */
} TunnelForward;

typedef struct {
  AppRole role;
  AppOptions options;
  GPtrArray *publishes; /* of TunnelPublish, by port */
  GPtrArray *forwards;  /* of TunnelForward, by client port */
  gboolean global;      /* forwards that are added from now on */
  AppLogLevel log_level;
  gboolean has_log_level;         /* else the level stays as it is */
  gboolean log_level_fixed;       /* the command line has set it: the file does not matter */
  gint64 connections_max;         /* at once; server: more are refused, client: not accepted */
  gint64 grace_ns;                /* after SIGTERM */
  gint64 connect_timeout_ns;      /* server: to a target; client: until a link opens a connection */
  gboolean connect_timeout_fixed; /* as log_level_fixed */
} TunnelConfig;

/* Empty, with the defaults. */
TunnelConfig *tunnel_config_new (AppRole role);
TunnelConfig *tunnel_config_copy (const TunnelConfig *config);
void tunnel_config_free (TunnelConfig *config); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TunnelConfig, tunnel_config_free)

/* Adds "PORT", "HOST:PORT" or "HOST:TARGETPORT:PORT" (server; HOST in brackets when it has colons),
 * or "SERVERPORT" or "SERVERPORT:PORT" (client). NULL, or a message (transfer full). */
char *tunnel_config_add_port (TunnelConfig *config, const char *text);

/* The same, taken apart. */
char *tunnel_config_publish (TunnelConfig *config, const char *host, guint16 target_port,
                             guint16 port);
char *tunnel_config_forward (TunnelConfig *config, guint16 server_port, guint16 client_port,
                             gboolean global);
/* "HOST:PORT", "HOST" or "[ADDRESS]:PORT". */
char *tunnel_config_parse_target (const char *text, guint16 default_port, char **host_out,
                                  guint16 *port_out);

/* (nullable) what is published under @port. */
const TunnelPublish *tunnel_config_find_publish (const TunnelConfig *config, guint16 port);

/* Adds what the file at @path says to @config, which holds what the command line said. FALSE: all
 * that is wrong is in @messages as "FILE:LINE: MESSAGE", and @config is good for nothing. */
gboolean tunnel_config_load (TunnelConfig *config, const char *path, GPtrArray *messages);

/* What is wrong with the whole: FALSE with INVALID_ARGUMENT. */
gboolean tunnel_config_check (const TunnelConfig *config, GError **error);

/* TRUE when @a and @b differ in what a running tunnel cannot change. */
gboolean tunnel_config_needs_restart (const TunnelConfig *a, const TunnelConfig *b);

/* (transfer full) for people: "5432 -> db.lan:5432", "5432 -> 127.0.0.1:15432". */
char *tunnel_publish_describe (const TunnelPublish *publish);
char *tunnel_forward_describe (const TunnelForward *forward);

gboolean tunnel_publish_equal (const TunnelPublish *a, const TunnelPublish *b);
gboolean tunnel_forward_equal (const TunnelForward *a, const TunnelForward *b);

G_END_DECLS
