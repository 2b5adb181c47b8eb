using System.Collections.Immutable;
using System.Text.Json.Nodes;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;

namespace CertAuthority.Resources;

/// <summary>Reads one side of a role, <c>allow</c> or <c>deny</c>.</summary>
internal static class RoleConditionsResource
{
    private static readonly string[] NotAboutLogins =
    [
        "account_assignments", "app_labels", "app_labels_expression", "aws_role_arns", "azure_identities", "cluster_labels",
        "cluster_labels_expression",
        "db_labels", "db_labels_expression", "db_names", "db_permissions", "db_roles", "db_service_labels", "db_service_labels_expression",
        "db_users",
        "desktop_groups", "gcp_service_accounts", "github_permissions", "group_labels", "group_labels_expression", "host_groups",
        "host_sudoers",
        "impersonate", "join_sessions", "kubernetes_groups", "kubernetes_labels", "kubernetes_labels_expression", "kubernetes_resources",
        "kubernetes_users",
        "mcp", "rules", "spiffe", "windows_desktop_labels", "windows_desktop_labels_expression", "windows_desktop_logins",
        "workload_identity_labels",
        "workload_identity_labels_expression",
    ];

    public static RoleConditions Read(FieldReader side, bool deny)
    {
        var logins = ImmutableArray.CreateBuilder<Template>();
        foreach (var (text, at) in side.Texts("logins"))
            if (deny && text.Contains('*', StringComparison.Ordinal) && text != "*")
                side.Fault(at, $"\"{text}\": in deny.logins a pattern is only \"*\", for every login");
            else if (!Names.IsPlainText(text))
                side.Fault(at, "a login has control or invisible characters");
            else if (Template.TryParse(text, out var fault) is not { } login)
                side.Fault(at, $"\"{text}\": {fault}");
            else if (!deny && text == Names.DaemonsLogin)
                side.Fault(
                    at, $"\"{text}\" is the daemon's own login, and as good as root on every host that it writes to; no role grants it");
            else if (!deny && text == Names.JumpLogin)
                side.Fault(
                    at, $"\"{text}\" is the account of jump hosts: whoever may enter a host behind one may pass it, and no role grants it");
            else if (!login.IsLiteral || Names.IsLogin(text) || (deny && text == "*"))
                logins.Add(login);
            else
                side.Fault(at, $"\"{text}\" is {Names.LoginFault(text)}; logins have the form {Names.LoginForm}");

        var lost = side.DropsSelector("node_labels_expression", deny, "write the hosts as node_labels");
        var labels = ImmutableSortedDictionary.CreateBuilder<string, ImmutableArray<NamePattern>>(StringComparer.Ordinal);
        foreach (var (key, values) in side.TextLists("node_labels"))
        {
            if (values.IsEmpty)
                side.Fault(key, $"the label {key.Text} has no value, so it would select nothing");
            else if (values.FirstOrDefault(
                value => value.Text.Contains("{{", StringComparison.Ordinal)) is { Text: { } template, At: { } at })
                lost |= side.DropsSelector(
                    at, $"\"{template}\" in {side.Full("node_labels")}", deny,
                    "templates are filled in in logins and in values of cert_extensions only: write a role for each value of the trait");
            else if (key.Text == "*" && values is not [("*", _)])
                side.Fault(key, "the label '*' goes only with the value '*'");
            else
                labels[key.Text] = NamePatterns.Read(side, values);
        }

        var request = side.Map("request");
        var roles = NamePatterns.Read(request, request.Texts("roles"));
        var (maxDuration, clock) = deny
            ? (null, RequestClock.Creation)
            : (request.Duration("max_duration"), RequestRulesResource.ReadClock(request));
        var asking = deny ? RequestRules.None : RequestRulesResource.Read(request);
        request.DropsSelector("claims_to_roles", deny, "name the roles in request.roles, in a role for each group of people");
        if (deny)
            request.DropsSelector("annotations", deny, "take it out of the roles that allow");
        var searching = NamePatterns.Read(request, request.Texts("search_as_roles"));
        request.Done();
        var reviewing = RequestRulesResource.ReadReviewing(side.Map("review_requests"), deny);
        // It controls sessions and selects nothing: dropping it opens no other login and no other host.
        side.Unenforceable("require_session_join", _ => false);
        side.Elsewhere(NotAboutLogins);
        side.Done();
        // Without its selector, an allow would reach more hosts; in v3, where logins alone mean all hosts, it would reach every one.
        if (lost)
        {
            logins.Clear();
            labels.Clear();
        }
        return new RoleConditions(
            [.. logins.DistinctBy(login => login.Text)], labels.Count == 0 ? LabelSelector.None : new LabelSelector(labels.ToImmutable()),
            roles)
        {
            SearchAsRoles = searching,
            MaxRequestDuration = maxDuration == TimeSpan.Zero ? null : maxDuration,
            RequestClock = clock,
            Asking = asking,
            Reviewing = reviewing,
        };
    }

    public static JsonObject Write(RoleConditions side)
    {
        var fields = new JsonObject();
        if (!side.Logins.IsEmpty)
            fields["logins"] = ResourceMetadata.Array(side.Logins.Select(login => login.Text));
        if (!side.NodeLabels.IsNone)
            fields["node_labels"] = new JsonObject(side.NodeLabels.Entries.Select(entry => KeyValuePair.Create<string, JsonNode?>(
                entry.Key, entry.Value is [var only] ? only.Text : ResourceMetadata.Array(entry.Value.Select(pattern => pattern.Text)))));
        var request = new JsonObject();
        if (!side.RequestRoles.IsEmpty)
            request["roles"] = ResourceMetadata.Array(side.RequestRoles.Select(pattern => pattern.Text));
        if (!side.SearchAsRoles.IsEmpty)
            request["search_as_roles"] = ResourceMetadata.Array(side.SearchAsRoles.Select(pattern => pattern.Text));
        if (side.MaxRequestDuration is { } duration)
            request["max_duration"] = Durations.Show(duration);
        if (side.RequestClock == RequestClock.Approval)
            request["clock"] = "approval";
        RequestRulesResource.Write(request, side.Asking);
        ResourceMetadata.AddUnlessEmpty(fields, "request", request);
        var reviewing = new JsonObject();
        if (!side.Reviewing.Roles.IsEmpty)
            reviewing["roles"] = ResourceMetadata.Array(side.Reviewing.Roles.Select(pattern => pattern.Text));
        if (side.Reviewing.Where is { } where)
            reviewing["where"] = where.Text;
        ResourceMetadata.AddUnlessEmpty(fields, "review_requests", reviewing);
        return fields;
    }
}
