/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - see options.h. */
#include "apps/options.h"

#include "config/tunables.h"
#include "transports/address.h"

#include <string.h>

/* The fields that are strings and lists of strings. */
static const gsize string_offsets[] = {
  G_STRUCT_OFFSET (AppOptions, filter),          G_STRUCT_OFFSET (AppOptions, preset),
  G_STRUCT_OFFSET (AppOptions, tls_certificate), G_STRUCT_OFFSET (AppOptions, tls_key),
  G_STRUCT_OFFSET (AppOptions, tls_ca),          G_STRUCT_OFFSET (AppOptions, tls_server_name),
  G_STRUCT_OFFSET (AppOptions, tls_fingerprint),
};
#define FIRST_TLS_STRING 2
static const gsize list_offsets[] = {
  G_STRUCT_OFFSET (AppOptions, tcp),
  G_STRUCT_OFFSET (AppOptions, interfaces),
  G_STRUCT_OFFSET (AppOptions, not_interfaces),
  G_STRUCT_OFFSET (AppOptions, sets),
};

void
app_options_clear (AppOptions *options)
{
  for (gsize i = 0; i < G_N_ELEMENTS (string_offsets); i++)
    g_free (G_STRUCT_MEMBER (char *, options, string_offsets[i]));
  for (gsize i = 0; i < G_N_ELEMENTS (list_offsets); i++)
    g_strfreev (G_STRUCT_MEMBER (char **, options, list_offsets[i]));
  *options = (AppOptions) { NULL };
}

void
app_options_copy (AppOptions *copy_out, const AppOptions *options)
{
  AppOptions copy = *options;
  for (gsize i = 0; i < G_N_ELEMENTS (string_offsets); i++)
    G_STRUCT_MEMBER (char *, &copy, string_offsets[i]) =
        g_strdup (G_STRUCT_MEMBER (char *, options, string_offsets[i]));
  for (gsize i = 0; i < G_N_ELEMENTS (list_offsets); i++)
    G_STRUCT_MEMBER (char **, &copy, list_offsets[i]) =
        g_strdupv (G_STRUCT_MEMBER (char **, options, list_offsets[i]));
  *copy_out = copy;
}

static gboolean
are_equal (const AppOptions *a, const AppOptions *b, gsize n_strings)
{
  static const char *const nothing[] = { NULL };
  for (gsize i = 0; i < n_strings; i++) {
    if (g_strcmp0 (G_STRUCT_MEMBER (char *, a, string_offsets[i]),
                   G_STRUCT_MEMBER (char *, b, string_offsets[i])) != 0)
      return FALSE;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (list_offsets); i++) {
    const char *const *x = G_STRUCT_MEMBER (const char *const *, a, list_offsets[i]);
    const char *const *y = G_STRUCT_MEMBER (const char *const *, b, list_offsets[i]);
    if (!g_strv_equal (x ? x : nothing, y ? y : nothing))
      return FALSE;
  }
  return a->ipv4 == b->ipv4 && a->ipv6 == b->ipv6 && a->tls == b->tls &&
         a->single_interface == b->single_interface;
}

gboolean
app_options_equal (const AppOptions *a, const AppOptions *b)
{
  return are_equal (a, b, G_N_ELEMENTS (string_offsets));
}

gboolean
app_options_equal_links (const AppOptions *a, const AppOptions *b)
{
  return are_equal (a, b, FIRST_TLS_STRING);
}

/* --- The command line --- */

static void
add_client_entries (AppOptions *options, GArray *entries)
{
  const GOptionEntry client[] = {
    { "tcp", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->tcp,
      "Server to connect to, a name or an address; may be given several times", "HOST[:PORT]" },
    { "ipv4", '4', 0, G_OPTION_ARG_NONE, &options->ipv4, "Use IPv4 only", NULL },
    { "ipv6", '6', 0, G_OPTION_ARG_NONE, &options->ipv6, "Use IPv6 only", NULL },
    { "interface", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->interfaces,
      "Make links over this interface only; may be given several times", "NAME" },
    { "not-interface", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->not_interfaces,
      "Make no links over this interface; may be given several times", "NAME" },
    { "single-interface", 0, 0, G_OPTION_ARG_NONE, &options->single_interface,
      "One link per address of the server, over the interface that the routing table says", NULL },
  };
  g_array_append_vals (entries, client, G_N_ELEMENTS (client));
}

static void
add_server_entries (AppOptions *options, GArray *entries)
{
  const GOptionEntry server[] = {
    { "tcp", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->tcp,
      "Port to take links on; may be given several times", "[ADDRESS:]PORT" },
    { "interface", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->interfaces,
      "Take links over this interface only; may be given several times", "NAME" },
  };
  g_array_append_vals (entries, server, G_N_ELEMENTS (server));
}

void
app_options_add_entries (AppOptions *options, AppRole role, GArray *entries)
{
  if (role == APP_ROLE_CLIENT)
    add_client_entries (options, entries);
  else
    add_server_entries (options, entries);
  const GOptionEntry common[] = {
    { "tcp-link-filter", 0, 0, G_OPTION_ARG_STRING, &options->filter,
      "Which links are redundant: interface-interface (default), interface-ip, none", "FILTER" },
    { "tls", 0, 0, G_OPTION_ARG_NONE, &options->tls, "Encrypt and authenticate all links", NULL },
    { "tls-certificate", 0, 0, G_OPTION_ARG_FILENAME, &options->tls_certificate,
      "Certificate of this side, PEM", "FILE" },
    { "tls-key", 0, 0, G_OPTION_ARG_FILENAME, &options->tls_key,
      "Its private key, if it is not in the same file", "FILE" },
    { "tls-ca", 0, 0, G_OPTION_ARG_FILENAME, &options->tls_ca,
      "What must have signed the other side's certificate (client: default the system's)", "FILE" },
    G_OPTION_ENTRY_NULL,
  };
  g_array_append_vals (entries, common, G_N_ELEMENTS (common) - 1);
  const GOptionEntry tls_client[] = {
    { "tls-server-name", 0, 0, G_OPTION_ARG_STRING, &options->tls_server_name,
      "Name in the server's certificate (default: the host of --tcp)", "NAME" },
    { "tls-fingerprint", 0, 0, G_OPTION_ARG_STRING, &options->tls_fingerprint,
      "SHA-256 of the server's certificate, which then is all that counts; any: no check", "HEX" },
  };
  if (role == APP_ROLE_CLIENT)
    g_array_append_vals (entries, tls_client, G_N_ELEMENTS (tls_client));
  const GOptionEntry tunables[] = {
    { "preset", 0, 0, G_OPTION_ARG_STRING, &options->preset,
      "Tunables to begin with: adaptive (default), aggligator-0.9, aggligator-0.10", "NAME" },
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->sets,
      "Set a tunable, such as send-buffer=16MiB; may be given several times", "NAME=VALUE" },
  };
  g_array_append_vals (entries, tunables, G_N_ELEMENTS (tunables));
}

/* --- Checks --- */

static gboolean
fail (GError **error, const char *format, const char *text)
{
  g_autofree char *message = format ? g_strconcat (format, text, NULL) : g_strdup (text);
  g_set_error_literal (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT, message);
  return FALSE;
}

static gboolean
check_tls (const AppOptions *options, AppRole role, GError **error)
{
  gboolean any = options->tls_certificate || options->tls_key || options->tls_ca ||
                 options->tls_server_name || options->tls_fingerprint;
  if (any && !options->tls)
    return fail (error, NULL, "TLS is set up but not switched on (--tls)");
  if (options->tls_key && !options->tls_certificate)
    return fail (error, NULL, "a key for TLS needs a certificate, too (--tls-certificate)");
  if (options->tls && role == APP_ROLE_SERVER && !options->tls_certificate)
    return fail (error, NULL, "a server with TLS needs a certificate (--tls-certificate)");
  return TRUE;
}

gboolean
app_options_check (const AppOptions *options, AppRole role, GError **error)
{
  CaimanTcpFilter filter;
  CaimanConfig config;
  if (role == APP_ROLE_CLIENT && (options->tcp == NULL || options->tcp[0] == NULL))
    return fail (error, NULL, "say which server to connect to (--tcp HOST)");
  if (options->ipv4 && options->ipv6)
    return fail (error, NULL, "IPv4 only and IPv6 only exclude each other");
  if (options->filter && !caiman_tcp_filter_from_string (options->filter, &filter))
    return fail (error, "the link filter can be interface-interface, interface-ip or none, not ",
                 options->filter);
  return check_tls (options, role, error) && app_options_make_config (options, &config, error);
}

gboolean
app_options_make_config (const AppOptions *options, CaimanConfig *config_out, GError **error)
{
  CaimanPreset preset = CAIMAN_PRESET_ADAPTIVE;
  if (options->preset && !caiman_preset_from_string (options->preset, &preset))
    return fail (error, "the preset can be adaptive, aggligator-0.9 or aggligator-0.10, not ",
                 options->preset);
  caiman_config_init (config_out, preset);
  for (char **set = options->sets; set && *set; set++) {
    g_autofree char *problem = tunable_set_assignment (config_out, *set);
    if (problem)
      return fail (error, NULL, problem);
  }
  return caiman_config_validate (config_out, error);
}

/* --- Setting up --- */

/* The name in the server's certificate: as given, or the host of the only --tcp. */
static char *
get_server_name (const AppOptions *options, GError **error)
{
  if (options->tls_server_name)
    return g_strdup (options->tls_server_name);
  if (options->tcp[1] != NULL && options->tls_fingerprint == NULL) {
    fail (error, NULL,
          "with several servers, say the name in their certificate "
          "(--tls-server-name)");
    return NULL;
  }
  char *host;
  guint16 port;
  return caiman_address_split (options->tcp[0], 0, &host, &port, error) ? host : NULL;
}

/* FALSE: an error; *@tls_out NULL: no TLS. */
static gboolean
make_tls (const AppOptions *options, AppRole role, CaimanTls **tls_out, GError **error)
{
  *tls_out = NULL;
  if (!options->tls)
    return TRUE;
  if (role == APP_ROLE_SERVER) {
    *tls_out =
        caiman_tls_new_server (options->tls_certificate, options->tls_key, options->tls_ca, error);
  } else {
    g_autofree char *server_name = get_server_name (options, error);
    if (server_name)
      *tls_out = caiman_tls_new_client (server_name, options->tls_ca, options->tls_fingerprint,
                                        options->tls_certificate, options->tls_key, error);
  }
  return *tls_out != NULL;
}

static gboolean
is_port (const char *text)
{
  return g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT16, NULL, NULL);
}

char **
app_options_list_addresses (const AppOptions *options, guint16 default_port)
{
  GStrvBuilder *builder = g_strv_builder_new ();
  if (options->tcp == NULL || options->tcp[0] == NULL) {
    g_autofree char *any = g_strdup_printf ("[::]:%u", default_port);
    g_strv_builder_add (builder, any);
  }
  for (char **tcp = options->tcp; tcp && *tcp; tcp++) {
    g_autofree char *any = g_strdup_printf ("[::]:%s", *tcp);
    g_strv_builder_add (builder, is_port (*tcp) ? any : *tcp);
  }
  char **addresses = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);
  return addresses;
}

static CaimanTcpFilter
get_filter (const AppOptions *options)
{
  CaimanTcpFilter filter = CAIMAN_TCP_FILTER_INTERFACE_INTERFACE;
  if (options->filter)
    caiman_tcp_filter_from_string (options->filter, &filter);
  return filter;
}

static gboolean
apply_client (const AppOptions *options, AppEndpoint *endpoint, guint16 default_port,
              CaimanTls *tls, GError **error)
{
  const CaimanTcpConnectorOptions tcp = {
    .ip_version = options->ipv4   ? CAIMAN_IP_V4
                  : options->ipv6 ? CAIMAN_IP_V6
                                  : CAIMAN_IP_ANY,
    .filter = get_filter (options),
    .single_interface = options->single_interface,
    .interfaces = (const char *const *)options->interfaces,
    .not_interfaces = (const char *const *)options->not_interfaces,
    .wrap = tls ? caiman_tls_wrap : NULL,
    .wrap_data = tls,
  };
  return app_endpoint_connect_to (endpoint, (const char *const *)options->tcp, default_port, &tcp,
                                  error);
}

static gboolean
apply_server (const AppOptions *options, AppEndpoint *endpoint, guint16 default_port,
              CaimanTls *tls, GError **error)
{
  const CaimanTcpAcceptorOptions tcp = {
    .filter = get_filter (options),
    .interfaces = (const char *const *)options->interfaces,
    .wrap = tls ? caiman_tls_wrap : NULL,
    .wrap_data = tls,
  };
  g_auto (GStrv) addresses = app_options_list_addresses (options, default_port);
  return app_endpoint_listen (endpoint, (const char *const *)addresses, &tcp, error);
}

gboolean
app_options_reload_tls (const AppOptions *options, AppEndpoint *endpoint, GError **error)
{
  CaimanTls *tls;
  g_assert (options->tls);
  if (!make_tls (options, app_endpoint_get_role (endpoint), &tls, error))
    return FALSE;
  app_endpoint_take_tls (endpoint, tls);
  return TRUE;
}

gboolean
app_options_apply (const AppOptions *options, AppEndpoint *endpoint, guint16 default_port,
                   GError **error)
{
  AppRole role = app_endpoint_get_role (endpoint);
  CaimanTls *tls = NULL;
  if (!make_tls (options, role, &tls, error))
    return FALSE;
  gboolean ok = role == APP_ROLE_CLIENT
                    ? apply_client (options, endpoint, default_port, tls, error)
                    : apply_server (options, endpoint, default_port, tls, error);
  if (ok && tls == NULL)
    app_endpoint_log (endpoint, APP_LOG_NOTICE,
                      "data travels unencrypted: anyone on the way can read and change it (--tls)");
  app_endpoint_take_tls (endpoint, tls);
  return ok;
}
