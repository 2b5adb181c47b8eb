using System.Collections.Immutable;

namespace CertAuthority.Configuration;

/// <summary>The accounts that the configuration names for a purpose, such as <c>admins</c>.</summary>
/// <param name="Users">The names of accounts.</param>
/// <param name="Groups">The names of groups; each process in one of them counts too.</param>
internal sealed record NamedAccounts(ImmutableHashSet<string> Users, ImmutableHashSet<string> Groups)
{
    /// <summary>Names nobody.</summary>
    public static readonly NamedAccounts Nobody = new([], []);
}
