using CertAuthority.Access.Values;

namespace CertAuthority.Access.Locks;

/// <summary>What a lock can be on.</summary>
public enum LockKind
{
    /// <summary>A user: the daemon issues nothing to them, and nobody can file or approve a request for them.</summary>
    User,

    /// <summary>A role: the daemon issues nothing to a user who would have it in use.</summary>
    Role,

    /// <summary>A Unix login: no certificate contains it, on any host.</summary>
    Login,

    /// <summary>A node: no certificate opens it.</summary>
    Node,

    /// <summary>A request: it can be neither approved nor used.</summary>
    Request,
}

/// <summary>The target of a lock, by name: a later resource with the same name is locked too.</summary>
/// <param name="Kind">The kind of thing that is locked.</param>
/// <param name="Name">The name of the target; for a request, its ID.</param>
public sealed record LockTarget(LockKind Kind, string Name)
{
    /// <summary>Returns a kind as people and files write it.</summary>
    public static string Word(LockKind kind) => kind.ToString().ToLowerInvariant();

    /// <summary>The reason why no such target can exist; null if it can.</summary>
    public string? Fault => Kind switch
    {
        LockKind.User or LockKind.Role =>
            Names.IsName(Name) ? null : $"\"{Name}\" is not the name of a {Word(Kind)}; names have the form {Names.Form}",
        LockKind.Login when Name == Names.DaemonsLogin =>
            $"no role grants {Name}, so there is nothing to lock; whether the daemon writes to a host is said by spec.push of the node",
        LockKind.Login => Names.IsLogin(Name) ? null : $"\"{Name}\" is {Names.LoginFault(Name)}; logins have the form {Names.LoginForm}",
        LockKind.Node => Names.IsNodeName(Name) ? null : $"\"{Name}\" is not the name of a node; names have the form {Names.NodeForm}",
        // Must be written as everywhere else, because the comparison is textual.
        _ =>
            Guid.TryParseExact(Name, "D", out var id) && id.ToString() == Name
                ? null
                : $"\"{Name}\" is not the whole id of a request, in lower case",
    };

    /// <summary><c>user alice</c>.</summary>
    public override string ToString() => $"{Word(Kind)} {Name}";
}

/// <summary>
/// An administrator's "not now": while it is in force, its target grants nothing, and certificates issued earlier are revoked.
/// </summary>
/// <param name="Id">Immutable.</param>
/// <param name="Name">The name; <see cref="Names.IsName"/> says which are allowed.</param>
/// <param name="Revision">Counts changes of the spec, from 1.</param>
/// <param name="Target">The thing that is locked.</param>
/// <param name="Message">The reason, shown to anyone who is refused; may be empty.</param>
/// <param name="Expires">The first instant at which the lock is no longer in force; null for never.</param>
public sealed record AccessLock(Guid Id, string Name, long Revision, LockTarget Target, string Message, DateTimeOffset? Expires)
    : Resource(Id, Name, Revision)
{
    /// <summary>Whether the lock has expired.</summary>
    public bool IsOver(DateTimeOffset now) => now >= Expires;

    /// <summary>The refusal for anyone who runs into the lock.</summary>
    public Refusal Refusal => new(
        $"{Target} is locked{(Expires is { } end ? $" until {Instants.Show(end)}" : "")}{(Message.Length > 0 ? $": {Message}" : "")}")
    {
        Remedy = new Remedy.Unlock(Name),
    };
}
