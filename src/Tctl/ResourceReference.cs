using CertAuthority.Protocol;

namespace CertAuthority.Tctl;

/// <summary>
/// A kind of resources, or one of them, as people type it: <c>roles</c>, <c>role/dba</c>. Which kinds there are is the daemon's business.
/// </summary>
/// <param name="Kind">The kind, in the singular.</param>
/// <param name="Name">The name of one; null for all of the kind.</param>
internal sealed record ResourceReference(string Kind, string? Name)
{
    /// <summary>The kinds that this program knows of, for a shell that asks while no daemon answers.</summary>
    public static readonly string[] KnownKinds = [ResourceKinds.Role, ResourceKinds.Node, ResourceKinds.User, ResourceKinds.Lock];

    /// <summary>Reads <c>KIND</c> or <c>KIND/NAME</c>, with the kind in the singular or in the plural.</summary>
    public static ResourceReference Parse(string text) =>
        text.Split('/', 2) is [var kind, var name] ? new(Singular(kind), name) : new(Singular(text), null);

    /// <summary>Reads <c>KIND/NAME</c>; null for anything else.</summary>
    public static ResourceReference? TryParseOne(string text) =>
        text.Split('/') is [{ Length: > 0 } kind, { Length: > 0 } name] ? new(Singular(kind), name) : null;

    /// <summary>A kind as it is typed where all of it is meant: <c>roles</c>.</summary>
    public static string Plural(string kind) => $"{kind}s";

    private static string Singular(string kind) => kind.TrimEnd('s');

    /// <inheritdoc/>
    public override string ToString() => Name is null ? Kind : $"{Kind}/{Name}";
}
