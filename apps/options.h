/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - what tunnel and speed have in common on the command line: addresses, choice of links,
 * TLS, tunables; and an endpoint that is set up by them. */
#pragma once

#include "apps/endpoint.h"
#include "transports/tls.h"

G_BEGIN_DECLS

typedef struct {
  char **tcp; /* client: HOST[:PORT]; server: PORT or ADDRESS:PORT */
  gboolean ipv4, ipv6;
  char *filter; /* interface-interface, interface-ip, none */
  char **interfaces, **not_interfaces;
  gboolean single_interface;
  gboolean tls;
  char *tls_certificate, *tls_key, *tls_ca, *tls_server_name, *tls_fingerprint;
  char *preset;
  char **sets; /* NAME=VALUE of tunables */
} AppOptions;

/* Zero-initialised: the defaults. */
void app_options_clear (AppOptions *options);
void app_options_copy (AppOptions *copy_out, const AppOptions *options);
gboolean app_options_equal (const AppOptions *a, const AppOptions *b);
/* As equal, but for what app_options_reload_tls() can change. */
gboolean app_options_equal_links (const AppOptions *a, const AppOptions *b);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (AppOptions, app_options_clear)

/* Appends the GOptionEntry of each option that @role has, pointing into @options, to @entries. */
void app_options_add_entries (AppOptions *options, AppRole role, GArray *entries);

/* All that can be wrong without looking at the network: FALSE with INVALID_ARGUMENT. */
gboolean app_options_check (const AppOptions *options, AppRole role, GError **error);

/* Preset, then the tunables that are set. */
gboolean app_options_make_config (const AppOptions *options, CaimanConfig *config_out,
                                  GError **error);

/* Has @endpoint connect to the servers, or listen, at --tcp; without a port: @default_port. A
 * server without --tcp listens on [::], that is, for IPv4 too. */
gboolean app_options_apply (const AppOptions *options, AppEndpoint *endpoint, guint16 default_port,
                            GError **error);

/* With TLS, as it is by app_options_apply(): new links of @endpoint use what the files hold now,
 * and
 * @options says. FALSE: all stays as it was. */
gboolean app_options_reload_tls (const AppOptions *options, AppEndpoint *endpoint, GError **error);

/* (transfer full) the addresses that a server listens on, NULL-terminated. */
char **app_options_list_addresses (const AppOptions *options, guint16 default_port);

G_END_DECLS
