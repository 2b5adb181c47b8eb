namespace CertAuthority.Access.Users;

/// <summary>
/// The machines on which a uid and an account mean the same person. Daemons on one database can be of several realms. Accounts of the
/// first realm are recorded by their own names, and others with the name of the realm: <c>alice@auth2</c>.
/// </summary>
/// <param name="Number">0 for the first realm.</param>
/// <param name="Name">The name; null for a first realm without one.</param>
public sealed record Realm(uint Number, string? Name)
{
    /// <summary>The first realm, if it is the only one.</summary>
    public static readonly Realm First = new(0, null);

    /// <summary>Returns how a caller on a machine of this realm is recorded.</summary>
    /// <param name="uid">The uid, as the kernel reports it.</param>
    /// <param name="account">The account with that uid on this machine; null if there is none.</param>
    /// <param name="isOther">
    /// Returns whether there is another realm of a name. An account of the first realm whose own name ends with the name of another realm
    /// has no name: it would be taken for an account of that realm.
    /// </param>
    public UnixIdentity Identify(uint uid, string? account, Func<string, bool> isOther) => new(
        new Uid(uid, Number),
        account is null ? null
        : Number > 0 ? $"{account}@{Name}"
        : account.LastIndexOf('@') is >= 0 and var at && isOther(account[(at + 1)..]) ? null
        : account);

    /// <summary>Returns the name that a recorded account has on the machines of this realm; null for an account of another realm.</summary>
    public string? NameHere(string account) =>
        Number == 0 ? account
        : account.EndsWith($"@{Name}", StringComparison.Ordinal) ? account[..^(Name!.Length + 1)]
        : null;
}
