using System.Collections.Immutable;
using CertAuthority.Access.Requests;

namespace CertAuthority.Store;

/// <summary>
/// Selects the requests that concern a node: those that name it, and those for roles alone of which one reaches it today.
/// </summary>
/// <param name="Node">The name of the node.</param>
/// <param name="Roles">The names of the roles that reach it.</param>
internal sealed record NodeFilter(string Node, ImmutableArray<string> Roles)
{
    /// <summary>The same as a condition of a statement: <c>$9</c> is the node, and <c>$10</c> the roles as JSON.</summary>
    internal const string Sql = """
        CASE WHEN resources <> '[]' THEN EXISTS (SELECT 1 FROM json_each(resources) WHERE json_extract(value, '$.name') = $9)
        ELSE EXISTS (
            SELECT 1 FROM json_each(roles) WHERE json_extract(value, '$.name') IN (SELECT value FROM json_each($10))
            UNION ALL SELECT 1 FROM json_each(granted_roles) WHERE json_extract(value, '$.name') IN (SELECT value FROM json_each($10))) END
        """;

    /// <summary>The roles as <see cref="Sql"/> takes them.</summary>
    internal string RolesAsJson => Rows.Json(Roles);

    /// <summary>Whether a request matches.</summary>
    public bool Lets(AccessRequest request) => request.Resources.IsEmpty
        ? request.Roles.Concat(request.GrantedRoles).Any(role => Roles.Contains(role.Name))
        : request.Resources.Any(node => node.Name == Node);
}
