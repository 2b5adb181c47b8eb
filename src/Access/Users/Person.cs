using System.Collections.Immutable;

namespace CertAuthority.Access;

/// <summary>Who stands behind a user or an act: several users, and several accounts, can be one.</summary>
/// <param name="UserId">The user.</param>
/// <param name="Uids">Every uid that acts, or acted, as it.</param>
public sealed record Person(Guid UserId, ImmutableHashSet<uint> Uids)
{
    /// <summary>The person behind a user.</summary>
    /// <param name="user">The user as it is now.</param>
    /// <param name="uidOf">The uid of an account, null where there is none.</param>
    /// <param name="acting">Other uids known to be his.</param>
    public static Person Of(User user, Func<string, uint?> uidOf, params IEnumerable<uint> acting) => new(user.Id, [.. user.UnixUsers.Select(entry => entry.UidBy(uidOf)).OfType<uint>(), .. acting]);

    /// <summary>Whether the two are one: by the user, or by a uid that both have.</summary>
    public bool Is(Person other) => UserId == other.UserId || Uids.Overlaps(other.Uids);

    /// <summary>The same, known by more uids.</summary>
    public Person And(IEnumerable<uint> uids) => this with { Uids = Uids.Union(uids) };
}
