using CertAuthority.Protocol;

namespace CertAuthority.Tctl;

/// <summary>
/// A kind of resource, or one resource, as people type it: <c>roles</c>, <c>role/dba</c>. The daemon decides which kinds exist.
/// </summary>
/// <param name="Kind">The kind, in the singular.</param>
/// <param name="Name">The name of one resource; null for all of the kind.</param>
internal sealed record ResourceReference(string Kind, string? Name)
{
    /// <summary>The kinds that this program knows, for shell completion while no daemon answers.</summary>
    public static readonly string[] KnownKinds =
        [ResourceKinds.Role, ResourceKinds.Node, ResourceKinds.NodeGroup, ResourceKinds.User, ResourceKinds.Lock];

    /// <summary>Parses <c>KIND</c> or <c>KIND/NAME</c>, with the kind in the singular or the plural.</summary>
    public static ResourceReference Parse(string text) =>
        text.Split('/', 2) is [var kind, var name] ? new(Singular(kind), name) : new(Singular(text), null);

    /// <summary>Parses <c>KIND/NAME</c>; null for any other text.</summary>
    public static ResourceReference? TryParseOne(string text) =>
        text.Split('/') is [{ Length: > 0 } kind, { Length: > 0 } name] ? new(Singular(kind), name) : null;

    /// <summary>Returns the plural of a kind, which people type for all of its resources: <c>roles</c>.</summary>
    public static string Plural(string kind) => $"{kind}s";

    private static string Singular(string kind) => kind.TrimEnd('s');

    /// <inheritdoc/>
    public override string ToString() => Name is null ? Kind : $"{Kind}/{Name}";
}
