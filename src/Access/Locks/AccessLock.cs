using CertAuthority.Access.Values;

namespace CertAuthority.Access.Locks;

/// <summary>What a lock can be on.</summary>
public enum LockKind
{
    /// <summary>A user: nothing is issued to them, and nothing is asked or approved for them.</summary>
    User,

    /// <summary>A role: nothing is issued to anybody who would have it in use.</summary>
    Role,

    /// <summary>A Unix login: no certificate has it, on no host.</summary>
    Login,

    /// <summary>A node: no certificate opens it.</summary>
    Node,

    /// <summary>A request: it is neither approved nor used.</summary>
    Request,
}

/// <summary>What a lock is on. By name: who or what bears the name later is locked too.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Name">Its name; the id of a request.</param>
public sealed record LockTarget(LockKind Kind, string Name)
{
    /// <summary>A kind as people and files have it.</summary>
    public static string Word(LockKind kind) => kind.ToString().ToLowerInvariant();

    /// <summary>Why there can be no such thing; null where there can.</summary>
    public string? Fault => Kind switch
    {
        LockKind.User or LockKind.Role =>
            Names.IsName(Name) ? null : $"\"{Name}\" is not the name of a {Word(Kind)}; names have the form {Names.Form}",
        LockKind.Login when Name == Names.DaemonsLogin =>
            $"no role grants {Name}, so there is nothing to lock; whether the daemon writes to a host is said by spec.push of the node",
        LockKind.Login => Names.IsLogin(Name) ? null : $"\"{Name}\" is {Names.LoginFault(Name)}; logins have the form {Names.LoginForm}",
        LockKind.Node => Names.IsNodeName(Name) ? null : $"\"{Name}\" is not the name of a node; names have the form {Names.NodeForm}",
        // As it is written everywhere else: what is compared is text.
        _ =>
            Guid.TryParseExact(Name, "D", out var id) && id.ToString() == Name
                ? null
                : $"\"{Name}\" is not the whole id of a request, in lower case",
    };

    /// <summary><c>user alice</c>.</summary>
    public override string ToString() => $"{Word(Kind)} {Name}";
}

/// <summary>An administrator's "not now": what it is on grants nothing while it stands, and what was granted before is revoked.</summary>
/// <param name="Id">Immutable.</param>
/// <param name="Name">As <see cref="Names.IsName"/> allows.</param>
/// <param name="Revision">Counts changes of the spec, from 1.</param>
/// <param name="Target">What it is on.</param>
/// <param name="Message">Why, shown to whoever is refused; may be empty.</param>
/// <param name="Expires">The first instant at which it does not stand any more; null for never.</param>
public sealed record AccessLock(Guid Id, string Name, long Revision, LockTarget Target, string Message, DateTimeOffset? Expires)
    : Resource(Id, Name, Revision)
{
    /// <summary>Whether its time is over.</summary>
    public bool IsOver(DateTimeOffset now) => now >= Expires;

    /// <summary>The answer to whoever runs into it.</summary>
    public Refusal Refusal => new(
        $"{Target} is locked{(Expires is { } end ? $" until {Instants.Show(end)}" : "")}{(Message.Length > 0 ? $": {Message}" : "")}")
    {
        Remedy = new Remedy.Unlock(Name),
    };
}
